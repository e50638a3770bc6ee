import ast
import csv
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from machinami.areas import Area
from machinami.errors import CredentialError, HostBlocked, SourceError
from machinami.geo import LatLon, ground_distance_m
from machinami.sources.kartaview import (
    KartaViewSource,
    Overload,
    address_request,
    addresses_for,
    circle_around,
    judge_address,
    judge_api,
    judge_search,
    parse_page,
    search_request,
)
from machinami.sources.manners import TryAgain, Unanswered
from machinami.sources.secret import Secret
from machinami.sources.source import Box, PhotoGone, PhotoRef, boxes_over
from machinami.sources.transport import Answer
from tests.shared_data import SHARED_DATA

RECORDED = SHARED_DATA / "recorded" / "kartaview-photos.csv"
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SEARCH = "https://kartaview.org/1.0/list/nearby-photos/"
PHOTO = "https://api.openstreetcam.org/2.0/photo/"
HOST = "kartaview.org"
BOX = Box(west=139.7625, south=35.6625, east=139.775, north=35.675)
SMALL = Box(west=139.7625, south=35.6625, east=139.7633, north=35.6633)
REF = PhotoRef(source_id="1994435177", lat=48.769, lon=9.1627)
ROW = {
    "id": "1994435177",
    "sequence_id": "9073001",
    "sequence_index": "17",
    "lat": "48.769100",
    "lng": "9.162800",
    "match_lat": "48.769035",
    "match_lng": "9.162704",
    "heading": "74.00",
    "shot_date": "2024-06-09 09:11:51",
    "date_added": "2024-06-23 08:40:25",
    "username": "madflex",
    "projection": "PLANE",
    "field_of_view": "125",
    "name": "storage13/files/photo/2024/6/23/proc/9073001_b550e.jpg",
}
CDN = "https://cdn.kartaview.org/pr:sharp/"
STORAGE = "https://storage13.openstreetcam.org/files/photo/2024/6/23/"
ADDRESSES = {
    "id": "1994435177",
    "status": "active",
    "visibility": "public",
    "fileurl": STORAGE + "{{sizeprefix}}/a.jpg",
    "fileurlProc": STORAGE + "proc/a.jpg",
    "fileurlLTh": STORAGE + "lth/a.jpg",
    "fileurlTh": STORAGE + "th/a.jpg",
    "imageProcUrl": CDN + "proc",
    "imageLthUrl": CDN + "lth",
    "imageThUrl": CDN + "th",
}


def page_of(*rows, total=..., code="600", osv=False):
    """An answer of 1.0, its total a list with a text."""
    total = [str(len(rows))] if total is ... else total
    value = {"currentPageItems": list(rows), "totalFilteredItems": total}
    return {"status": {"apiCode": code, "httpCode": 200}, **({"osv": value} if osv else value)}


def photo_of(addresses, code=600):
    """An answer of 2.0 about one photo."""
    return {"status": {"apiCode": code}, "result": {"data": [addresses], "hasMoreData": False}}


def parsed(value):
    return parse_page(json.dumps(value).encode(), now=NOW)


def ref(**changes):
    refs = parsed(page_of({name: value for name, value in (ROW | changes).items() if value is not ...})).refs
    return refs[0] if refs else None


def rows_from(start, count):
    return [ROW | {"id": str(number)} for number in range(start, start + count)]


@pytest.fixture
def source(make_source):
    return make_source(KartaViewSource)


def nothing():
    pass


# Questions


def test_the_search_is_asked_as_documented():
    request = search_request(SEARCH, circle_around(BOX), page=3)
    assert (request.method, request.url) == ("POST", SEARCH)
    assert {**request.form, "radius": 0} == {
        "lat": "35.6687500", "lng": "139.7687500", "radius": 0, "page": "3", "ipp": "1000",
    }  # fmt: skip
    assert 850 < int(request.form["radius"]) < 950
    assert not request.secret_query


def test_a_token_is_taken_and_never_shown():
    search = search_request(SEARCH, circle_around(BOX), page=1, token=Secret("verysecret"))
    photo = address_request(PHOTO, "17", token=Secret("verysecret"))
    assert search.full_url() == f"{SEARCH}?access_token=verysecret"
    assert photo.secret_headers["X-Auth-Token"].value == "verysecret"
    assert photo.full_url() == f"{PHOTO}?id=17"
    assert "verysecret" not in f"{search} {search!r} {photo} {photo!r}"


