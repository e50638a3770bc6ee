import json
from pathlib import Path

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from machinami.areas import Area
from machinami.errors import HostBlocked, SourceError
from machinami.sources.manners import TryAgain, Unanswered
from machinami.sources.panoramax import LIMIT, PanoramaxSource, judge_search, parse_search, picture_request
from machinami.sources.source import Box, PhotoGone, PhotoRef
from machinami.sources.transport import Answer
from tests.sources.conftest import NOW

RECORDED = Path(__file__).parents[1] / "servers" / "recorded"
BOX = Box(west=139.0, south=35.0, east=139.02, north=35.02)
JPEG = b"\xff\xd8\xff\xe0 a picture"


def item(number=1, **told):
    properties = {"datetime": "2024-02-29T15:27:14+00:00", "license": "etalab-2.0", "geovisio:status": "ready", **told}
    return {
        "id": f"id-{number}",
        "geometry": {"type": "Point", "coordinates": [139.01, 35.01]},
        "collection": "c",
        "properties": properties,
    }


def answer(features, links=()):
    body = json.dumps({"type": "FeatureCollection", "features": features, "links": list(links)}).encode()
    return Answer(status=200, headers={"content-type": "application/geo+json"}, body=body)


def picture(body=JPEG, kind="image/jpeg"):
    return Answer(status=200, headers={"content-type": kind}, body=body)


@pytest.fixture
def source(make_source):
    return make_source(PanoramaxSource)


def read(name):
    refs, items, following = parse_search((RECORDED / f"{name}.json").read_bytes(), now=NOW)
    assert (len(refs), items, following) == (1, 1, None)
    return refs[0]


def test_a_recorded_flat_photo():
    ref = read("search-flat")
    assert (ref.projection, ref.field_of_view_deg, ref.width, ref.height) == ("flat", 69.0, 320, 240)
    assert (ref.camera_make, ref.camera_model) == ("Lumen", "Dash 3")
    assert (ref.licence, ref.creator) == ("CC-BY-SA-4.0", "Default account")
    assert ref.captured.text == "2024-02-14T05:40:24Z"
    assert ref.reason is None


def test_a_recorded_360_photo():
    ref = read("search-360")
    assert (ref.projection, ref.heading_deg) == ("spherical", 223.25)


def test_a_recorded_photo_without_camera():
    ref = read("search-sparse")
    assert (ref.camera_make, ref.field_of_view_deg) == (None, None)


def test_each_photo_keeps_its_own_licence():
    refs, _, _ = parse_search(answer([item(1), item(2, license="CC-BY-SA-4.0"), item(3, license=None)]).body, now=NOW)
    assert [ref.licence for ref in refs] == ["etalab-2.0", "CC-BY-SA-4.0", None]
    assert [ref.attribution for ref in refs][::2] == ["© etalab-2.0, Panoramax", "© Panoramax"]


def test_a_photo_that_is_not_ready_yet_is_no_lost_photo():
    refs, _, _ = parse_search(answer([item(**{"geovisio:status": "preparing"})]).body, now=NOW)
    assert refs[0].reason is None  # fetching it finds out, and a later run asks again


@pytest.mark.parametrize(
    ("direction", "heading_deg"),
    [("41/100", 0.41), ("893/4", 223.25), ("90", 90.0), (None, 319.0), ("1/0", 319.0), ("x/y", 319.0), ("-5/1", None)],
)
def test_the_photo_knows_its_heading_better_than_the_server(direction, heading_deg):
    told = {"view:azimuth": 319, "exif": {"Exif.GPSInfo.GPSImgDirection": direction}}
    refs, _, _ = parse_search(answer([item(**told)]).body, now=NOW)
    assert refs[0].heading_deg == heading_deg


@pytest.mark.parametrize(
    ("created", "expected"),
    [("2024-03-01T10:00:00.123456+01:00", "2024-03-01T09:00:00Z"), ("2099-03-01T10:00:00+00:00", None), (None, None)],
)
def test_the_time_of_the_upload_is_kept(created, expected):
    (ref,), _, _ = parse_search(answer([item(created=created)]).body, now=NOW)
    assert ref.uploaded_at == expected


@pytest.mark.parametrize(
    "when", ["1970-01-01T00:00:00Z", "318857-01-01T00:00:00Z", "2031-01-01T00:00:00Z", "", None, 7]
)
def test_dates_that_cannot_be_are_unknown(when):
    refs, _, _ = parse_search(answer([item(datetime=when)]).body, now=NOW)
    assert refs[0].captured is None


