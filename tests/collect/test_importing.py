import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from machinami.collect.importing import import_photos
from machinami.errors import InputError, ProjectError, TableError
from machinami.files import digest_file
from machinami.images.decode import decode_photo
from machinami.images.measure import digest_pixels
from tests.shared_data import SHARED_DATA

GOOD = ["here/good 1.jpg", "here/good 2.jpg", "there/good 3.jpg", "there/good 4.jpg"]
LEGEND = {"regions": {"1": "building", "2": "road"}, "unlabelled": [0]}
AREAS = """
[[places]]
key = "west"
area = { file = "areas.geojson", where = { name = "west" } }
[[places]]
key = "east"
area = { file = "areas.geojson", where = { name = "east" } }
"""
LABELMEFACADE = SHARED_DATA / "labelmefacade"


def run(project, photos, **options):
    return import_photos(project, project.config(), photos, **options)


def write_table(path, text):
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def areas(project):
    """Two squares that share a strip: west 139.0 … 139.2, east 139.18 … 139.4."""

    def feature(name, west, east):
        ring = [[west, 35], [east, 35], [east, 36], [west, 36], [west, 35]]
        geometry = {"type": "Polygon", "coordinates": [ring]}
        return {"type": "Feature", "properties": {"name": name}, "geometry": geometry}

    features = [feature("west", 139.0, 139.2), feature("east", 139.18, 139.4)]
    (project.root / "areas.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    project.config_file.write_text(AREAS)


@pytest.fixture
def located(encoded):
    """A JPEG with a position, a heading and a date in its EXIF."""

    def make(seed, lat, lon):
        exif = Image.Exif()
        exif[0x010F], exif[0x0110] = "Maker\0", " Model  X "
        exif.get_ifd(0x8769)[0x9003] = "2014:07:09 01:00:00"
        exif.get_ifd(0x8769)[0x9011] = "+09:00"
        exif.get_ifd(0x8825).update({1: "N", 2: (lat, 0.0, 0.0), 3: "E", 4: (lon, 0.0, 0.0), 16: "T", 17: 271.5})
        return encoded(seed, exif=exif)

    return make


# --- a folder a place ----------------------------------------------------------------------------------------


def test_a_folder_of_folders(project, photos, rows):
    report = run(project, photos)
    assert (report.added, report.already, report.rejected, report.failed) == (4, 0, 0, 0)
    assert report.by_place == {"here": 2, "there": 2}
    found = rows(project)
    assert list(found) == GOOD
    for name, photo in found.items():
        original = photos / name
        assert photo.place == name.split("/")[0]
        assert (photo.width, photo.height) == (160, 120)
        assert photo.sha256 == digest_file(original)
        assert photo.file == f"photos/{photo.sha256[:2]}/{photo.sha256}.jpg"
        assert project.path_of(photo.file).read_bytes() == original.read_bytes()
        assert photo.pixels_sha256 == digest_pixels(decode_photo(original, max_pixels=10**6))


def test_importing_twice_adds_nothing(project, photos, rows):
    run(project, photos)
    before = rows(project)
    report = run(project, photos)
    assert (report.added, report.updated, report.already) == (0, 0, 4)
    assert rows(project) == before


def test_only_what_is_new_is_added(project, photos, encoded):
    run(project, photos)
    (photos / "here/new.jpg").write_bytes(encoded(5))
    report = run(project, photos)
    assert (report.added, report.already) == (1, 4)


def test_the_users_files_are_left_alone(project, photos):
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in photos.rglob("*.jpg")}
    run(project, photos)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in photos.rglob("*.jpg")} == before


def test_linked_photos_are_not_copied(project, photos, rows):
    run(project, photos, link=True)
    assert not project.photos.exists()
    assert {Path(photo.file) for photo in rows(project).values()} == {photos / name for name in GOOD}


def test_linking_by_a_relative_path_stores_absolute_ones(project, photos, rows, monkeypatch):
    monkeypatch.chdir(photos.parent)
    run(project, Path("photos"), link=True)
    assert all(Path(photo.file).is_absolute() for photo in rows(project).values())


def test_the_same_picture_in_two_places_is_one_file_and_two_rows(project, photos, rows):
    shutil.copy(photos / GOOD[0], photos / "there/copy.jpg")
    assert run(project, photos).added == 5
    found = rows(project)
    assert found[GOOD[0]].file == found["there/copy.jpg"].file
    assert found[GOOD[0]].photo_id != found["there/copy.jpg"].photo_id


