import io
from collections import Counter

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from machinami.check import near_stage
from machinami.check.stage import check_photos, restore_photos
from tests.shared_data import SHARED_DATA

REAL = sorted((SHARED_DATA / "labelmefacade" / "photos" / "barcelona").glob("*"))[:40:8]


def street(index=0):
    if not REAL:
        pytest.skip("the real photos are not here")
    return Image.open(REAL[index]).convert("RGB")


def half(image):
    return image.resize((image.width // 2, image.height // 2))


def cropped(image):
    x, y = round(image.width * 0.025), round(image.height * 0.025)
    return image.crop((x, y, image.width - x, image.height - y))


def compressed(image):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=50)
    return Image.open(buffer).convert("RGB")


def brightened(image):
    return ImageEnhance.Brightness(image).enhance(1.3)


def check(project):
    return check_photos(project, project.config())


def groups(project):
    with project.catalog() as catalog:
        return {photo.source_id: photo.near_group for photo in catalog.photos()}


def test_planted_copies_are_found_and_other_streets_are_not(project, imported, reasons):
    kinds = {
        "half": half,
        "crop": cropped,
        "jpeg": compressed,
        "light": lambda i: ImageEnhance.Brightness(i).enhance(1.3),
    }
    pictures = {}
    for index in range(3):
        image = street(index)
        pictures[f"a/{index} 00 whole.png"] = image
        pictures |= {f"a/{index} {kind}.png": make(image) for kind, make in kinds.items()}
    ids = imported(pictures)
    report = check(project)
    assert report.marked == {"near-duplicate": 12}
    for name, reason in reasons().items():
        whole = ids[f"{name[:3]} 00 whole.png"]
        assert reason == (None if "whole" in name else f"near-duplicate: {whole}")
    assert Counter(groups(project).values()) == Counter(
        {min(ids[n] for n in ids if n[2] == str(i)): 5 for i in range(3)}
    )
    again = check(project)
    assert (again.newly_marked, again.taken_back, again.marked) == (0, 0, report.marked)


def test_near_copies_in_two_places_are_a_conflict(project, imported, reasons):
    ids = imported({"a/1.png": street(), "b/2.png": half(street()), "b/3.png": street(1)})
    check(project)
    assert reasons() == {
        "a/1.png": f"label-conflict: {ids['b/2.png']} in b",
        "b/2.png": f"label-conflict: {ids['a/1.png']} in a",
        "b/3.png": None,
    }
    assert (check(project).newly_marked, groups(project)["b/3.png"]) == (0, None)


def test_the_users_word_stands(project, imported, reasons):
    ids = imported({"a/1.png": street(), "a/2.png": half(street())})
    check(project)
    assert reasons()["a/2.png"] == f"near-duplicate: {ids['a/1.png']}"
    restore_photos(project, project.config(), [ids["a/2.png"]])
    check(project)
    assert reasons() == {"a/1.png": f"near-duplicate: {ids['a/2.png']}", "a/2.png": None}


def test_marks_are_taken_back_when_they_no_longer_hold(project, imported, reasons):
    imported({"a/1.png": street(), "a/2.png": half(street())})
    check(project)
    project.config_file.write_text("[check]\nnear_duplicates = false\n")
    assert check(project).taken_back == 1
    assert (set(reasons().values()), set(groups(project).values())) == ({None}, {None})


def test_an_exact_twin_in_another_place_overrules_a_near_mark(project, imported, reasons):
    imported({"a/1.png": street(), "a/2.png": half(street())})
    check(project)
    ids = imported({"b/3.png": half(street())})
    check(project)
    assert reasons() == {
        "a/1.png": None,
        "a/2.png": f"label-conflict: {ids['b/3.png']} in b",
        "b/3.png": f"label-conflict: {ids['a/2.png']} in a",
    }
    assert set(groups(project).values()) == {None}


def test_without_the_network_only_the_nearest_hashes_count(project, imported, reasons, monkeypatch):
    monkeypatch.setattr(near_stage, "is_bundled", lambda: False)
    imported({"a/1.png": street(), "a/2.png": half(street()), "a/3.png": street(1)})
    assert check(project).marked == {"near-duplicate": 1}


def test_a_damaged_store_is_made_anew(project, imported):
    imported({"a/1.png": street(), "a/2.png": half(street())})
    check(project)
    (project.cache / "hashes.sqlite").write_bytes(b"nothing of use" * 100)
    assert check(project).marked == {"near-duplicate": 1}


def test_noise_is_nobodys_copy(project, imported, reasons):
    imported({f"a/{n}.png": n for n in range(12)})
    check(project)
    assert set(reasons().values()) == {None}
    assert np.all([group is None for group in groups(project).values()])


def test_copies_with_equal_hashes_are_one_group_in_both_places(project, imported, reasons):
    image = street()
    small, smaller = (image.resize((side, side * image.height // image.width)) for side in (400, 200))
    imported({"a/large.png": brightened(image), "a/small.png": small, "b/smaller.png": smaller})
    check(project)
    assert all((reason or "").startswith("label-conflict: ") for reason in reasons().values())


def test_a_photo_that_is_named_is_kept_though_it_bore_no_mark(project, imported, reasons):
    image = street()
    ids = imported({"a/large.png": image, "a/small.png": half(image)})
    check(project)
    assert restore_photos(project, project.config(), list(ids.values())) == 1
    assert check(project).marked == {}
    assert set(reasons().values()) == {None}
