import os

import pytest
from PIL import Image, ImageDraw

from machinami.catalog import Photo
from machinami.check import quality, stage, verified
from machinami.check.stage import check_inputs, check_photos, restore_photos
from machinami.errors import InputError, NotReady
from machinami.images.decode import digest_photo


def card(text="Sorry, we have no imagery here."):
    image = Image.new("RGB", (320, 320), (228, 227, 223))
    ImageDraw.Draw(image).text((60, 150), text, fill=(90, 90, 90))
    return image


def check(project):
    return check_photos(project, project.config())


def restore(project, *ids):
    return restore_photos(project, project.config(), ids)


def test_sound_photos_stay(project, imported, reasons):
    imported({"a/1.png": 1, "a/2.png": 2, "b/3.png": 3})
    report = check(project)
    assert (report.kept, report.newly_marked, report.taken_back) == (3, 0, 0)
    assert report.by_place == {"a": 2, "b": 1}
    assert report.marked == {}
    assert set(reasons().values()) == {None}


def test_an_empty_project_says_what_to_run(project):
    with pytest.raises(NotReady, match="machinami import"):
        check(project)


def test_each_unfit_photo_gets_its_reason(project, imported, reasons):
    ids = imported({
        "a/1.png": 1, "a/2 copy.png": 1, "a/3.png": 3, "b/4 copy.png": 3, "a/5 card.png": card(), "b/6.png": 6,
        "a/7 gone.png": 7, "a/8 changed.png": 8, "a/9 broken.png": 9, "b/10 small.png": Image.new("RGB", (50, 90)),
    })  # fmt: skip
    with project.catalog() as catalog:
        gone, changed = (project.path_of(catalog.photo(ids[n]).file) for n in ("a/7 gone.png", "a/8 changed.png"))
        gone.unlink()
        changed.write_bytes(changed.read_bytes() + b"x")
    report = check(project)
    found = reasons()
    assert found["a/1.png"] is None
    assert found["a/2 copy.png"] == f"exact-duplicate: {ids['a/1.png']}"
    assert found["a/3.png"] == f"label-conflict: {ids['b/4 copy.png']} in b"
    assert found["b/4 copy.png"] == f"label-conflict: {ids['a/3.png']} in a"
    assert found["a/5 card.png"].startswith("placeholder: 9")
    assert found["a/7 gone.png"] == "missing-file"
    assert found["a/8 changed.png"].startswith("file-changed")
    assert found["b/10 small.png"] == "too-small: 50 px, less than 96"
    assert report.marked == {
        "exact-duplicate": 1, "file-changed": 1, "label-conflict": 2, "missing-file": 1, "placeholder": 1,
        "too-small": 1,
    }  # fmt: skip
    assert report.by_place == {"a": 2, "b": 1}
    assert report.newly_marked == 6  # the small one was marked by the import


def test_checking_again_changes_nothing(project, imported):
    imported({"a/1.png": 1, "a/2.png": 1, "b/3.png": 3, "a/4.png": 3, "a/5.png": card()})
    check(project)
    with project.catalog() as catalog:
        before = list(catalog.photos())
    report = check(project)
    with project.catalog() as catalog:
        assert list(catalog.photos()) == before
    assert (report.newly_marked, report.taken_back) == (0, 0)


def test_marks_whose_reason_is_gone_are_taken_back(project, imported, reasons, tmp_path):
    ids = imported({"a/1.png": 1, "a/2.png": 1, "a/3.png": card(), "a/4.png": Image.effect_noise((60, 60), 50)})
    check(project)
    assert reasons()["a/2.png"] == f"exact-duplicate: {ids['a/1.png']}"
    with project.catalog() as catalog:
        catalog.update(ids["a/1.png"], state="rejected", rejected_by="user", reason="forgotten", file=None)
    lenient = "placeholder_share = 1.0\nmax_still_share = 1.0\nmin_entropy = 0.0\nmax_blur = 1.0\n"
    project.config_file.write_text("[check]\nmin_side_px = 50\n" + lenient)
    report = check(project)
    assert report.taken_back == 3
    assert reasons() == {"a/1.png": "forgotten", "a/2.png": None, "a/3.png": None, "a/4.png": None}


