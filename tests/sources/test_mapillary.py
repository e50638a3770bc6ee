import csv
import json
import math
from datetime import UTC, datetime, timedelta

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from machinami.areas import Area
from machinami.errors import BudgetError, CredentialError, HostBlocked, SourceError
from machinami.sources.manners import TryAgain, Unanswered
from machinami.sources.mapillary import (
    LIMITS,
    MapillarySource,
    address_request,
    judge_address,
    judge_graph,
    judge_thumb,
    parse_addresses,
    parse_search,
    search_request,
    thumbs_for,
)
from machinami.sources.secret import Secret
from machinami.sources.source import Box, PhotoGone, PhotoRef
from machinami.sources.transport import Answer, TransportError
from tests.shared_data import SHARED_DATA

RECORDED = SHARED_DATA / "recorded" / "mapillary-images.csv"
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GRAPH = "https://graph.mapillary.com"
HOST = "graph.mapillary.com"
TOKEN = "MLY|4711|secret"
BOX = Box(west=139.761, south=35.667, east=139.77, north=35.676)
REF = PhotoRef(source_id="498763468214164", lat=35.67, lon=139.77)
THUMB = "https://scontent.xx.fbcdn.net/m1/v/a.jpg?stp=s1024&oh=5f3%3D&oe=6A"
ROW = {
    "id": "498763468214164",
    "geometry": {"type": "Point", "coordinates": [139.7601, 35.6701]},
    "computed_geometry": {"type": "Point", "coordinates": [139.7602, 35.6702]},
    "captured_at": 1404876324000,
    "compass_angle": 10.5,
    "computed_compass_angle": 11.5,
    "camera_type": "perspective",
    "is_pano": False,
    "make": "Apple",
    "model": "iPhone 13 Mini",
    "sequence": "jK2nVpiBQwGvwFjVg7Ob0w",
    "creator": {"username": "filipb", "id": "105705978529028"},
    "width": 4032,
    "height": 3024,
}


def found(*rows, **more):
    return parse_search(json.dumps({"data": list(rows)}).encode(), now=NOW, **more)


def ref(**changes):
    row = {name: value for name, value in (ROW | changes).items() if value is not ...}
    refs = found(row).refs
    return refs[0] if refs else None


@pytest.fixture
def source(make_source):
    return make_source(MapillarySource, keys={"mapillary_token": TOKEN})


def nothing():
    pass


# Questions


def test_the_search_is_asked_as_documented():
    request = search_request(GRAPH, BOX, Secret(TOKEN))
    assert (request.method, request.url) == ("GET", "https://graph.mapillary.com/images")
    assert request.query["bbox"] == "139.7610000,35.6670000,139.7700000,35.6760000"
    assert request.query["limit"] == "2000"
    fields = request.query["fields"].split(",")
    assert {"id", "geometry", "computed_geometry", "captured_at", "creator"} <= set(fields)
    assert not any("thumb" in field for field in fields)  # those addresses expire
    assert request.secret_headers["Authorization"].value == f"OAuth {TOKEN}"
    assert TOKEN not in f"{request} {request!r} {request.full_url()}"


def test_addresses_are_asked_by_id():
    request = address_request(GRAPH, "49876/3?", Secret(TOKEN))
    assert request.url == "https://graph.mapillary.com/49876%2F3%3F"
    assert request.query == {"fields": "thumb_256_url,thumb_1024_url,thumb_2048_url,thumb_original_url"}
    assert request.secret_headers["Authorization"].value == f"OAuth {TOKEN}"


@pytest.mark.parametrize(
    ("image_px", "flat", "spherical"),
    [(1, "256", "1024"), (256, "256", "1024"), (257, "1024", "2048"), (1024, "1024", "2048"),
     (1500, "2048", "original"), (2048, "2048", "original"), (5000, "original", "original")],
)  # fmt: skip
def test_the_size_is_enough(image_px, flat, spherical):
    for kind, wanted in ((False, flat), (True, spherical)):
        thumbs = thumbs_for(image_px, spherical=kind)
        assert thumbs[0] == f"thumb_{wanted}_url"
        assert len(set(thumbs)) == 4


