"""The new marks through the whole stage: set, kept off where the user said so, taken back, told, and shown."""

import re

import numpy as np
import pytest
from PIL import Image, ImageFilter

from machinami.check import indoor, measures, quality, second_look
from machinami.check.stage import check_inputs, check_photos, restore_photos
from machinami.images.signs import read_signs


def soft(seed, size=(320, 240)):
    """Soft blotches with fine grain: as much detail and as little order as a photo."""
    rng = np.random.default_rng(seed)
    blotches = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8)).resize(size, Image.Resampling.BICUBIC)
    grain = rng.normal(0, 20, (size[1], size[0], 1))
    return Image.fromarray((np.asarray(blotches) * 0.7 + 38 + grain).clip(0, 255).astype(np.uint8))


def dark(seed):
    return soft(seed).point(lambda level: level // 12)


def check(project):
    return check_photos(project, project.config())


def test_marks_are_set_with_a_score_and_taken_back(project, imported, reasons):
    ids = imported({"a/1.png": soft(1), "a/2.png": dark(2), "b/3.png": soft(3).filter(ImageFilter.GaussianBlur(6))})
    report = check(project)
    assert report.marked_by_place == {"a": {"dark": 1}, "b": {"blurred": 1}}
    with project.catalog() as catalog:
        blurred = catalog.photo(ids["b/3.png"])
    assert (blurred.state, blurred.rejected_by) == ("rejected", "check")
    assert blurred.score > 0.55
    project.config_file.write_text("[check]\nmin_light = 0.0\nmax_blur = 1.0\nmin_entropy = 0.0\n")
    assert check(project).taken_back == 2
    assert set(reasons().values()) == {None}


def test_the_users_word_stands(project, imported, reasons):
    ids = imported({"a/1.png": soft(1), "a/2.png": dark(2)})
    check(project)
    assert restore_photos(project, project.config(), [ids["a/2.png"]]) == 1
    assert check(project).kept == 2
    assert reasons()["a/2.png"] is None


def test_photos_are_measured_once(project, imported, monkeypatch):
    imported({f"a/{number}.png": soft(number) for number in range(4)})
    read = []
    monkeypatch.setattr(quality, "read_signs", lambda path, **k: read.append(path) or read_signs(path, **k))
    check(project)
    check(project)
    assert len(read) == 4
    monkeypatch.setattr(measures.Measures, "FORMAT", measures.Measures.FORMAT + 1)
    check(project)
    assert len(read) == 8
    memory = project.cache / "measures.sqlite"
    for spoil in (memory.unlink, lambda: memory.write_bytes(b"no database" * 1000)):
        spoil()
        assert check(project).kept == 4
    assert len(read) == 16


@pytest.fixture
def driven(project, imported):
    """Thirteen photos of one drive with a dashboard and its sister drive without; gives {name: photo_id}."""

    def covered(seed):
        pixels = np.array(soft(seed))
        pixels[140:] = np.linspace(10, 80, 100)[:, None, None]
        pixels[140:] += np.random.default_rng(seed).integers(0, 12, (100, 320, 1), np.uint8)
        return Image.fromarray(pixels)

    ids = imported({f"a/{n:02}.png": covered(n) for n in range(13)} | {f"b/{n:02}.png": soft(n) for n in range(20, 32)})
    with project.catalog() as catalog:
        for name, photo_id in ids.items():
            catalog.update(photo_id, sequence="drive 1" if name.startswith("a") else "drive 2", creator="C")
    return ids


def test_a_dashboard_marks_its_drive_alone(project, driven, reasons):
    report = check(project)
    assert report.marked_by_place == {"a": {"overlay": 13}}
    assert reasons()["a/00.png"] == "overlay: 39 % are the same in all of sequence drive 1"
    assert (check(project).newly_marked, check(project).taken_back) == (0, 0)


def test_an_overlay_can_be_kept_and_goes_with_its_threshold(project, driven, reasons):
    check(project)
    restore_photos(project, project.config(), [driven["a/03.png"]])
    assert check(project).marked == {"overlay": 12}
    project.config_file.write_text("[check]\nmax_overlay_share = 0.5\n")
    report = check(project)
    assert (report.taken_back, report.kept) == (12, 25)


def test_a_covered_copy_that_loses_its_mark_is_a_copy_again(project, imported, driven, reasons):
    project.config_file.write_text("[check]\nmax_overlay_share = 0.5\n")
    with project.catalog() as catalog:
        twin = catalog.photo(driven["a/00.png"])
        catalog.update(driven["a/01.png"], pixels_sha256=twin.pixels_sha256)
    assert check(project).marked == {"exact-duplicate": 1}
    project.config_file.write_text("")
    assert check(project).marked == {"overlay": 13}
    project.config_file.write_text("[check]\nmax_overlay_share = 0.5\n")
    assert check(project).marked == {"exact-duplicate": 1}
    assert check(project).newly_marked == 0


def test_rooms_are_looked_for_where_asked(project, imported, reasons, monkeypatch):
    ids = imported({f"a/{number}.png": soft(number) for number in range(3)})
    asked = []

    def network(photos, *, max_pixels):
        for digest, path in photos:
            asked.append(path)
            yield digest, 0.9 if len(asked) == 2 else 0.1

    monkeypatch.setattr(second_look, "indoor_probabilities", network)
    assert check(project).kept == 3
    assert asked == []
    project.config_file.write_text("[check]\nindoor = true\n")
    assert check(project).marked == {"indoor": 1}
    assert reasons()["a/1.png"] == "indoor: 90 % likely by things of rooms, a weak sign"
    assert check(project).marked == {"indoor": 1}
    assert len(asked) == 3
    restore_photos(project, project.config(), [ids["a/1.png"]])
    assert check(project).kept == 3
    project.config_file.write_text("[check]\nindoor = false\n")
    assert check(project).kept == 3


def test_the_bundled_network_answers_for_each_photo(project, imported):
    ids = imported({"a/1.png": soft(1), "a/2.png": soft(2)})
    with project.catalog() as catalog:
        paths = {name: project.path_of(catalog.photo(number).file) for name, number in ids.items()}
    paths["gone"] = project.root / "gone.png"
    answers = dict(indoor.indoor_probabilities(paths.items(), max_pixels=10**8))
    assert set(answers) == set(ids)
    assert all(0 <= answer <= 1 for answer in answers.values())
    assert len(set(indoor.ROOM_CLASSES.values())) == len(indoor.ROOM_CLASSES)


def test_the_room_classes_are_named_as_imagenet_names_them():
    from timm.data import ImageNetInfo

    names = ImageNetInfo()
    for number, name in indoor.ROOM_CLASSES.items():
        assert names.index_to_description(number).split(",")[0] == name


def test_doubtful_dates_are_set_aside_and_told(project, imported):
    ids = imported({f"a/{number}.png": soft(number) for number in range(3)})
    moment = "2020-01-01T10:00:00Z"
    with project.catalog() as catalog:
        catalog.update(ids["a/0.png"], captured_at=moment, captured_precision="second", uploaded_at=moment)
        catalog.update(ids["a/1.png"], captured_at="2999", captured_precision="year")
        catalog.update(ids["a/2.png"], captured_at="2019-12", captured_precision="month", uploaded_at=moment)
    report = check(project)
    assert report.kept == 3
    assert len(report.notes) == 2
    with project.catalog() as catalog:
        dates = [photo.captured_at for photo in catalog.photos()]
    assert dates == [None, None, "2019-12"]
    assert project.last_done("check")["inputs"] == check_inputs(project, project.config())
    assert check(project).notes == ()


def test_a_watermark_is_a_note_and_no_mark(project, imported):
    from PIL import ImageDraw

    def signed(seed):
        image = soft(seed)
        ImageDraw.Draw(image).text((30, 215), "someone 2019", fill=(255, 255, 255), font_size=18)
        return image

    imported({f"a/{n}.png": signed(n) for n in range(34)} | {f"b/{n}.png": soft(n) for n in range(50, 84)})
    report = check(project)
    assert report.kept == 68
    (note,) = report.notes
    assert "from folder of a bear the same mark" in note
    assert check(project).notes == report.notes


def test_the_sheet_shows_what_was_taken_out(project, imported):
    nasty = 'a <b>&"x'
    ids = imported({"p/1.png": soft(1), "p/2.png": dark(2), "p/3.png": soft(3), "p/4.png": soft(3)})
    with project.catalog() as catalog:
        catalog.update(ids["p/2.png"], place=nasty, attribution="<script>alert(1)</script>")
    report = check(project)
    page = project.rejected_file.read_text()
    assert report.sheet == str(project.rejected_file)
    assert page.count("<img ") == 2
    assert page.count('src="data:image/webp;base64,') == 2
    assert f"--restore {ids['p/2.png']}" in page
    assert "a &lt;b&gt;&amp;&#34;x" in page
    assert "<script" not in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    before = project.rejected_file.stat().st_mtime_ns
    check(project)
    assert project.rejected_file.stat().st_mtime_ns == before
    restore_photos(project, project.config(), [ids["p/2.png"]])
    check(project)
    assert project.rejected_file.read_text().count("<img ") == 1


def test_the_sheet_samples_evenly_and_stands_without_files(project, imported, monkeypatch):
    monkeypatch.setattr("machinami.check.sheet.MOST_SHOWN", 4)
    ids = imported({f"a/{number}.png": dark(number) for number in range(10)})
    with project.catalog() as catalog:
        project.path_of(catalog.photo(ids["a/9.png"]).file).unlink()
    check(project)
    page = project.rejected_file.read_text()
    shown = [int(number) for number in re.findall(r"<b>(\d+)</b>", page)]
    ordered = sorted(ids[f"a/{number}.png"] for number in range(9))
    assert shown == [ordered[number * 9 // 4] for number in range(4)] + [ids["a/9.png"]]
    assert "missing-file" in page
    assert "4 of 9 are shown" in page


def test_photos_that_may_not_be_shown_are_not(project, imported):
    imported({"a/1.png": dark(1), "a/2.png": soft(2)})
    with project.catalog() as catalog:
        catalog.set_fact("terms:folder", '{"may_be_shown": false}')
    check(project)
    page = project.rejected_file.read_text()
    assert "<img " not in page
    assert "do not allow" in page