@quick
@given(st.floats(-80, 80), st.floats(-179, 179), st.floats(0.0001, 0.0125))
def test_the_circle_holds_its_box(lat, lon, side_deg):
    box = Box(west=lon, south=lat, east=lon + side_deg, north=lat + side_deg)
    circle = circle_around(box)
    corners = [LatLon(a, b) for a in (box.south, box.north) for b in (box.west, box.east)]
    reach_m = max(ground_distance_m(LatLon(circle.lat, circle.lon), corner) for corner in corners)
    assert reach_m <= circle.radius_m <= 1.01 * reach_m + 1
    assert circle.radius_m <= 1000


# Answers


@pytest.mark.parametrize("osv", [False, True])
def test_a_row_becomes_a_photo(osv):
    page = parsed(page_of(ROW, total=["737"], osv=osv))
    assert (page.total, page.unusable) == (737, 0)
    (photo,) = page.refs
    assert (photo.source_id, photo.lat, photo.lon) == ("1994435177", 48.769035, 9.162704)
    assert (photo.projection, photo.heading_deg, photo.field_of_view_deg) == ("flat", 74.0, 125.0)
    assert (photo.captured.text, photo.captured.precision) == ("2024-06-09", "day")
    assert (photo.sequence, photo.creator, photo.licence) == ("9073001", "madflex", "CC-BY-SA-4.0")
    assert photo.attribution == "© Grab and KartaView contributors, madflex, CC BY-SA 4.0"
    assert photo.page_url == "https://kartaview.org/details/9073001/17"


@pytest.mark.parametrize("value", [None, "", "0", "91", "x", []])
def test_a_match_that_cannot_be_is_not_taken(value):
    photo = ref(match_lat=value, match_lng=None if value is None else "0")
    assert (photo.lat, photo.lon) == (48.7691, 9.1628)


@pytest.mark.parametrize(
    ("shot", "added", "expected"),
    [
        ("2024-06-09 09:11:51", "2024-06-23 08:40:25", "2024-06-09"),
        ("2024-06-09 09:11:51.000", None, "2024-06-09"),
        ("2024-06-23 08:40:25", "2024-06-23 08:40:25", None),  # the time of the upload
        ("2024-06-23 08:40:26", "2024-06-23 08:40:25", None),
        ("2003-06-09 09:11:51", "2024-06-23 08:40:25", None),
        ("2027-06-09 09:11:51", None, None),
        ("0000-00-00 00:00:00", "2024-06-23 08:40:25", None),
        ("318857-05-04 03:02:01", "2024-06-23 08:40:25", None),
        (None, "2024-06-23 08:40:25", None),
        ({}, [], None),
    ],
)
def test_dates(shot, added, expected):
    captured = ref(shot_date=shot, date_added=added).captured
    assert (captured.text if captured else None) == expected


@pytest.mark.parametrize(
    ("added", "expected"),
    [("2024-06-23 08:40:25", "2024-06-23"), ("2003-06-23 08:40:25", None), ("2099-01-01 00:00:00", None), (None, None)],
)
def test_the_day_of_the_upload_is_kept(added, expected):
    assert ref(date_added=added).uploaded_at == expected


def test_a_sphere_and_a_nameless_creator():
    photo = ref(projection="SPHERE", username="", sequence_index=None, field_of_view="0")
    assert (photo.projection, photo.creator, photo.page_url) == ("spherical", None, None)
    assert (photo.attribution, photo.field_of_view_deg) == ("© Grab and KartaView contributors, CC BY-SA 4.0", None)


@pytest.mark.parametrize("field", [name for name in ROW if name not in {"id", "lat", "lng"}])
@pytest.mark.parametrize("value", [..., None, [], {}, "", "no such thing", -1, 1e300, True])
def test_every_other_field_may_be_anything(field, value):
    assert ref(**{field: value}).source_id == "1994435177"