# Answers


def test_a_row_becomes_a_photo():
    photo = ref()
    assert (photo.source_id, photo.lat, photo.lon) == ("498763468214164", 35.6702, 139.7602)
    assert (photo.projection, photo.heading_deg, photo.reason) == ("flat", 11.5, None)
    assert photo.captured.text == "2014-07-09T03:25:24Z"
    assert (photo.width, photo.height, photo.sequence) == (4032, 3024, "jK2nVpiBQwGvwFjVg7Ob0w")
    assert (photo.creator, photo.camera_make, photo.camera_model) == ("filipb", "Apple", "iPhone 13 Mini")
    assert (photo.licence, photo.attribution) == ("CC-BY-SA-4.0", "© filipb, Mapillary, CC BY-SA 4.0")
    assert photo.page_url == "https://www.mapillary.com/app/?pKey=498763468214164"


def test_the_cameras_own_values_stand_in_for_computed_ones():
    photo = ref(computed_geometry=..., computed_compass_angle=None)
    assert (photo.lat, photo.lon, photo.heading_deg) == (35.6701, 139.7601, 10.5)
    assert ref(computed_geometry={"type": "Point", "coordinates": [0, 0]}).lat == 35.6701
    assert ref(computed_compass_angle=0).heading_deg == 0


@pytest.mark.parametrize("field", [name for name in ROW if name not in {"id", "geometry", "computed_geometry"}])
@pytest.mark.parametrize("value", [..., None, [], {}, "", "no such thing", -1, 1e300, True])
def test_every_other_field_may_be_anything(field, value):
    assert ref(**{field: value}).source_id == "498763468214164"


@pytest.mark.parametrize("value", [None, [], "x y", 1.5, {"a": 1}])
def test_a_row_without_id_costs_no_other_row(value, caplog):
    answer = found(ROW, ROW | {"id": "2", "geometry": None, "computed_geometry": []}, ROW | {"id": value}, None, 7)
    assert [photo.source_id for photo in answer.refs] == ["498763468214164"]
    assert "4 of 5 photos have no id or no position" in caplog.text


def test_ids_are_texts():
    assert ref(id=2406369572905907).source_id == "2406369572905907"


@pytest.mark.parametrize(
    "milliseconds",
    [(318857 - 1970) * 31_556_952_000, 0, -1, (NOW + timedelta(minutes=1)).timestamp() * 1000, 1e300, "x", math.nan],
)
def test_dates_that_cannot_be(milliseconds):
    assert ref(captured_at=milliseconds).captured is None


@pytest.mark.parametrize(
    ("camera_type", "is_pano", "projection", "reason"),
    [
        ("spherical", True, "spherical", None),
        ("equirectangular", ..., "spherical", None),
        (..., True, "spherical", None),
        ([], True, "spherical", None),
        (..., ..., "flat", None),
        (..., "true", "flat", None),
        ("perspective", True, "flat", None),
        ("fisheye", False, "flat", "fisheye"),
    ],
)
def test_what_kind_of_camera(camera_type, is_pano, projection, reason):
    photo = ref(camera_type=camera_type, is_pano=is_pano)
    assert (photo.projection, photo.reason) == (projection, reason)


def test_a_nameless_creator_and_camera():
    photo = ref(creator=..., make="none", model="none")
    assert (photo.creator, photo.camera_make, photo.camera_model) == (None, None, None)
    assert photo.attribution == "© a contributor, Mapillary, CC BY-SA 4.0"


def test_a_full_answer_is_a_cut_one():
    rows = [ROW | {"id": str(number)} for number in range(3)]
    assert found(*rows, limit=4).whole
    assert not found(*rows, limit=3).whole
    assert not found(*rows[:2], rows[0], limit=3).whole  # though one came twice
    assert len(found(*rows[:2], rows[0], limit=3).refs) == 2


@pytest.mark.parametrize("value", [{}, {"data": None}, {"data": {}}])
def test_an_answer_of_another_build(value):
    with pytest.raises(SourceError, match="without 'data'"):
        parse_search(json.dumps(value).encode(), now=NOW)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6)