def test_another_picture_under_a_known_name_is_another_photo(project, photos, rows, encoded):
    run(project, photos)
    (photos / GOOD[0]).write_bytes(encoded(77))
    assert run(project, photos).added == 1
    assert run(project, photos).added == 0
    other = [name for name in rows(project) if name.startswith(f"{GOOD[0]}#")]
    assert len(rows(project)) == 5
    assert len(other) == 1


def test_two_folders_with_the_same_names_do_not_collide(project, photos, tmp_path, encoded, rows):
    other = tmp_path / "other"
    for number, name in enumerate(GOOD):
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        (other / name).write_bytes(encoded(50 + number))
    assert run(project, photos).added == 4
    assert run(project, other).added == 4
    assert run(project, photos).already == 4
    assert run(project, other).already == 4
    assert len(rows(project)) == 8


def test_what_failed_is_tried_again(project, photos, rows, encoded):
    whole = encoded(9)
    (photos / "here/late.jpg").write_bytes(whole[:700])
    report = run(project, photos)
    assert report.failed == 1
    assert report.problems[0][0] == "here/late.jpg"
    first = rows(project)["here/late.jpg"]
    (photos / "here/late.jpg").write_bytes(whole)
    assert run(project, photos).added == 1
    second = rows(project)["here/late.jpg"]
    assert (second.photo_id, second.state, second.reason) == (first.photo_id, "fetched", None)


def test_a_lost_file_of_the_project_is_brought_back(project, photos, rows):
    run(project, photos)
    lost = project.path_of(rows(project)[GOOD[0]].file)
    lost.unlink()
    report = run(project, photos)
    assert (report.added, report.already) == (0, 4)
    assert lost.exists()


def test_what_the_user_took_out_stays_out(project, photos, rows):
    run(project, photos)
    photo = rows(project)[GOOD[0]]
    with project.catalog() as catalog:
        catalog.update(photo.photo_id, state="rejected", rejected_by="user", reason="forgotten", file=None)
    assert run(project, photos).already == 4
    assert rows(project)[GOOD[0]].rejected_by == "user"


def test_places_of_the_config_are_matched_by_key_or_label(project, photos):
    project.config_file.write_text('[[places]]\nkey = "a"\nlabel = "here"\n[[places]]\nkey = "there"\n')
    assert run(project, photos).by_place == {"a": 2, "there": 2}


def test_a_folder_that_is_no_place_names_the_nearest(project, photos):
    project.config_file.write_text('[[places]]\nkey = "here"\n[[places]]\nkey = "there2"\n')
    with pytest.raises(InputError, match=r"'there' is no place of machinami\.toml: did you mean 'there2'\?"):
        run(project, photos)


def test_folder_names_become_keys(project, photos, rows):
    (photos / "here").rename(photos / "New York (old)")
    report = run(project, photos)
    assert report.by_place == {"New-York-old": 2, "there": 2}
    assert "'New York (old)' became the place 'New-York-old'" in report.notes


def test_two_folders_of_one_key_are_refused(project, photos):
    (photos / "there").rename(photos / "here!")
    with pytest.raises(InputError, match="same place 'here'"):
        run(project, photos)


def test_a_flat_folder_says_what_is_missing(project, tmp_path, encoded):
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat/a.jpg").write_bytes(encoded())
    with pytest.raises(InputError, match="no sub-folders"):
        run(project, tmp_path / "flat")


# --- EXIF positions ------------------------------------------------------------------------------------------


def test_positions_against_areas(project, areas, located, encoded, tmp_path, rows):
    flat = tmp_path / "flat"
    (flat / "2014").mkdir(parents=True)
    (flat / "w.jpg").write_bytes(located(1, 35.5, 139.1))
    (flat / "2014/e.jpg").write_bytes(located(2, 35.5, 139.3))
    (flat / "out.jpg").write_bytes(located(3, 35.5, 140.3))
    (flat / "both.jpg").write_bytes(located(4, 35.5, 139.19))
    (flat / "none.jpg").write_bytes(encoded(5))
    report = run(project, flat)
    assert (report.added, report.rejected, report.by_place) == (2, 3, {"east": 1, "west": 1})
    found = rows(project)
    assert (found["w.jpg"].place, found["2014/e.jpg"].place) == ("west", "east")
    assert found["out.jpg"].reason == "outside-every-area"
    assert found["both.jpg"].reason == "ambiguous-area: west, east"
    assert found["none.jpg"].reason == "no-position"
    assert all(found[name].rejected_by == "import" for name in ("out.jpg", "both.jpg", "none.jpg"))
    assert len(list(project.photos.rglob("*.jpg"))) == 2
    with project.catalog() as catalog:
        assert set(catalog.areas()) == {"west", "east"}