def test_what_cannot_be_named_or_placed_is_left_out_and_spoils_nothing():
    odd = [
        {**item(), "id": None}, {**item(), "id": "../../etc"}, {**item(), "geometry": None}, 7, None,
        {**item(), "geometry": {"type": "Point", "coordinates": [139.0]}},
        {**item(), "geometry": {"type": "Point", "coordinates": [0, 0]}},
    ]  # fmt: skip
    refs, items, _ = parse_search(answer([*odd, item(2)]).body, now=NOW)
    assert ([ref.source_id for ref in refs], items) == (["id-2"], 8)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["id", "geometry", "type", "coordinates", "properties", "datetime", "links", "rel", "href",
                         "pers:interior_orientation", "sensor_array_dimensions", "field_of_view"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@given(st.lists(JSON, max_size=3), JSON)
def test_any_answer_gives_photos_or_none(features, links):
    body = json.dumps({"features": features, "links": links}).encode()
    refs, items, following = parse_search(body, now=NOW)
    assert len(refs) <= items == len(features)
    assert following is None or isinstance(following, str)
    assert all(isinstance(ref, PhotoRef) for ref in refs)


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [
        (answer([]), type(None)),
        (Answer(status=200, body=b"{}"), SourceError),
        (Answer(status=200, headers={"content-type": "text/html"}, body=b"<html>"), HostBlocked),
        (Answer(status=200, body=b'{"features": ['), TryAgain),
        (Answer(status=302, headers={"location": "/login"}), HostBlocked),
        (Answer(status=400, body=b"limit"), SourceError),
        (Answer(status=503), TryAgain),
    ],
)
def test_what_an_answer_says(asked, verdict):
    assert isinstance(judge_search(asked, host="h", now=NOW), verdict)


def test_a_full_answer_is_taken_for_a_cut_one(source, script):
    script.says(answer([item(n) for n in range(LIMIT)]))
    found = source.search(BOX)
    assert (len(found.refs), found.whole) == (LIMIT, False)
    assert script.requests[0].query["bbox"] == "139.0000000,35.0000000,139.0200000,35.0200000"


def test_pages_are_followed_where_a_server_names_them(source, script):
    following = {"rel": "next", "href": "https://api.panoramax.xyz/api/search?page=2"}
    script.says(answer([item(n) for n in range(LIMIT)], [following]), answer([item(LIMIT)]))
    found = source.search(BOX)
    assert (len(found.refs), found.whole) == (LIMIT + 1, True)
    assert script.requests[1].url == "https://api.panoramax.xyz/api/search?page=2"


def test_a_next_page_elsewhere_is_refused(source, script):
    script.says(answer([item()], [{"rel": "next", "href": "https://elsewhere.example.org/api/search"}]))
    with pytest.raises(SourceError, match=r"elsewhere\.example\.org"):
        source.search(BOX)


def fetch(source, ref=None, **asked):
    ref = ref or PhotoRef(source_id="id-1", lat=35, lon=139)
    return source.fetch(ref, heading_deg=None, before=asked.get("before", lambda: None))


def test_a_picture_counts_once_however_many_redirects(source, script):
    left = []
    script.says(Answer(status=302, headers={"location": "https://storage.example.org/1.jpg"}), picture())
    assert fetch(source, before=lambda: left.append(1)).data == JPEG
    assert [request.url for request in script.requests] == [
        "https://api.panoramax.xyz/api/pictures/id-1/sd.jpg",
        "https://storage.example.org/1.jpg",
    ]
    assert left == [1]


@pytest.mark.parametrize("address", ["http://storage.example.org/1.jpg", "file:///etc/passwd", "ftp://a.b/c"])
def test_a_redirect_to_where_nothing_is_asked(source, script, address):
    script.says(Answer(status=302, headers={"location": address}))
    with pytest.raises(PhotoGone, match="unsafe-address"):
        fetch(source)


def test_redirects_are_bounded(source, script):
    script.says(*[Answer(status=302, headers={"location": "/api/pictures/id-1/sd.jpg"})] * 4)
    with pytest.raises(PhotoGone, match="redirects"):
        fetch(source)


def test_a_picture_in_the_making_is_unknown_not_gone(source, script):
    script.says(Answer(status=403))
    with pytest.raises(Unanswered, match="does not show it"):
        fetch(source)


def test_a_picture_that_is_gone(source, script):
    script.says(Answer(status=404))
    with pytest.raises(PhotoGone, match="gone"):
        fetch(source)


def test_what_is_no_picture_is_asked_again(source, script):
    script.says(picture(b"<html>login</html>", "text/html"), picture(b"not a jpeg"), picture())
    assert fetch(source).data == JPEG


@pytest.mark.parametrize(
    ("width", "projection", "image_px", "size"),
    [(4000, "flat", 400, "thumb"), (4000, "flat", 501, "sd"), (1024, "flat", 1024, "hd"), (320, "flat", 400, "hd"),
     (None, "flat", 1024, "sd"), (5760, "spherical", 400, "sd"), (2048, "spherical", 400, "hd")],
)  # fmt: skip
def test_no_larger_picture_than_is_needed_and_none_enlarged(width, projection, image_px, size):
    ref = PhotoRef(source_id="x", lat=35, lon=139, width=width, projection=projection)
    url = picture_request("https://a.b", ref, image_px=image_px).url
    assert url == f"https://a.b/api/pictures/x/{size}.jpg"


def test_a_plan_asks_nothing(source):
    area = Area(place="a", source="s", code=None, shape=shapely.box(139.001, 35.001, 139.019, 35.019))
    plan = source.plan(area, photos=100)
    assert plan.requests == {"api.panoramax.xyz": 101}
    assert plan.minutes == pytest.approx(101 / 5 / 60)
