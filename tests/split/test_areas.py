"""Leave one area out: the test is one area of each place, and no other photo of that area is learned from."""

import json
from dataclasses import replace

import numpy as np
import pytest
import shapely
import shapely.geometry

from machinami.areas import Area
from machinami.catalog import Photo
from machinami.config import Config, PlaceConfig, SplitConfig
from machinami.errors import SplitError
from machinami.geo import LatLon
from machinami.project import Project
from machinami.split import SplitArea, SplitPhoto, lay_split, read_split, split_inputs, split_photos
from machinami.split.areas import find_areas

AREAS = SplitConfig(strategy="areas")


def photos_of(place, counts, *, first_id, lat=35.6):
    """Photos in a row of areas 5 km apart, so many in each."""
    rng = np.random.default_rng(first_id)
    photos = []
    for number, count in enumerate(counts):
        middle = LatLon(lat, 139.5 + 0.06 * number)
        area = SplitArea(name=f"{number:04d}", centre=middle, corners=(middle,) * 4)
        for north, east in (rng.random((count, 2)) * 0.02).tolist():
            photos.append(
                SplitPhoto(
                    photo_id=first_id + len(photos), place=place, lat=lat + north, lon=middle.lon + east, area=area
                )
            )
    return photos


def areas_of(photos, split, place):
    """subset -> names of the areas of a place's photos in it."""
    area_of = {photo.photo_id: photo.area.name for photo in photos}
    return {
        subset: {
            area_of[p] for block in split.blocks if (block.place, block.subset) == (place, subset) for p in block.photos
        }
        for subset in ("test", "validation", "train")
    }


@pytest.mark.parametrize("seed", range(4))
def test_the_test_is_one_area_of_each_place_and_each_area_is_the_test_once(seed):
    photos = [
        *photos_of("町田市", [40, 60, 50], first_id=1),
        *photos_of("chuo", [30, 30, 30], first_id=1_000, lat=35.9),
    ]
    tested = {"町田市": [], "chuo": []}
    for fold in range(3):
        split = split_photos(photos, replace(AREAS, fold=fold), seed=seed)
        assert (split.folds, split.strategy, split.branded) == (3, "areas", None)
        for place in tested:
            found = areas_of(photos, split, place)
            assert [len(names) for names in found.values()] == [1, 1, 1]
            assert len(set().union(*found.values())) == 3
            tested[place] += found["test"]
        assert split.report.counts["chuo"]["test"].blocks == 1
        assert split.report.test_to_train_m.min > 1_000
    assert all(sorted(names) == ["0000", "0001", "0002"] for names in tested.values())


def test_areas_beyond_those_that_every_place_has_are_always_for_training():
    photos = [*photos_of("a", [40, 9, 60, 50, 8], first_id=1), *photos_of("b", [30, 30, 30], first_id=1_000, lat=35.9)]
    for fold in range(3):
        split = split_photos(photos, replace(AREAS, fold=fold), seed=0)
        found = areas_of(photos, split, "a")
        assert [len(names) for names in found.values()] == [1, 1, 3]
        assert {"0001", "0004"} <= found["train"]
        assert split.report.fold_counts["a"][-1].photos == 17
        assert list(split.report.fold_counts["b"]) == [0, 1, 2]
    assert any("always for training" in note for note in split.report.notes)


def test_of_two_areas_validation_is_blocks_of_the_other():
    photos = [*photos_of("a", [80, 80], first_id=1), *photos_of("b", [90, 90, 90], first_id=1_000, lat=35.9)]
    for fold in range(2):
        split = split_photos(photos, replace(AREAS, fold=fold), seed=0)
        found = areas_of(photos, split, "a")
        assert found["test"].isdisjoint(found["train"] | found["validation"])
        assert len(found["test"]) == len(areas_of(photos, split, "b")["test"]) == 1
        assert found["train"] == found["validation"]
        assert 4 < split.report.counts["a"]["validation"].photos < 40
    assert any("validation is of blocks" in note for note in split.report.notes)


def test_a_fold_that_there_is_not_is_named_with_those_there_are():
    photos = [*photos_of("a", [40, 40, 40], first_id=1), *photos_of("b", [30, 30, 30], first_id=1_000)]
    with pytest.raises(SplitError, match=r"split.fold = 4, and there are 3 folds.*choose one of 0 … 2"):
        split_photos(photos, replace(AREAS, fold=4), seed=0)


def test_a_place_with_one_area_fails_with_the_table_and_the_ways_out():
    photos = [*photos_of("a", [40, 40], first_id=1), *photos_of("b", [90], first_id=1_000)]
    with pytest.raises(SplitError, match="only one area of b holds photos") as caught:
        split_photos(photos, AREAS, seed=0)
    rows = [line.split() for line in str(caught.value).splitlines()]
    assert ["b", "90", "1"] in rows
    assert 'split.strategy = "blocks"' in str(caught.value)