def test_a_file_that_comes_back_is_taken_back(project, imported, reasons):
    ids = imported({"a/1.png": 1, "b/2.png": 2})
    with project.catalog() as catalog:
        path = project.path_of(catalog.photo(ids["a/1.png"]).file)
    data = path.read_bytes()
    path.unlink()
    check(project)
    assert reasons()["a/1.png"] == "missing-file"
    path.write_bytes(data)
    assert check(project).taken_back == 1


def test_a_duplicate_of_a_lost_photo_stands_in_for_it(project, imported, reasons):
    ids = imported({"a/1.png": 1, "a/2.png": 1}, link=True)
    with project.catalog() as catalog:
        project.path_of(catalog.photo(ids["a/1.png"]).file).unlink()
    check(project)
    assert reasons() == {"a/1.png": "missing-file", "a/2.png": None}


def test_what_the_user_restored_stays_restored(project, imported, reasons):
    ids = imported({"a/1.png": 1, "a/2.png": 1, "a/3.png": card()})
    check(project)
    assert restore(project, ids["a/2.png"], ids["a/3.png"], ids["a/2.png"]) == 2
    assert set(reasons().values()) == {None}
    report = check(project)
    assert (report.kept, report.kept_by_user) == (2, 2)
    assert reasons()["a/1.png"] == f"exact-duplicate: {ids['a/2.png']}"
    assert reasons()["a/3.png"] is None


def test_the_users_word_decides_a_conflict(project, imported, reasons):
    ids = imported({"a/1.png": 1, "a/2.png": 1, "b/3.png": 1})
    check(project)
    assert all(reason.startswith("label-conflict") for reason in reasons().values())
    restore(project, ids["b/3.png"])
    check(project)
    assert reasons() == {
        "a/1.png": f"label-conflict: {ids['b/3.png']} in b",
        "a/2.png": f"label-conflict: {ids['b/3.png']} in b",
        "b/3.png": None,
    }
    restore(project, ids["a/2.png"])
    check(project)
    assert (reasons()["a/2.png"], reasons()["b/3.png"]) == (None, None)


def test_restoring_what_cannot_be_kept_is_refused_whole(project, imported, reasons, tmp_path):
    ids = imported({"a/1.png": 1, "a/2.png": 1})
    (tmp_path / "photos/a/3.png").write_bytes(b"nothing")
    ids = imported({"a/4.png": 4, "a/5.png": 5})
    with project.catalog() as catalog:
        project.path_of(catalog.photo(ids["a/4.png"]).file).unlink()
        catalog.update(ids["a/5.png"], state="rejected", rejected_by="user", reason="forgotten")
    check(project)
    before = reasons()
    for name, part in [("a/3.png", "nothing of it is stored"), ("a/4.png", "import it again"), ("a/5.png", "by hand")]:
        with pytest.raises(InputError, match=part):
            restore(project, ids["a/2.png"], ids[name])
    with pytest.raises(InputError, match="no photo 999"):
        restore(project, 999)
    assert reasons() == before
    assert restore(project, ids["a/1.png"]) == 0


def test_missing_measures_are_filled_in(project, imported):
    ids = imported({"a/1.png": 1, "a/2.png": 1})
    with project.catalog() as catalog:
        before = list(catalog.photos())
        for number in ids.values():
            catalog.update(number, width=None, height=None, pixels_sha256=None, grey_share=None)
    assert check(project).marked == {"exact-duplicate": 1}
    with project.catalog() as catalog:
        after = list(catalog.photos())
    measures = [[(p.width, p.height, p.pixels_sha256, p.grey_share) for p in photos] for photos in (before, after)]
    assert measures[0] == measures[1]


def test_a_photo_with_measures_is_not_decoded_again(project, imported, monkeypatch):
    imported({"a/1.png": 1})
    monkeypatch.setattr("machinami.check.quality.measure_photo", lambda *_, **__: pytest.fail("decoded"))
    assert check(project).kept == 1


@pytest.fixture
def settled(project, monkeypatch):
    """Files count as settled at once; gives the names of the files that were read since it was last asked."""
    monkeypatch.setattr(verified, "UNSETTLED_NS", 0)
    read = []
    monkeypatch.setattr(quality, "digest_photo", lambda path: read.append(path) or digest_photo(path))

    def names():
        found = {path.name for path in read}
        read.clear()
        return found

    return names


def files_of(project, ids):
    with project.catalog() as catalog:
        return {name: project.path_of(catalog.photo(photo_id).file) for name, photo_id in ids.items()}