def test_rows_that_cannot_become_photos_are_counted(caplog):
    page = parsed(page_of(ROW, ROW | {"id": None}, {"id": "2"}, None, "x"))
    assert (len(page.refs), page.unusable) == (1, 4)
    assert "4 of 5 photos have no id or no position" in caplog.text


@pytest.mark.parametrize(
    ("total", "expected"),
    [(["737"], 737), ("737", 737), (737, 737), ([737], 737), ([], None), (None, None), (["x"], None), ({}, None)],
)
def test_totals(total, expected):
    assert parsed(page_of(ROW, total=total)).total == expected


def test_answers_of_another_build():
    assert parsed({"status": {"apiCode": "601"}}).refs == ()
    for value in ({"status": {"apiCode": "600"}}, {"currentPageItems": {}}, {"osv": []}):
        with pytest.raises(SourceError, match="currentPageItems"):
            parsed(value)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)
rows = st.fixed_dictionaries({}, optional=dict.fromkeys(ROW, values) | {"lat": st.just("48.7"), "lng": st.just("9.1")})
pages = st.fixed_dictionaries(
    {}, optional={"status": values, "currentPageItems": st.lists(rows) | values, "totalFilteredItems": values}
)
photos = st.fixed_dictionaries(
    {"result": st.fixed_dictionaries({"data": values | st.dictionaries(st.sampled_from(sorted(ADDRESSES)), values)})}
)


@quick
@given(pages | photos | values | st.binary() | st.builds(lambda page: {"osv": page}, pages))
def test_whatever_comes_there_are_photos_or_a_known_error(value):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    for status in (200, 400):
        for judge in (judge_api, judge_search, judge_address):
            judge(Answer(status=status, body=body), host=HOST, now=NOW)
    try:
        page = parse_page(body, now=NOW)
    except SourceError:
        page = None
    for photo in page.refs if page else ():
        assert photo.heading_deg is None or 0 <= photo.heading_deg < 360
        for text in (photo.sequence, photo.creator, photo.attribution, photo.page_url):
            assert text is None or text.encode()
    try:
        addresses = addresses_for(body, 1024, spherical=False, base_url="")
    except PhotoGone:
        return
    assert all(url.startswith("https://") for url in addresses)


@pytest.mark.skipif(not RECORDED.is_file(), reason=f"the recorded answers are not here ({RECORDED})")
def test_answers_as_they_were_recorded():
    with RECORDED.open(encoding="utf-8") as file:
        recorded = list(csv.DictReader(file))
    page = parsed(page_of(*map(from_recorded, recorded)))
    assert len(page.refs) == page.total == len(recorded) == 427
    for row, photo in zip(recorded, page.refs, strict=True):
        assert (photo.lat, photo.lon) == (float(row["kv_matchLat"]), float(row["kv_matchLng"]))
        assert photo.captured.text == row["kv_shotDate"][:10]
        assert photo.creator == "madflex"
        answer = photo_of({name.removeprefix("kv_"): text for name, text in row.items() if name.startswith("kv_")})
        addresses = addresses_for(json.dumps(answer).encode(), 1024, spherical=False, base_url="")
        assert addresses == (row["kv_fileurlLTh"],)


def from_recorded(row):
    """The JSON of 1.0 for what a line of the table, which was made from 2.0, says."""
    return {
        "id": row["orig_id"],
        "lat": row["kv_matchLat"],
        "lng": row["kv_matchLng"],
        "match_lat": row["kv_matchLat"],
        "match_lng": row["kv_matchLng"],
        "shot_date": row["kv_shotDate"],
        "date_added": row["kv_dateAdded"],
        "username": ast.literal_eval(row["kv_user"])["username"],
        "name": f"{row['kv_storage']}/files/photo/{row['kv_filepathProc']}",
    }


# Judging


def status_of(code):
    return {"status": {"apiCode": code, "apiMessage": "a message"}}