def test_photos_in_no_area_fail_with_the_ways_out():
    photos = [*photos_of("a", [40, 40], first_id=1), *photos_of("b", [40, 40], first_id=1_000)]
    lost = [replace(photos[3], area=None), replace(photos[4], area=None, lat=None, lon=None)]
    with pytest.raises(SplitError, match=r"2 photos of a lie in no area .*1 of them without .*photo 4\. Ways out"):
        split_photos([*photos[:3], *lost, *photos[5:]], AREAS, seed=0)


def test_near_duplicates_in_two_areas_are_left_out_of_one():
    photos = [*photos_of("a", [40, 60, 50], first_id=1), *photos_of("b", [30, 30, 30], first_id=1_000, lat=35.9)]
    photos = [replace(p, near_group=p.photo_id % 7) if p.photo_id % 7 < 3 else p for p in photos]
    split = split_photos(photos, AREAS, seed=0)
    assert split.report.near_duplicates_across == 0
    assert {drop.reason for drop in split.dropped} == {"near-duplicate"}


WEST, EAST, ISLE = (shapely.box(139.0 + d, 35.0, 139.02 + d, 35.02) for d in (0, 0.02, 0.5))


def test_a_photo_lies_in_the_area_that_holds_it_its_edge_included():
    area = Area(place="a", source="s", code=None, shape=(WEST | EAST | ISLE), features=(WEST, EAST, ISLE))
    spots = [(35.01, 139.01), (35.01, 139.02), (35.01, 139.03), (35.01, 139.51), (36, 139.01), (None, None)]
    photos = [SplitPhoto(photo_id=n, place="a", lat=lat, lon=lon) for n, (lat, lon) in enumerate(spots)]
    found = find_areas([*photos, replace(photos[0], photo_id=9, place="b")], {"a": area})
    assert [p.area and p.area.name for p in found] == ["0000", "0000", "0001", "0002", None, None, None]
    assert found[0].area.corners[0] in {LatLon(lat, lon) for lon, lat in WEST.exterior.coords}
    assert WEST.contains(shapely.Point(found[0].area.centre.lon, found[0].area.centre.lat))


def test_the_outline_of_a_rugged_coast_is_made_plain():
    rng = np.random.default_rng(0)
    angles = np.linspace(0, 2 * np.pi, 5_000, endpoint=False)
    radii = 0.1 * (1 + 0.02 * rng.random(5_000))
    shape = shapely.Polygon(np.column_stack([139 + radii * np.cos(angles), 35 + radii * np.sin(angles)]))
    photo = SplitPhoto(photo_id=1, place="a", lat=35.0, lon=139.0)
    (found,) = find_areas([photo], {"a": Area(place="a", source="s", code=None, shape=shape)})
    outline = shapely.Polygon([(lon, lat) for lat, lon in found.area.corners])
    assert len(found.area.corners) < 100
    assert outline.symmetric_difference(shape).area < 0.05 * shape.area


@pytest.fixture
def project(tmp_path):
    """Two places of three areas each, frozen in the catalogue, with photos in all of them."""
    (tmp_path / "machinami.toml").write_text("seed = 0\n")
    project = Project.open(tmp_path)
    rng = np.random.default_rng(0)
    with project.catalog() as catalog, catalog.transaction():
        for place, lat in (("町田市", 35.0), ("chuo", 36.0)):
            boxes = [shapely.box(139 + d, lat, 139.02 + d, lat + 0.02) for d in (0, 0.1, 0.2)]
            shape = shapely.MultiPolygon(boxes)
            catalog.set_area(place, source="areas.geojson", code=None, geojson=str(shapely.to_geojson(shape)))
            for number in range(120):
                north, east = rng.random(2) * 0.0199
                lon = 139 + 0.1 * (number % 3) + east + 1e-5
                photo = Photo(
                    source="folder", source_id=f"{place}/{number}.jpg", state="fetched", place=place,
                    lat=lat + north + 1e-5, lon=lon,
                )  # fmt: skip
                catalog.add(photo)
    return project


CONFIG = Config(places=(PlaceConfig(key="町田市"), PlaceConfig(key="chuo")), split=AREAS)


def test_the_stage_takes_the_frozen_areas(project):
    split = lay_split(project, CONFIG)
    assert read_split(project) == split
    assert len(split.blocks) == 6
    assert {block.place: block.subset for block in split.blocks if block.subset == "test"}.keys() == {"町田市", "chuo"}
    assert all(len(block.photos) == 40 and len(block.corners) == 4 for block in split.blocks)
    found = json.loads(project.split_file.read_text())
    assert (found["strategy"], found["folds"]) == ("areas", 3)


def test_other_areas_are_other_inputs(project):
    before = split_inputs(project, CONFIG)
    plain = split_inputs(project, replace(CONFIG, split=SplitConfig()))
    with project.catalog() as catalog:
        catalog.set_fact("areas:chuo", json.dumps([shapely.geometry.mapping(shapely.box(139, 36, 140, 37))] * 2))
    assert split_inputs(project, CONFIG) != before
    assert split_inputs(project, replace(CONFIG, split=SplitConfig())) == plain
