import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from machinami.areas import freeze_areas, places_at, read_areas
from machinami.catalog import Catalog
from machinami.config import AreaConfig, PlaceConfig
from machinami.errors import InputError
from tests.shared_data import SHARED_DATA

TOKYO = SHARED_DATA / "tokyo-municipalities.geojson"
SQUARE = [[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]
HOLE = [[0.5, 0.5], [0.5, 1], [1, 1], [1, 0.5], [0.5, 0.5]]


def feature(ring, **properties):
    geometry = {"type": "Polygon", "coordinates": [[[x + 139, y + 35] for x, y in part] for part in ring]}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def read(root, value, where=None, *, key="a"):
    text = value if isinstance(value, str) else json.dumps(value)
    (root / "areas.geojson").write_text(text)
    place = PlaceConfig(key=key, area=AreaConfig(file="areas.geojson", where=where or {}))
    return read_areas([place], root)[key]


def collection(*features):
    return {"type": "FeatureCollection", "features": list(features)}


def inside(area, lat, lon):
    return bool(area.contains(np.array([lat]), np.array([lon]))[0])


@pytest.mark.parametrize("wrap", [dict, lambda f: f["geometry"], collection])
def test_a_square_with_a_hole(wrap, tmp_path):
    area = read(tmp_path, wrap(feature([SQUARE, HOLE])))
    assert inside(area, 35.2, 139.2)
    assert not inside(area, 35.7, 139.7)
    assert not inside(area, 139.2, 35.2)
    assert not inside(area, 35.0, 139.5)


def test_a_feature_is_picked_by_its_properties(tmp_path):
    far = [[x + 5, y] for x, y in SQUARE]
    value = collection(feature([SQUARE], code="1", kind="x"), feature([far], code=2, kind="x"))
    area = read(tmp_path, value, {"code": "2", "kind": "x"})
    assert inside(area, 36, 145)
    assert not inside(area, 36, 140)
    assert area.code == "code=2, kind=x"


def test_parts_of_one_place_are_united(tmp_path):
    far = [[x + 5, y] for x, y in SQUARE]
    value = collection(
        feature([SQUARE], code="1"), feature([far], code="1"), feature([[[9, 9], [9, 8], [8, 8], [9, 9]]])
    )
    area = read(tmp_path, value, {"code": "1"})
    assert inside(area, 36, 140)
    assert inside(area, 36, 145)


def test_a_bow_tie_is_repaired(tmp_path):
    area = read(tmp_path, feature([[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]))
    assert inside(area, 36, 139.3)
    assert inside(area, 36, 140.7)
    assert not inside(area, 36.8, 140)


BROKEN = {
    "no JSON": ("{", "not JSON"),
    "too deep": ("[" * 100_000, "not JSON"),
    "a number": ("5", "not GeoJSON"),
    "a topology": ('{"type": "Topology"}', "'Topology'"),
    "no features": ('{"type": "FeatureCollection", "features": []}', "no features"),
    "features in words": ('{"type": "FeatureCollection", "features": ["a"]}', "no features"),
    "a point": ('{"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}}', "'Point'"),
    "no geometry": ('{"type": "Feature", "properties": null, "geometry": null}', "None"),
    "words as coordinates": ('{"type": "Polygon", "coordinates": "here"}', "cannot be read"),
    "two points": ('{"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}', "cannot be read"),
    "nothing": ('{"type": "Polygon", "coordinates": []}', "empty"),
    "a line": ('{"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0], [0, 0]]]}', "empty"),
    "metres": ('{"type": "Polygon", "coordinates": [[[0, 0], [5000, 0], [5000, 5000], [0, 0]]]}', "no degrees"),
    "latitude first": (
        '{"type": "Polygon", "coordinates": [[[35, 139], [36, 140], [35, 140], [35, 139]]]}', "longitude before"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", BROKEN)
def test_what_is_no_area_says_so(wrong, tmp_path):
    text, part = BROKEN[wrong]
    with pytest.raises(InputError, match=r"areas\.geojson") as caught:
        read(tmp_path, text)
    assert part in str(caught.value)


def test_a_missing_file(tmp_path):
    place = PlaceConfig(key="a", area=AreaConfig(file="none.geojson"))
    with pytest.raises(InputError, match=r"none\.geojson.*cannot be read"):
        read_areas([place], tmp_path)


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "areas.geojson").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(InputError, match="byte 7"):
        read_areas([PlaceConfig(key="a", area=AreaConfig(file="areas.geojson"))], tmp_path)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"N03_07": "13209"}, r"no feature has a property 'N03_07'; there are 'N03_007', 'name'"),
        ({"name": "Machda"}, r"no feature has name = 'Machda'; there are 'Machida', 'Chuo'"),
        ({}, r"the file has 2 features, so say which"),
    ],
)
def test_errors_list_what_there_is(where, message, tmp_path):
    value = collection(feature([SQUARE], N03_007="13209", name="Machida"), feature([SQUARE], N03_007="1", name="Chuo"))
    with pytest.raises(InputError, match=message):
        read(tmp_path, value, where)


def test_places_without_an_area_are_left_out(tmp_path):
    assert read_areas([PlaceConfig(key="a")], tmp_path) == {}


@given(st.lists(st.tuples(st.floats(34, 38), st.floats(138, 142)), min_size=1, max_size=50))
def test_many_points_at_once_as_one_by_one(points):
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        a = read(Path(folder), feature([SQUARE]))
        b = read(Path(folder), feature([[[x + 1, y] for x, y in SQUARE]]), key="b")
    lat, lon = np.array(points).T
    expected = []
    for y, x in points:
        hits = (("a",) if 35 < y < 37 and 139 < x < 141 else ()) + (("b",) if 35 < y < 37 and 140 < x < 142 else ())
        expected.append(hits)
    assert places_at({"a": a, "b": b}, lat, lon) == expected


def test_areas_are_frozen_in_the_catalogue(tmp_path):
    area = read(tmp_path, feature([SQUARE], code="1"), {"code": "1"})
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        freeze_areas(catalog, {"a": area})
        stored = catalog.areas()["a"]
    assert (stored["source"], stored["code"]) == ("areas.geojson", "code=1")
    (tmp_path / "areas.geojson").write_text(stored["geojson"])
    again = read_areas([PlaceConfig(key="a", area=AreaConfig(file="areas.geojson"))], tmp_path)["a"]
    assert again.shape.equals(area.shape)


@pytest.mark.skipif(not TOKYO.exists(), reason="the municipalities of Tokyo are not on this machine")
def test_the_municipalities_of_tokyo():
    places = [
        PlaceConfig(key=key, area=AreaConfig(file=TOKYO.name, where={"N03_007": code}))
        for key, code in [("chuo", "13102"), ("machida", "13209")]
    ]
    areas = read_areas(places, TOKYO.parent)
    ginza, machida, sea = (35.6717, 139.7650), (35.5466, 139.4388), (35.5, 139.9)
    lat, lon = np.array([ginza, machida, sea]).T
    assert places_at(areas, lat, lon) == [("chuo",), ("machida",), ()]