@pytest.mark.parametrize(
    ("status", "value", "kind"),
    [
        (200, page_of(ROW), type(None)),
        (200, page_of(code="601", total=["0"]), type(None)),
        (400, status_of("690"), Overload),
        (400, status_of(408), Overload),
        (200, status_of("690"), Overload),
        (200, status_of(429), TryAgain),
        (200, status_of(500), TryAgain),
        (429, {}, TryAgain),
        (502, status_of(600), TryAgain),
        (408, {}, TryAgain),
        (400, status_of(401), CredentialError),
        (403, status_of("403"), CredentialError),
        (401, {}, CredentialError),
        (403, {}, HostBlocked),
        (302, {}, HostBlocked),
        (301, {}, HostBlocked),
        (400, status_of(612), SourceError),
        (400, {}, SourceError),
        (404, {}, SourceError),
        (200, {}, SourceError),
        (200, {"status": []}, SourceError),
        (200, {"status": {"apiCode": [600]}}, SourceError),
    ],
)
def test_judging(status, value, kind, as_json):
    assert type(judge_api(as_json(value, status), host=HOST, now=NOW)) is kind


def test_a_web_page_is_a_block():
    answer = Answer(status=200, headers={"content-type": "text/html"}, body=b"<html>")
    assert isinstance(judge_api(answer, host=HOST, now=NOW), HostBlocked)


def test_the_providers_message_is_told(as_json):
    verdict = judge_api(as_json(status_of(612), 400), host=HOST, now=NOW)
    assert str(verdict) == "kartaview.org answers apiCode 612: a message"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (page_of(total=["0"]), type(None)),
        (page_of(total=None, code="601"), type(None)),
        (page_of(total=None), TryAgain),
        (page_of(total=["737"]), type(None)),  # the search sees that 737 are missing
    ],
)
def test_empty_is_not_none(value, kind, as_json):
    assert type(judge_search(as_json(value), host=HOST, now=NOW)) is kind


@pytest.mark.parametrize(("status", "code"), [(200, 601), (404, 404)])
def test_a_photo_that_is_not_known(status, code, as_json):
    assert isinstance(judge_address(as_json(status_of(code), status), host=HOST, now=NOW), PhotoGone)


def test_an_interface_that_is_not_there_is_no_missing_photo():
    assert isinstance(judge_address(Answer(status=404, body=b"Not Found"), host=HOST, now=NOW), SourceError)


# Addresses


@pytest.mark.parametrize(
    ("image_px", "spherical", "expected"),
    [
        (1024, False, (CDN + "lth", STORAGE + "lth/a.jpg")),
        (1280, False, (CDN + "lth", STORAGE + "lth/a.jpg")),
        (2048, False, (CDN + "proc", STORAGE + "proc/a.jpg")),
        (1024, True, (CDN + "proc", STORAGE + "proc/a.jpg")),
    ],
)
def test_the_size_is_enough(image_px, spherical, expected):
    body = json.dumps(photo_of(ADDRESSES)).encode()
    assert addresses_for(body, image_px, spherical=spherical, base_url="") == expected


def test_the_whole_size_stands_in_for_a_thumbnail():
    body = json.dumps({"result": {"data": {"fileurlProc": STORAGE + "proc/a.jpg"}}}).encode()
    assert addresses_for(body, 1024, spherical=False, base_url="") == (STORAGE + "proc/a.jpg",)


@pytest.mark.parametrize(
    ("addresses", "reason"),
    [
        ({}, "no address"),
        ({"fileurlLTh": "http://storage9.openstreetcam.org/lth/a.jpg"}, "no address"),
        ({"fileurlLTh": STORAGE + "{{sizeprefix}}/a.jpg"}, "no address"),
        (ADDRESSES | {"status": "deleted"}, "its status is 'deleted'"),
        (ADDRESSES | {"visibility": "private"}, "its visibility is 'private'"),
    ],
)
def test_photos_without_an_address(addresses, reason):
    with pytest.raises(PhotoGone, match=reason):
        addresses_for(json.dumps(photo_of(addresses)).encode(), 1024, spherical=False, base_url="")


# Asking


def test_nothing_is_asked_to_begin_with(source, script):
    area = Area(place="a", source="f", code=None, shape=shapely.box(139.763, 35.663, 139.774, 35.674))
    estimate = source.plan(area, photos=100)
    assert [box.name for box in source.cells(area, [])] == [BOX.name]
    assert estimate.requests == {"kartaview.org": 1, "api.openstreetcam.org": 100, "cdn.kartaview.org": 100}
    assert (estimate.images, estimate.minutes) == (100, pytest.approx(100 / 60))
    assert 20e6 < estimate.image_bytes < 40e6
    assert "100 requests an hour" in estimate.notes[1]
    assert script.requests == []