def test_a_wider_area_takes_in_what_lay_outside(project, areas, located, tmp_path, rows):
    flat = tmp_path / "flat"
    flat.mkdir()
    (flat / "out.jpg").write_bytes(located(3, 35.5, 140.3))
    assert run(project, flat).rejected == 1
    text = (project.root / "areas.geojson").read_text().replace("139.4", "141")
    (project.root / "areas.geojson").write_text(text)
    again = run(project, flat)
    assert (again.added, again.rejected) == (0, 1)  # the frozen area holds
    assert any("areas.geojson has changed since the area of 'east' was frozen" in note for note in again.notes)
    assert not any("'west'" in note for note in again.notes)
    (project.root / "wider.geojson").write_text(text)
    text = project.config_file.read_text().replace("areas.geojson", "wider.geojson")
    project.config_file.write_text(text)
    assert run(project, flat).added == 1
    assert rows(project)["out.jpg"].place == "east"


def test_exif_facts_are_read_in_every_layout(project, photos, located, rows):
    (photos / "here/located.jpg").write_bytes(located(1, 35.5, 139.1))
    run(project, photos)
    row = rows(project)["here/located.jpg"]
    assert (row.lat, row.lon, row.heading_deg) == (35.5, 139.1, 271.5)
    assert (row.captured_at, row.captured_precision) == ("2014-07-08T16:00:00Z", "second")
    assert (row.camera_make, row.camera_model) == ("Maker", "Model X")


def test_photos_outside_their_places_area_are_told(project, areas, located, tmp_path):
    root = tmp_path / "photos"
    (root / "west").mkdir(parents=True)
    (root / "east").mkdir()
    (root / "west/wrong.jpg").write_bytes(located(1, 35.5, 139.3))
    (root / "east/right.jpg").write_bytes(located(2, 35.5, 139.3))
    report = run(project, root)
    assert report.added == 2
    assert "1 photos lie outside the area of the place they are said to show" in report.notes


# --- tables --------------------------------------------------------------------------------------------------


def test_a_table_says_more_than_exif(project, photos, located, rows, tmp_path):
    (photos / "here/located.jpg").write_bytes(located(1, 35.5, 139.1))
    table = write_table(
        tmp_path / "t.csv",
        "file,place,lat,lon,heading_deg,captured_at,camera,licence,sequence,odd\n"
        "here/located.jpg,x,36.5,138.1,-90,2015-03,Box,CC0,s1,?\nhere/good 1.jpg,y,,,,,,,,\n",
    )
    report = run(project, photos, table=table)
    assert report.by_place == {"x": 1, "y": 1}
    assert "columns left aside: odd" in report.notes
    row = rows(project)["here/located.jpg"]
    assert (row.lat, row.lon, row.heading_deg) == (36.5, 138.1, 270.0)
    assert (row.captured_at, row.captured_precision) == ("2015-03", "month")
    assert (row.camera_make, row.camera_model) == ("Maker", "Box")
    assert (row.licence, row.sequence) == ("CC0", "s1")


def test_a_corrected_table_corrects_the_rows(project, photos, rows, tmp_path):
    table = write_table(tmp_path / "t.csv", f"file,place\n{GOOD[0]},x\n{GOOD[1]},y\n")
    run(project, photos, table=table)
    write_table(table, f"file,place,lat,lon\n{GOOD[0]},y,35,139\n{GOOD[1]},y,,\n")
    report = run(project, photos, table=table)
    assert (report.added, report.updated, report.already) == (0, 1, 1)
    row = rows(project)[GOOD[0]]
    assert (row.place, row.lat, row.lon) == ("y", 35.0, 139.0)