rows = st.fixed_dictionaries({}, optional=dict.fromkeys(ROW, values) | {"id": st.just("1") | values})
points = st.fixed_dictionaries({"coordinates": st.lists(scalars, max_size=3)})


@quick
@given(st.dictionaries(st.sampled_from(["data", "error"]), values | st.lists(rows)) | values | st.binary())
def test_whatever_comes_there_are_photos_or_a_known_error(value):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    for judge in (judge_graph, judge_address, judge_thumb):
        judge(Answer(status=200, body=body), host=HOST, now=NOW)
        judge(Answer(status=400, body=body), host=HOST, now=NOW)
    try:
        answer = parse_search(body, now=NOW)
    except SourceError:
        return
    assert all(isinstance(photo, PhotoRef) for photo in answer.refs)
    parse_addresses(body)


@quick
@given(st.lists(rows.flatmap(lambda row: points.map(lambda point: {"id": "1", **row, "geometry": point})), max_size=3))
def test_whatever_a_row_holds_its_photo_can_be_written_down(given_rows):
    for photo in found(*given_rows).refs:
        assert -90 <= photo.lat <= 90
        assert -180 <= photo.lon <= 180
        assert photo.heading_deg is None or 0 <= photo.heading_deg < 360
        for text in (photo.sequence, photo.creator, photo.attribution, photo.camera_make):
            assert text is None or text.encode()


@pytest.mark.skipif(not RECORDED.is_file(), reason=f"the recorded answers are not here ({RECORDED})")
def test_answers_as_they_were_recorded():
    with RECORDED.open(encoding="utf-8") as file:
        recorded = list(csv.DictReader(file))
    answer = found(*map(from_recorded, recorded))
    assert len(answer.refs) == len(recorded) == 400
    for row, photo in zip(recorded, answer.refs, strict=True):
        assert [photo.lon, photo.lat] == json.loads(row["computed_geometry.coordinates"])
        assert photo.heading_deg == float(row["computed_compass_angle"])
        assert photo.projection == ("spherical" if row["camera_type"] == "spherical" else "flat")
        assert photo.creator == row["creator.username"]
        assert (photo.width, photo.height) == (int(row["width"]), int(row["height"]))
        assert (photo.camera_make is None) == (row["make"] == "none")


def from_recorded(row):
    """The JSON that a line of the table was made from."""
    return {
        "id": row["id"],
        "camera_type": row["camera_type"],
        "computed_compass_angle": float(row["computed_compass_angle"]),
        "computed_geometry": {
            "type": row["computed_geometry.type"],
            "coordinates": json.loads(row["computed_geometry.coordinates"]),
        },
        "creator": {"username": row["creator.username"], "id": row["creator.id"]},
        "height": int(row["height"]),
        "width": int(row["width"]),
        "make": row["make"],
        "model": row["model"],
    }


# Judging