@pytest.mark.parametrize(
    ("keys", "base_url", "requests_per_s", "words"),
    [
        (None, "", 0.0, "allows 100 requests an hour, this pace is 3600"),
        ({"kartaview_token": "t"}, "", 0.0, "allows 1000 requests an hour"),
        (None, "", 0.027, None),
        (None, "http://127.0.0.1:8000", 50.0, None),
    ],
)
def test_the_plan_warns_above_the_documented_rate(make_source, keys, base_url, requests_per_s, words):
    source = make_source(KartaViewSource, keys=keys, base_url=base_url, requests_per_s=requests_per_s)
    area = Area(place="a", source="f", code=None, shape=shapely.box(139.763, 35.663, 139.774, 35.674))
    notes = source.plan(area, photos=10).notes
    assert len(notes) == (1 if words is None else 2)
    assert words is None or words in notes[1]


def test_boxes_leave_no_gap():
    shape = shapely.box(139.755, 35.655, 139.785, 35.685)
    boxes = boxes_over(Area(place="a", source="f", code=None, shape=shape), side_deg=0.0125)
    union = shapely.union_all([shapely.box(box.west, box.south, box.east, box.north) for box in boxes])
    assert shape.difference(union).area < 1e-12


def test_pages_are_followed_to_the_end(source, script, as_json):
    script.says(
        as_json(page_of(*rows_from(0, 3), total=["7"])),
        as_json(page_of(*rows_from(2, 3), total=["7"])),  # one came again
        as_json(page_of(*rows_from(5, 2), total=["7"])),
    )
    answer = source.search(BOX)
    assert sorted(int(photo.source_id) for photo in answer.refs) == list(range(7))
    assert answer.whole
    assert [request.form["page"] for request in script.requests] == ["1", "2", "3"]


@pytest.mark.parametrize("last", [page_of(code="601", total=None), page_of(*rows_from(0, 3), total=["7"])])
def test_fewer_than_promised_are_not_the_whole(source, script, as_json, last):
    script.says(as_json(page_of(*rows_from(0, 3), total=["7"])), as_json(last))
    answer = source.search(BOX)
    assert len(answer.refs) == 3
    assert not answer.whole


def test_without_a_total_pages_are_asked_until_nothing_new_comes(source, script, as_json):
    script.says(
        as_json(page_of(*rows_from(0, 3), total=None)),
        as_json(page_of(*rows_from(3, 1), total=None)),
        as_json(page_of(code="601", total=None)),
    )
    answer = source.search(BOX)
    assert (len(answer.refs), answer.whole) == (4, True)


def test_rows_that_cannot_become_photos_are_not_missed(source, script, as_json):
    script.says(as_json(page_of(*rows_from(0, 3), {"id": "9"}, total=["4"])))
    assert source.search(BOX).whole


def test_no_photos_are_no_photos(source, script, as_json):
    script.says(as_json(page_of(code="601", total=["0"])))
    answer = source.search(BOX)
    assert (answer.refs, answer.whole) == ((), True)


def test_an_overload_that_passes(source, script, as_json):
    script.says(as_json(status_of("690"), 400), as_json(status_of("408"), 400), as_json(page_of(ROW)))
    answer = source.search(BOX)
    assert len(answer.refs) == 1
    assert answer.whole
    assert script.time_s > 1


def test_an_overload_that_stays_makes_the_circle_smaller(source, script, as_json):
    script.says(*[as_json(status_of("690"), 400)] * 3)
    answer = source.search(BOX)
    assert (answer.refs, answer.whole) == ((), False)


@pytest.mark.parametrize("attempts", [1, 2])
def test_also_where_little_patience_is_configured(make_source, script, as_json, attempts):
    script.says(*[as_json(status_of("690"), 400)] * attempts)
    assert not make_source(KartaViewSource, attempts=attempts).search(BOX).whole


def test_what_came_before_an_overload_is_kept(source, script, as_json):
    script.says(as_json(page_of(*rows_from(0, 3), total=["7"])), *[as_json(status_of("408"), 400)] * 3)
    answer = source.search(BOX)
    assert (len(answer.refs), answer.whole) == (3, False)


