import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machinami import __version__
from machinami.areas.nominatim import OSM_CREDIT, BadAnswer, build_url, parse_answer, pick_area, user_agent
from machinami.config import AreaConfig
from machinami.errors import AmbiguousArea, InputError

RING = [[139.4, 35.5], [139.5, 35.5], [139.5, 35.6], [139.4, 35.5]]


def found(osm_id, name="町田市, 東京都, 日本", *, osm_type="relation", geometry=None):
    properties = {
        "osm_type": osm_type, "osm_id": osm_id, "display_name": name, "category": "boundary", "type": "administrative",
    }  # fmt: skip
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": geometry or {"type": "Polygon", "coordinates": [RING]},
    }


def answer(*features):
    return json.dumps({"type": "FeatureCollection", "licence": "…", "features": list(features)}).encode()


def pick(config, *features):
    return pick_area("machida", config, parse_answer(answer(*features)))


def test_requests():
    base = "https://nominatim.openstreetmap.org"
    assert build_url(AreaConfig(query="町田 & 市"), f"{base}/") == (
        f"{base}/search?q=%E7%94%BA%E7%94%B0+%26+%E5%B8%82&format=geojson&polygon_geojson=1&limit=10"
    )
    assert build_url(AreaConfig(osm="R5"), "http://127.0.0.1:8000/nominatim") == (
        "http://127.0.0.1:8000/nominatim/lookup?osm_ids=R5&format=geojson&polygon_geojson=1"
    )


def test_the_program_names_itself():
    assert user_agent().startswith(f"Machinami/{__version__}")


def test_a_relation_by_its_id():
    area = pick(AreaConfig(osm="R1759477"), found(1759477))
    assert (area.place, area.code) == ("machida", "osm=R1759477")
    assert area.source == f"OpenStreetMap R1759477, 町田市, 東京都, 日本 ({OSM_CREDIT})"
    assert area.shape.bounds == (139.4, 35.5, 139.5, 35.6)


def test_a_name_that_fits_one_relation():
    point = {"type": "Point", "coordinates": [139.4, 35.5]}
    area = pick(
        AreaConfig(query="Machida"), found(7, osm_type="node", geometry=point), found(8), found(9, osm_type="way")
    )
    assert (area.code, area.source.split(",")[0]) == ("query=Machida", "OpenStreetMap R8")


def test_a_name_that_fits_several_lists_them():
    with pytest.raises(AmbiguousArea) as caught:
        pick(AreaConfig(query="中央区"), found(1, "中央区, 東京都, 日本"), found(2, "中央区, 札幌市, 北海道, 日本"))
    text = str(caught.value)
    assert "the name fits 2 relations" in text
    assert "R1  中央区, 東京都, 日本 (administrative)" in text
    assert "R2  中央区, 札幌市, 北海道, 日本 (administrative)" in text
    assert 'area = { osm = "R1" }' in text


@pytest.mark.parametrize(
    ("config", "features", "message"),
    [
        (AreaConfig(osm="R5"), [], "knows no relation with a polygon like this; look its id up"),
        (AreaConfig(osm="R5"), [found(6)], "knows no relation"),
        (AreaConfig(query="Xyz"), [], "write the name with its city"),
        (AreaConfig(query="Xyz"), [found(5, geometry={"type": "Point", "coordinates": [1, 2]})], "no relation with a"),
        (AreaConfig(osm="R5"), [found(5, geometry={"type": "Polygon", "coordinates": "x"})], "cannot be read"),
        (AreaConfig(osm="R5"), [found(5, geometry={"type": "Polygon", "coordinates": []})], "empty"),
    ],
)
def test_what_is_not_there_is_an_error(config, features, message):
    with pytest.raises(InputError, match="'machida'") as caught:
        pick(config, *features)
    assert message in str(caught.value)


BAD = [
    b"",
    b"<html><body>Too busy</body></html>",
    b"[]",
    b'{"error": {"code": 400, "message": "Nothing to search for."}}',
    b'{"type": "FeatureCollection"}',
    b'{"type": "FeatureCollection", "features": [5]}',
    b'{"type": "FeatureCollection", "features": [{"properties": null}]}',
    b"\xff\xfe",
    b"[" * 100_000,
]


@pytest.mark.parametrize("body", BAD, ids=range(len(BAD)))
def test_a_body_that_is_no_answer(body):
    with pytest.raises(BadAnswer):
        parse_answer(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["relation", "Polygon"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["osm_type", "osm_id", "properties", "geometry", "type", "coordinates"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=3))
def test_whatever_an_answer_holds_is_an_area_or_an_error_of_ours(features):
    try:
        relations = parse_answer(answer(*features))
        pick_area("a", AreaConfig(query="x"), relations)
    except (BadAnswer, InputError):
        return
    assert len(relations) == 1