def error(code, message="something", **more):
    return {"error": {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A1", **more}}


@pytest.mark.parametrize(
    ("status", "value", "kind", "words"),
    [
        (200, {"data": []}, type(None), ""),
        (429, {"backoff": 2500, "debug_info": {}}, TryAgain, "pause"),
        (400, {"backoff": 2500, "debug_info": {}}, TryAgain, "pause"),
        (429, {}, TryAgain, "429"),
        (503, {}, TryAgain, "503"),
        (500, error(2), TryAgain, "something"),
        (400, error(4, "limit reached"), TryAgain, "limit reached"),
        (400, error(9999, is_transient=True), TryAgain, "something"),
        (400, error(190), CredentialError, "MAPILLARY_ACCESS_TOKEN"),
        (200, error(190), CredentialError, "MAPILLARY_ACCESS_TOKEN"),
        (401, {}, CredentialError, "MAPILLARY_ACCESS_TOKEN"),
        (400, error(100, "Tried accessing nonexisting field (x)"), SourceError, "field (x)"),
        (200, error(100, "Tried accessing nonexisting field (x)"), SourceError, "field (x)"),
        (200, error(9999), SourceError, "something"),
        (200, {"error": "odd"}, SourceError, "odd"),
        (200, {"error": [7]}, SourceError, "without a message"),
        (400, {}, SourceError, "400"),
        (403, error(10), HostBlocked, "403"),
        (302, {}, HostBlocked, "302"),
    ],
)
def test_judging(status, value, kind, words, as_json):
    verdict = judge_graph(as_json(value, status), host=HOST, now=NOW)
    assert type(verdict) is kind
    if verdict is not None:
        assert words in (verdict.why if kind is TryAgain else str(verdict))
    if "backoff" in value:
        assert verdict.after_s == 2.5


def test_the_providers_words_about_a_token_are_not_repeated(as_json):
    verdict = judge_graph(as_json(error(190, f"Malformed access token {TOKEN}"), 400), host=HOST, now=NOW)
    assert TOKEN not in str(verdict)


@pytest.mark.parametrize(
    "value",
    [error(100, "Unsupported get request.", error_subcode=33), error(100, "Object with ID '7' does not exist")],
)
def test_a_photo_that_was_taken_back(value, as_json):
    verdict = judge_address(as_json(value, 400), host=HOST, now=NOW)
    assert isinstance(verdict, PhotoGone)
    assert (verdict.state, verdict.reason) == ("failed", "gone: graph.mapillary.com no longer knows it")


# Asking


def test_nothing_is_asked_to_begin_with(make_source, script):
    source = make_source(MapillarySource)
    area = Area(place="a", source="f", code=None, shape=shapely.box(139.7621, 35.6681, 139.7699, 35.6759))
    estimate = source.plan(area, photos=100)
    assert [box.name for box in source.cells(area, [])] == ["139.7610000,35.6670000,139.7700000,35.6760000"]
    assert estimate.requests == {"graph.mapillary.com": 101, "fbcdn.net": 100}
    assert estimate.images == 100
    assert 10e6 < estimate.image_bytes < 50e6
    assert estimate.minutes == pytest.approx(101 / 5 / 60)
    assert script.requests == []
    with pytest.raises(CredentialError, match="MAPILLARY_ACCESS_TOKEN"):
        source.search(BOX)
    assert script.requests == []


def test_the_plan_of_a_stand_in_is_about_one_host(make_source):
    source = make_source(MapillarySource, base_url="http://127.0.0.1:8000", requests_per_s=50.0)
    area = Area(place="a", source="f", code=None, shape=shapely.box(139.7621, 35.6681, 139.7699, 35.6759))
    estimate = source.plan(area, photos=10)
    assert estimate.requests == {"127.0.0.1:8000": 21}
    assert estimate.pace_per_s == {"127.0.0.1:8000": 50.0}


def test_boxes_are_small_enough_and_leave_no_gap(source):
    shape = shapely.box(139.755, 35.655, 139.785, 35.685)
    boxes = list(source.cells(Area(place="a", source="f", code=None, shape=shape), []))
    assert all(max(box.east - box.west, box.north - box.south) < 0.01 for box in boxes)
    union = shapely.union_all([shapely.box(box.west, box.south, box.east, box.north) for box in boxes])
    assert shape.difference(union).area < 1e-12


def test_a_search_waits_as_long_as_it_is_told(source, script, as_json):
    script.says(as_json({"backoff": 90_000}, 400), TransportError("reset"), as_json({"data": [ROW]}))
    answer = source.search(BOX)
    assert [photo.source_id for photo in answer.refs] == [ROW["id"]]
    assert answer.whole
    assert script.time_s >= 90
    assert len(script.requests) == 3


def test_where_2000_fail_fewer_are_asked_for(source, script, as_json):
    refusal = as_json(error(1, "Please reduce the amount of data you're asking for, then retry your request"), 500)
    script.says(refusal, as_json({"data": [ROW | {"id": str(number)} for number in range(1000)]}))
    answer = source.search(BOX)
    assert [request.query["limit"] for request in script.requests] == ["2000", "1000"]
    assert len(answer.refs) == 1000
    assert not answer.whole  # so that the quarters are asked
    script.says(*[refusal] * len(LIMITS))
    with pytest.raises(Unanswered, match="reduce the amount"):
        source.search(BOX)


def test_a_host_that_blocks_is_not_asked_again(source, script):
    script.says(Answer(status=302, headers={"location": "https://www.facebook.com/login"}))
    with pytest.raises(HostBlocked, match="same command"):
        source.search(BOX)


def test_a_photo_is_fetched_from_a_fresh_address(source, script, as_json, as_image):
    script.says(as_json({"thumb_1024_url": THUMB, "thumb_2048_url": THUMB + "2"}), as_image())
    asked = []
    fetched = source.fetch(REF, heading_deg=None, before=lambda: asked.append(len(script.requests)))
    assert (fetched.source_id, fetched.data) == (REF.source_id, b"\xff\xd8\xff street")
    question, image = script.requests
    assert question.url == f"{GRAPH}/{REF.source_id}"
    assert image.full_url() == THUMB
    assert not image.secret_headers  # the token stays with its host
    assert "5f3" not in f"{image} {image!r}"
    assert asked == [1]  # once, before the image, not before the free question


def test_a_spherical_photo_comes_whole_and_larger(source, script, as_json, as_image):
    ref = PhotoRef(source_id="1", lat=35.67, lon=139.77, projection="spherical")
    script.says(as_json({"thumb_1024_url": THUMB, "thumb_2048_url": THUMB + "2"}), as_image())
    source.fetch(ref, heading_deg=90.0, before=nothing)
    assert script.requests[1].full_url() == THUMB + "2"


@pytest.mark.parametrize("status", [403, 410])
def test_an_address_that_expired_is_asked_for_anew(source, script, as_json, as_image, status):
    old, new = (as_json({"thumb_1024_url": THUMB.replace("6A", mark)}) for mark in ("6A", "6B"))
    script.says(old, as_image(status), new, as_image())
    counted = []
    assert source.fetch(REF, heading_deg=None, before=lambda: counted.append(1)).data.startswith(b"\xff\xd8")
    assert script.requests[3].full_url().endswith("6B")
    assert len(counted) == 2


def test_but_not_for_ever(source, script, as_json, as_image):
    script.says(*[as_json({"thumb_1024_url": THUMB}), as_image(403)] * 3)
    with pytest.raises(Unanswered, match="expired 3 times"):
        source.fetch(REF, heading_deg=None, before=nothing)


def test_a_picture_that_is_gone(source, script, as_json, as_image):
    script.says(as_json({"thumb_1024_url": THUMB}), as_image(404))
    with pytest.raises(PhotoGone, match=r"gone: scontent\.xx\.fbcdn\.net answers 404"):
        source.fetch(REF, heading_deg=None, before=nothing)


@pytest.mark.parametrize(
    ("addresses", "reason"),
    [({}, "no address"), ({"thumb_1024_url": None}, "no address"),
     ({"thumb_1024_url": "http://example.org/a.jpg"}, "not https"),
     ({"thumb_1024_url": "file:///etc/passwd", "thumb_256_url": "https://u:p@example.org/"}, "not https")],
)  # fmt: skip
def test_addresses_that_are_not_asked(source, script, as_json, addresses, reason):
    script.says(as_json({"id": "1", **addresses}))
    with pytest.raises(PhotoGone, match=reason):
        source.fetch(REF, heading_deg=None, before=nothing)
    assert len(script.requests) == 1


def test_another_size_stands_in_for_one_that_is_missing(source, script, as_json, as_image):
    script.says(as_json({"thumb_256_url": THUMB, "thumb_original_url": THUMB + "9"}), as_image())
    source.fetch(REF, heading_deg=None, before=nothing)
    assert script.requests[1].full_url() == THUMB + "9"


def test_a_used_up_budget_asks_for_no_image(source, script, as_json):
    def refuse():
        raise BudgetError("used up")

    script.says(as_json({"thumb_1024_url": THUMB}))
    with pytest.raises(BudgetError):
        source.fetch(REF, heading_deg=None, before=refuse)
    assert len(script.requests) == 1


def test_image_hosts_throttle_too(source, script, as_json, as_image):
    script.says(as_json({"thumb_1024_url": THUMB}), as_json({"backoff": 4000}, 400), as_image())
    source.fetch(REF, heading_deg=None, before=nothing)
    assert script.time_s >= 4