def test_the_smallest_circle_stays_unknown(source, script, as_json):
    script.says(*[as_json(status_of("690"), 400)] * 3)
    with pytest.raises(Unanswered, match=r"overloaded \(apiCode 690\) \(radius 58 m\)"):
        source.search(SMALL)


def test_quarters_end_at_about_50_m(source, script, as_json):
    box, radii = BOX, []
    while True:
        script.says(*[as_json(status_of("690"), 400)] * 3)
        radii.append(circle_around(box).radius_m)
        try:
            source.search(box)
        except Unanswered:
            break
        box = box.quarters()[0]
    assert 50 <= radii[-1] < 100
    assert len(radii) == 5


def test_a_server_that_is_down_is_not_asked_for_less(source, script):
    script.says(*[Answer(status=502)] * 6)
    with pytest.raises(Unanswered, match="502"):
        source.search(BOX)


def test_one_search_after_the_other(make_source, script, as_json):
    lock, inside = threading.Lock(), []

    def send(request, *, deadline_s):
        assert lock.acquire(blocking=False), "two searches at once"
        time.sleep(0.01)
        inside.append(request)
        lock.release()
        return as_json(page_of(ROW))

    script.send = send
    source = make_source(KartaViewSource, base_url="http://127.0.0.1:8000", requests_per_s=1000.0)
    with ThreadPoolExecutor(4) as pool:
        assert all(answer.whole for answer in pool.map(source.search, [BOX] * 8))
    assert len(inside) == 8


def test_no_end_of_pages_ends(source, script, as_json):
    script.says(*[as_json(page_of(*rows_from(number, 1), total=["1000000"])) for number in range(100)])
    answer = source.search(BOX)
    assert (len(answer.refs), answer.whole) == (100, False)


def test_a_photo_is_fetched_from_a_fresh_address(make_source, script, as_json, as_image):
    source = make_source(KartaViewSource, keys={"kartaview_token": "verysecret"})
    script.says(as_json(photo_of(ADDRESSES)), as_image())
    asked = []
    fetched = source.fetch(REF, heading_deg=None, before=lambda: asked.append(len(script.requests)))
    assert (fetched.source_id, fetched.data) == (REF.source_id, b"\xff\xd8\xff street")
    question, image = script.requests
    assert question.full_url() == f"{PHOTO}?id=1994435177"
    assert image.full_url() == CDN + "lth"
    assert not image.secret_headers
    assert not image.secret_query
    assert asked == [1]


def test_the_other_host_may_still_have_it(source, script, as_json, as_image):
    script.says(as_json(photo_of(ADDRESSES)), as_image(404), as_image())
    counted = []
    source.fetch(REF, heading_deg=None, before=lambda: counted.append(1))
    assert script.requests[2].full_url() == STORAGE + "lth/a.jpg"
    assert len(counted) == 2


def test_old_storage_hosts_have_lost_it(source, script, as_json, as_image):
    old = {name: url for name, url in ADDRESSES.items() if name.startswith("file")}
    script.says(as_json(photo_of(old)), as_image(404))
    with pytest.raises(PhotoGone, match=r"gone: storage13\.openstreetcam\.org answers 404"):
        source.fetch(REF, heading_deg=None, before=nothing)


def test_an_unknown_photo_is_gone(source, script, as_json):
    script.says(as_json({"status": {"apiCode": 601}, "result": {"data": []}}))
    with pytest.raises(PhotoGone, match="gone: api"):
        source.fetch(REF, heading_deg=None, before=nothing)


def test_a_stand_in_is_asked_in_place_of_both_hosts(make_source, script, as_json, as_image):
    base_url = "http://127.0.0.1:8000"
    source = make_source(KartaViewSource, base_url=base_url)
    image = f"{base_url}/storage6/files/photo/lth/a.jpg"
    script.says(as_json(page_of(ROW)), as_json(photo_of({"fileurlLTh": image})), as_image())
    source.search(BOX)
    source.fetch(REF, heading_deg=None, before=nothing)
    urls = [request.url for request in script.requests]
    assert urls == [f"{base_url}/1.0/list/nearby-photos/", f"{base_url}/2.0/photo/", image]