def test_a_file_named_for_two_places_is_two_rows(project, photos, rows, tmp_path):
    text = f"file,place\n{GOOD[0]},x\n{GOOD[0]},y\n{GOOD[0]},x\n{GOOD[1]},y\n"
    table = write_table(tmp_path / "t.csv", text)
    report = run(project, photos, table=table)
    assert (report.added, report.already) == (3, 1)
    assert "1 rows of the table repeat a photo of the same place" in report.notes
    assert [photo.place for photo in rows(project).values()] == ["x", "y", "y"]
    before = rows(project)
    assert run(project, photos, table=table).already == 4
    assert rows(project) == before


def test_a_tables_own_source_and_id(project, photos, rows, tmp_path):
    table = write_table(tmp_path / "t.csv", f"file,place,source,source_id\n{GOOD[0]},x,Mapillary,123\n")
    run(project, photos, table=table)
    assert rows(project)["123"].source == "mapillary"


def test_a_place_that_the_config_does_not_know(project, photos, tmp_path):
    project.config_file.write_text('[[places]]\nkey = "chuo"\n[[places]]\nkey = "machida"\n')
    table = write_table(tmp_path / "t.csv", f"file,place\n{GOOD[0]},machda\n")
    with pytest.raises(TableError, match=r"row 1, column 'place'.*did you mean 'machida'"):
        run(project, photos, table=table)


def test_a_table_whose_files_are_all_elsewhere(project, photos, tmp_path):
    table = write_table(tmp_path / "t.csv", "file,place\nphotos/here/good 1.jpg,x\n")
    with pytest.raises(InputError, match="none of its 1 files is there"):
        run(project, photos, table=table)
    assert run(project, photos.parent, table=table).added == 1


def test_impossible_dates_are_unknown_and_counted(project, photos, rows, tmp_path):
    text = f"file,place,captured_at\n{GOOD[0]},x,1970-01-01\n{GOOD[1]},x,318857-01-01\n"
    report = run(project, photos, table=write_table(tmp_path / "t.csv", text))
    assert "2 dates lie before 1990 or in the future: taken as unknown" in report.notes
    assert rows(project)[GOOD[0]].captured_at is None


# --- masks ---------------------------------------------------------------------------------------------------


@pytest.fixture
def masks(tmp_path):
    root = tmp_path / "labels/masks"
    (root / "here").mkdir(parents=True)
    (root.parent / "regions.json").write_text(json.dumps(LEGEND))
    numbers = np.zeros((120, 160), np.uint8)
    numbers[:60] = 1
    image = Image.fromarray(numbers)
    image.save(root / "here/good 1.png")
    coloured = Image.fromarray(numbers, "L").convert("P")
    coloured.putdata(list(numbers.ravel()))
    coloured.putpalette([200, 0, 0, 0, 200, 0])
    coloured.save(root / "here/good 2.png")
    return root


def test_masks_beside_photos(project, photos, masks, rows):
    report = run(project, photos, masks=masks)
    assert (report.added, report.masks) == (4, 2)
    found = rows(project)
    for name in GOOD[:2]:
        photo = found[name]
        assert photo.mask == f"masks/{photo.photo_id}.png"
        stored = np.array(Image.open(project.path_of(photo.mask)))
        assert (stored[:60] == 1).all()
        assert (stored[60:] == 0).all()
        assert photo.mask_sha256 is not None
    with project.catalog() as catalog:
        assert json.loads(catalog.fact("regions")) == LEGEND
    assert run(project, photos, masks=masks).already == 4


def test_masks_may_come_later_and_change(project, photos, masks, rows):
    run(project, photos)
    assert run(project, photos, masks=masks).updated == 2
    Image.new("L", (160, 120), 2).save(masks / "here/good 1.png")
    report = run(project, photos, masks=masks)
    assert (report.updated, report.masks) == (1, 1)
    stored = Image.open(project.path_of(rows(project)[GOOD[0]].mask))
    assert set(np.array(stored).ravel()) == {2}


def test_unknown_numbers_become_unlabelled(project, photos, masks, rows):
    numbers = np.full((120, 160), 2, np.uint8)
    numbers[:10] = 77
    Image.fromarray(numbers).save(masks / "here/good 1.png")
    report = run(project, photos, masks=masks, link=True)
    assert any("77 in 1 masks" in note for note in report.notes)
    stored = np.array(Image.open(project.path_of(rows(project)[GOOD[0]].mask)))
    assert (stored[:10] == 0).all()
    assert (stored[10:] == 2).all()
    assert rows(project)[GOOD[1]].mask == str(masks / "here/good 2.png")  # linked, since nothing is changed