def test_only_files_that_changed_are_read_again(project, imported, reasons, settled):
    files = files_of(project, imported({"a/1.png": 1, "a/2.png": 2, "b/3.png": 3}))
    check(project)
    assert settled() == {file.name for file in files.values()}
    before = reasons()
    check(project)
    assert settled() == set()
    assert reasons() == before
    file = files["a/2.png"]
    times, data = file.stat(), bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))  # the same size and time, and another content
    check(project)
    assert settled() == {file.name}
    assert reasons()["a/2.png"].startswith("file-changed")
    check(project)
    assert settled() == {file.name}  # what is not right is never trusted
    files["b/3.png"].unlink()
    check(project)
    assert reasons()["b/3.png"] == "missing-file"


def test_every_file_is_read_again_when_asked_or_without_the_cache(project, imported, settled):
    files = files_of(project, imported({"a/1.png": 1, "b/3.png": 3}))
    everything = {file.name for file in files.values()}
    memory = project.cache / "verified.sqlite"
    check(project)
    settled()
    check_photos(project, project.config(), read_all=True)
    assert settled() == everything
    for spoil in (memory.unlink, lambda: memory.write_bytes(b"no database" * 1000)):
        spoil()
        check(project)
        assert settled() == everything
        check(project)
        assert settled() == set()


def test_a_file_that_changed_just_now_is_not_trusted_yet(project, imported, settled, monkeypatch):
    files = files_of(project, imported({"a/1.png": 1}))
    monkeypatch.setattr(verified, "UNSETTLED_NS", 10**12)
    check(project)
    settled()
    check(project)
    assert settled() == {file.name for file in files.values()}


def test_a_row_that_wants_other_bytes_is_not_served_by_an_old_reading(project, imported, reasons, settled):
    ids = imported({"a/1.png": 1})
    check(project)
    with project.catalog() as catalog:
        catalog.update(ids["a/1.png"], sha256="0" * 64)
    check(project)
    assert reasons()["a/1.png"].startswith("file-changed")


def test_rows_of_other_states_are_left_alone(project, imported):
    imported({"a/1.png": 1})
    with project.catalog() as catalog:
        catalog.add(Photo(source="x", source_id="1", state="found", place="a"))
        catalog.add(Photo(source="x", source_id="2", state="unknown"))
        catalog.add(Photo(source="x", source_id="3", state="rejected", rejected_by="import", reason="no-position"))
        before = list(catalog.photos())
    assert check(project).kept == 1
    with project.catalog() as catalog:
        assert list(catalog.photos()) == before


def test_inputs_change_with_what_the_marks_depend_on(project, imported):
    ids = imported({"a/1.png": 1, "a/2.png": 1, "a/3.png": card()})
    first = check_inputs(project, project.config())
    check(project)
    assert check_inputs(project, project.config()) == first
    assert project.last_done("check")["inputs"] == first
    restore(project, ids["a/2.png"])
    second = check_inputs(project, project.config())
    project.config_file.write_text("[check]\nmin_side_px = 5\n")
    third = check_inputs(project, project.config())
    imported({"a/9.png": 9})
    assert len({first, second, third, check_inputs(project, project.config())}) == 4


def test_stopped_in_the_middle_it_goes_on(project, imported, reasons, monkeypatch):
    imported({f"a/{number}.png": number // 2 for number in range(12)})
    monkeypatch.setattr(stage, "_BATCH", 3)
    real, calls = stage._Marking.set, []

    def stopping(self, photo, mark, *, before):
        calls.append(photo)
        if len(calls) == 17:
            raise KeyboardInterrupt
        real(self, photo, mark, before=before)

    monkeypatch.setattr(stage._Marking, "set", stopping)
    with pytest.raises(KeyboardInterrupt):
        check(project)
    monkeypatch.undo()
    assert check(project).marked == {"exact-duplicate": 6}


def test_a_damaged_memory_of_files_costs_only_time(project, imported, reasons):
    imported({"a/1.png": 1, "a/2.png": 2})
    check(project)
    file = project.cache / "verified.sqlite"
    data = bytearray(file.read_bytes())
    data[4096:] = bytes(0x5A for _ in data[4096:])  # its first page, with the table's form, stays
    file.write_bytes(data)
    assert check(project).kept == 2
    assert set(reasons().values()) == {None}
