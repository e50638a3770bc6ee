import json

import pytest
import shapely

from machinami.areas import freeze_areas, frozen_areas, project_areas
from machinami.areas.nominatim import Reply
from machinami.errors import InputError
from machinami.project import Project

SMALL, LARGE = shapely.box(139, 35, 139.1, 35.1), shapely.box(139, 35, 139.2, 35.2)
ODD = shapely.Polygon([(139 + 1 / 3, 35 + 1 / 7), (139.7, 35.1), (139.7 + 1e-9, 35 + 2 / 3), (139.5, 35.9)])


def write(folder, *shapes, name="areas.geojson"):
    features = [
        {"type": "Feature", "properties": {"n": str(n)}, "geometry": shapely.geometry.mapping(shape)}
        for n, shape in enumerate(shapes)
    ]
    (folder / name).write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def configure(folder, *areas):
    places = "".join(f'[[places]]\nkey = "{key}"\n{f"area = {{ {area} }}" if area else ""}\n' for key, area in areas)
    (folder / "machinami.toml").write_text(places)
    return Project.open(folder)


def nobody(url, headers, /):
    raise AssertionError(f"{url} is asked")


def settle(project, fetch=nobody):
    """What `import` and `collect` do before they begin."""
    with project.catalog() as catalog:
        settled = project_areas(project, project.config(), catalog, fetch=fetch)
        freeze_areas(catalog, settled.areas)
        return settled


def test_a_changed_file_changes_no_frozen_area(tmp_path):
    project = configure(tmp_path, ("a", 'file = "areas.geojson"'))
    write(tmp_path, SMALL)
    assert settle(project).notes == ()
    write(tmp_path, LARGE)
    for _ in range(2):
        settled = settle(project)
        assert settled.areas["a"].shape.equals(SMALL)
        assert len(settled.notes) == 1
        assert "areas.geojson has changed since the area of 'a' was frozen" in settled.notes[0]


@pytest.mark.parametrize("shape", [ODD, SMALL | shapely.box(140, 35, 140.1, 35.1)])
def test_an_unchanged_file_is_no_news(shape, tmp_path):
    project = configure(tmp_path, ("a", 'file = "areas.geojson"'))
    write(tmp_path, shape)
    settle(project)
    write(tmp_path, shape.reverse())  # the same ground, written otherwise
    assert settle(project).notes == ()
    with project.catalog() as catalog:
        before = catalog.areas()["a"]["digest"]
    settle(project)
    with project.catalog() as catalog:
        assert catalog.areas()["a"]["digest"] == before


@pytest.mark.parametrize("content", [None, "{", '{"type": "Polygon", "coordinates": []}'])
def test_a_file_that_is_gone_or_broken_is_told(content, tmp_path):
    project = configure(tmp_path, ("a", 'file = "areas.geojson"'))
    write(tmp_path, SMALL)
    settle(project)
    (tmp_path / "areas.geojson").unlink() if content is None else (tmp_path / "areas.geojson").write_text(content)
    settled = settle(project)
    assert settled.areas["a"].shape.equals(SMALL)
    assert "'a' stays as it was frozen; it cannot be read afresh: " in settled.notes[0]


def test_a_changed_config_replaces_the_frozen_area(tmp_path):
    write(tmp_path, SMALL, LARGE)
    settle(configure(tmp_path, ("a", 'file = "areas.geojson", where = { n = "0" }')))
    project = configure(tmp_path, ("a", 'file = "areas.geojson", where = { n = "1" }'))
    settled = settle(project)
    assert (settled.notes, settled.areas["a"].shape.equals(LARGE)) == ((), True)
    with project.catalog() as catalog:
        assert catalog.areas()["a"]["code"] == "n=1"


def test_a_changed_config_with_a_broken_file_is_an_error(tmp_path):
    write(tmp_path, SMALL)
    settle(configure(tmp_path, ("a", 'file = "areas.geojson"')))
    with pytest.raises(InputError, match=r"other\.geojson"):
        settle(configure(tmp_path, ("a", 'file = "other.geojson"')))


def test_openstreetmap_is_asked_when_its_area_is_new(tmp_path):
    """A column that is called like our own word for a relation is still a column."""
    geometry = shapely.geometry.mapping(LARGE)
    properties = {"osm_type": "relation", "osm_id": 5, "display_name": "A"}
    feature = {"type": "Feature", "properties": properties, "geometry": geometry}
    good = Reply(200, {}, json.dumps({"type": "FeatureCollection", "features": [feature]}).encode())
    features = [{"type": "Feature", "properties": {"osm": "R5"}, "geometry": shapely.geometry.mapping(SMALL)}]
    (tmp_path / "areas.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    assert (
        settle(configure(tmp_path, ("a", 'file = "areas.geojson", where = { osm = "R5" }'))).areas["a"].shape == SMALL
    )
    project = configure(tmp_path, ("a", 'osm = "R5"'))
    assert settle(project, lambda *_: good).areas["a"].shape.equals(LARGE)
    assert settle(project).areas["a"].shape.equals(LARGE)
    with pytest.raises(AssertionError, match="lookup"):
        settle(configure(tmp_path, ("a", 'osm = "R6"')))


def test_order_and_places_without_an_area(tmp_path):
    write(tmp_path, SMALL, LARGE)
    first = ("b", 'file = "areas.geojson", where = { n = "1" }')
    settle(configure(tmp_path, first))
    project = configure(tmp_path, ("a", 'file = "areas.geojson", where = { n = "0" }'), ("c", ""), first)
    assert list(settle(project).areas) == ["a", "b"]


def freeze_features(folder, where, *features):
    """The parts of a place's area as they are thawed, after a second settling from the catalogue."""
    collection = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": properties, "geometry": shapely.geometry.mapping(shape)}
            for properties, shape in features
        ],
    }
    (folder / "areas.geojson").write_text(json.dumps(collection))
    project = configure(folder, ("a", f'file = "areas.geojson"{where}'))
    for _ in range(2):
        settle(project)
    with project.catalog() as catalog:
        return frozen_areas(catalog)["a"].parts


WEST, EAST, ISLE = (shapely.box(139 + d, 35, 139.1 + d, 35.1) for d in (0, 0.1, 0.5))  # the first two touch


def test_the_polygons_of_one_feature_are_its_parts(tmp_path):
    parts = freeze_features(tmp_path, "", ({}, WEST | ISLE))
    assert [part.centroid.x for part in parts] == pytest.approx([139.05, 139.55])


def test_features_that_touch_stay_apart(tmp_path):
    where = ', where = { side = "centre" }'
    parts = freeze_features(
        tmp_path, where, ({"side": "centre"}, WEST), ({"side": "centre"}, EAST), ({"side": "edge"}, ISLE)
    )
    assert [part.bounds for part in parts] == [WEST.bounds, EAST.bounds]


def test_any_value_makes_one_part_of_each_value(tmp_path):
    features = [({"市": "町田市"}, WEST), ({"市": "中央区"}, EAST), ({"市": "町田市"}, ISLE)]
    parts = freeze_features(tmp_path, ', where = { "市" = "*" }', *features)
    assert sorted(round(part.area, 4) for part in parts) == [0.01, 0.02]


def test_parts_are_forgotten_when_the_area_is_another(tmp_path):
    where = ', where = { side = "centre" }'
    freeze_features(tmp_path, where, ({"side": "centre"}, WEST), ({"side": "centre"}, EAST))
    parts = freeze_features(tmp_path, ', where = { side = "edge" }', ({"side": "edge"}, ISLE))
    assert [part.bounds for part in parts] == [ISLE.bounds]