def test_a_mask_of_the_same_shape_at_another_size(project, photos, masks):
    Image.new("L", (80, 60), 1).save(masks / "here/good 1.png")
    assert run(project, photos, masks=masks).masks == 2


def test_a_tables_masks(project, photos, masks, tmp_path, rows):
    shutil.copytree(masks, photos / "masks")
    (photos / "regions.json").write_text(json.dumps(LEGEND))
    text = f"file,place,mask\n{GOOD[0]},x,masks/here/good 1.png\n{GOOD[1]},y,masks/none.png\n{GOOD[2]},y,\n"
    report = run(project, photos, table=write_table(tmp_path / "t.csv", text))
    assert (report.added, report.masks) == (3, 1)
    assert "1 masks were refused, their photos stay: mask-missing 1" in report.notes
    assert rows(project)[GOOD[0]].mask is not None


def test_masks_that_use_other_numbers_than_the_projects(project, photos, masks):
    run(project, photos, masks=masks)
    (masks.parent / "regions.json").write_text('{"regions": {"1": "sky"}, "unlabelled": [0]}')
    with pytest.raises(InputError, match="number them the same way"):
        run(project, photos, masks=masks)


# --- interruptions -------------------------------------------------------------------------------------------


def test_a_full_disk_says_so_and_keeps_what_was_imported(project, photos, monkeypatch, rows):
    from machinami.collect import examine

    real = examine.replacing
    third = digest_file(photos / GOOD[2])

    def failing(path):
        if path.stem == third:
            raise OSError(28, "No space left on device")
        return real(path)

    monkeypatch.setattr(examine, "replacing", failing)
    with pytest.raises(ProjectError, match="No space left"):
        run(project, photos)
    assert len(rows(project)) == 2
    monkeypatch.undo()
    assert run(project, photos).added == 2


def test_a_second_command_is_told_to_wait(project, photos):
    with project.lock("import"), pytest.raises(ProjectError, match="in use"):
        run(project, photos)


SLOWED = """
import sys, time
from pathlib import Path
from machinami.collect import examine, importing
from machinami.project import Project
real = examine.measure_photo
def slow(*args, **options):
    time.sleep(0.02)
    return real(*args, **options)
examine.measure_photo = slow
project = Project.open(Path(sys.argv[1]))
importing._BATCH = 8
importing.import_photos(project, project.config(), Path(sys.argv[2]))
"""


@pytest.mark.skipif(os.name == "nt", reason="kills with a signal")
def test_killed_at_any_point_it_goes_on_without_loss_or_repeat(project, photos, encoded, rows):
    for number in range(120):
        (photos / f"here/{number:03}.jpg").write_bytes(encoded(number))
    counts = []
    for _ in range(2):
        work = subprocess.Popen([sys.executable, "-c", SLOWED, str(project.root), str(photos)])
        wanted = (counts[-1] if counts else 0) + 8
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and work.poll() is None:
            if project.catalog_file.exists() and len(rows(project)) >= wanted:
                break
            time.sleep(0.01)
        work.send_signal(signal.SIGKILL)
        work.wait()
        counts.append(len(rows(project)))
    assert 0 < counts[0] < counts[1] < 124
    assert counts[0] % 8 == 0
    report = run(project, photos)
    assert report.added + report.already == 124
    assert report.already == counts[1]
    found = rows(project)
    assert len(found) == 124
    stored = {path.relative_to(project.root).as_posix() for path in project.photos.rglob("*.jpg")}
    assert {photo.file for photo in found.values()} <= stored
    for photo in found.values():
        assert digest_file(project.path_of(photo.file)) == photo.sha256


@pytest.mark.skipif(not LABELMEFACADE.exists(), reason="the LabelMeFacade photos are not on this machine")
def test_real_photos_with_masks(project, rows, tmp_path):
    lines = (LABELMEFACADE / "photos.csv").read_text().splitlines()
    table = write_table(tmp_path / "some.csv", "\n".join([lines[0], *lines[1::40]]))
    report = run(project, LABELMEFACADE, table=table, link=True)
    assert report.added == report.masks == len(lines[1::40])
    dates = {photo.captured_at for photo in rows(project).values() if photo.place == "cambridge-uk"}
    assert all(date.startswith("2006-07") for date in dates)
