"""What a real Panoramax server answers: the facts that the client is built on."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.servers.geovisio import LICENCE, new_set, raw_status, send_file, waiting
from tests.servers.recorded import recorded, settle
from tests.servers.uploads import FLAT_PHOTOS, ROUND_PHOTOS, make_upload

pytestmark = pytest.mark.server

REQUIREMENTS = Path(__file__).parent / "requirements-geovisio.txt"
TOWNS = (139.0, 35.0, 140.0, 37.0)  # west, south, east, north of the made photos


@pytest.fixture(scope="module")
def client(panoramax_server):
    with httpx.Client(base_url=panoramax_server.url, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def sent(panoramax_server):
    """What was sent, by file name."""
    return {one.upload.name: one for one in panoramax_server.uploaded}


@pytest.fixture(scope="module")
def items(client):
    """Every item, by id."""
    return {item["id"]: item for item in search(client, limit=10_000)}


def search(client, **parameters):
    return client.get("/api/search", params=parameters).raise_for_status().json()["features"]


def comma(numbers):
    return ",".join(map(str, numbers))


def rectangle(west, south, east, north):
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


# Searching


def test_ten_items_unless_asked_for_more(client, panoramax_server):
    assert len(panoramax_server.uploaded) >= FLAT_PHOTOS + ROUND_PHOTOS
    assert len(search(client)) == 10
    assert len(search(client, limit=10_000)) == len(panoramax_server.uploaded)


@pytest.mark.parametrize("limit", [0, 10_001])
def test_limits_outside_1_to_10000_are_refused(client, limit):
    answer = client.get("/api/search", params={"limit": limit})
    assert answer.status_code == 400
    assert set(answer.json()) == {"message", "status_code"}
    assert "limit" in answer.json()["message"]


def test_a_full_answer_has_no_next_link_and_no_total(client):
    answer = client.get("/api/search", params={"limit": 5}).json()
    assert set(answer) == {"type", "features", "links"}
    assert len(answer["features"]) == 5
    assert [link["rel"] for link in answer["links"]] == ["root"]


def test_unknown_parameters_are_passed_over(client):
    assert len(search(client, page=2, limit=5)) == 5


@pytest.mark.parametrize("form", ["{}", "[{}]"])
def test_boxes(client, form):
    found = search(client, bbox=form.format(comma(TOWNS)), limit=100)
    assert len(found) == FLAT_PHOTOS + ROUND_PHOTOS
    assert search(client, bbox="-30,-30,-29,-29") == []


def test_a_box_takes_what_lies_on_its_edge(client, items, sent):
    """So boxes that share an edge may both hold a photo."""
    lon, lat = items[sent["round-0.jpg"].item_id]["geometry"]["coordinates"]
    found = search(client, bbox=comma((lon, lat, lon + 1e-6, lat + 1e-6)))
    assert [item["id"] for item in found] == [sent["round-0.jpg"].item_id]


def test_a_polygon_goes_by_get_and_not_as_an_object_by_post(client):
    polygon = rectangle(*TOWNS)
    by_get = search(client, intersects=json.dumps(polygon), limit=100)
    assert len(by_get) == FLAT_PHOTOS + ROUND_PHOTOS
    by_post = client.post("/api/search", json={"intersects": polygon, "limit": 100})
    assert by_post.status_code == 400
    as_text = client.post("/api/search", json={"intersects": json.dumps(polygon), "limit": 100})
    assert {item["id"] for item in as_text.json()["features"]} == {item["id"] for item in by_get}


def test_a_triangle_holds_fewer_than_its_box(client):
    west, south, east, north = 139.5, 36.0, 139.7, 36.05
    triangle = {"type": "Polygon", "coordinates": [[[west, south], [east, south], [west, north], [west, south]]]}
    found = search(client, intersects=json.dumps(triangle), limit=100)
    boxed = search(client, bbox=comma((west, south, east, north)), limit=100)
    assert 0 < len(found) < len(boxed)
    for item in found:
        lon, lat = item["geometry"]["coordinates"]
        assert (lon - west) / (east - west) + (lat - south) / (north - south) <= 1


def test_dates_narrow_a_search(client):
    found = search(client, datetime="2024-01-01T00:00:00Z/2024-02-28T23:59:59Z", bbox=comma(TOWNS), limit=100)
    assert 0 < len(found) < FLAT_PHOTOS
    assert all("2024-01-01" <= item["properties"]["datetime"] < "2024-03" for item in found)


@pytest.mark.parametrize("ids", ["one", "list"])
def test_items_by_id(client, sent, ids):
    name = sent["a-00.jpg"].item_id
    found = search(client, ids=name if ids == "one" else json.dumps([name]))
    assert [item["id"] for item in found] == [name]


def test_unknown_ids_are_an_empty_answer(client):
    assert search(client, ids="00000000-0000-4000-8000-000000000000") == []


def test_collections_do_page(client):
    answer = client.get("/api/collections", params={"limit": 2}).json()
    links = {link["rel"]: link["href"] for link in answer["links"]}
    following = client.get(links["next"]).json()
    seen = [{one["id"] for one in page["collections"]} for page in (answer, following)]
    assert len(seen[0]) == len(seen[1]) == 2
    assert not seen[0] & seen[1]


# Items


def test_every_photo_is_found_where_its_exif_says(items, panoramax_server):
    assert set(items) == {one.item_id for one in panoramax_server.uploaded}
    for one in panoramax_server.uploaded:
        lon, lat = items[one.item_id]["geometry"]["coordinates"]
        assert (lat, lon) == pytest.approx((one.upload.lat, one.upload.lon), abs=1e-7), one.upload.name


def test_the_heading_is_rounded_to_whole_degrees(items, panoramax_server):
    for one in panoramax_server.uploaded:
        heading_deg = items[one.item_id]["properties"]["view:azimuth"]
        assert isinstance(heading_deg, int), one.upload.name
        if one.upload.heading_deg is not None and one.upload.heading_deg >= 1:
            assert abs(heading_deg - one.upload.heading_deg) <= 0.5, one.upload.name


def test_a_missing_heading_is_made_up_from_the_drive(items, sent):
    """So view:azimuth does not prove that the camera looked there; the item's exif tells."""
    item = items[sent["b-03.jpg"].item_id]["properties"]
    assert sent["b-03.jpg"].upload.heading_deg is None
    assert 0 <= item["view:azimuth"] < 360
    assert "Exif.GPSInfo.GPSImgDirection" not in item["exif"]
    assert "Exif.GPSInfo.GPSImgDirection" in items[sent["a-00.jpg"].item_id]["properties"]["exif"]


def test_a_field_of_view_of_360_marks_round_pictures(items, panoramax_server):
    for one in panoramax_server.uploaded:
        camera = items[one.item_id]["properties"]["pers:interior_orientation"]
        assert (camera.get("field_of_view") == 360) == one.upload.is_360, one.upload.name
        assert camera["sensor_array_dimensions"] == [one.upload.width, one.upload.height]


def test_cameras_and_makers(items, panoramax_server):
    for one in panoramax_server.uploaded:
        properties = items[one.item_id]["properties"]
        camera = properties["pers:interior_orientation"]
        assert camera.get("camera_manufacturer") == one.upload.make, one.upload.name
        assert camera.get("camera_model") == one.upload.model
        assert properties["exif"].get("Exif.Image.Artist") == one.upload.artist
        assert properties["geovisio:producer"] == "Default account"
        names = [provider["name"] for provider in items[one.item_id]["providers"]]
        assert names == ["Default account", *([one.upload.artist] if one.upload.artist else [])]


def test_dates_are_utc_with_fractions_of_a_second(items, sent):
    exact, none = sent["a-00.jpg"], sent["a-01.jpg"]
    assert (exact.upload.offset, exact.upload.subsecond) == ("+00:00", "125")
    assert items[exact.item_id]["properties"]["datetime"] == "2024-02-14T05:40:24.125000+00:00"
    assert none.upload.subsecond is None
    assert items[none.item_id]["properties"]["datetime"] == "2024-02-14T05:40:29+00:00"


def test_a_date_without_offset_is_taken_for_local_time(items, sent):
    local = sent["b-00.jpg"]
    assert (local.upload.offset, local.upload.date) == (None, "2024:03:09 02:53:00")
    assert items[local.item_id]["properties"]["datetime"] == "2024-03-08T17:53:00.500000+00:00"  # in Japan


def test_the_licence_stands_on_every_item_and_in_the_configuration(client, items):
    assert {item["properties"]["license"] for item in items.values()} == {LICENCE[0]}
    for item in items.values():
        assert [link["href"] for link in item["links"] if link["rel"] == "license"] == [LICENCE[1]]
    configuration = client.get("/api/configuration").json()
    assert configuration["license"] == {"id": LICENCE[0], "url": LICENCE[1]}
    assert f"geovisio=={configuration['version']}" in REQUIREMENTS.read_text().splitlines()


@pytest.mark.parametrize(
    ("name", "photo"),
    [("search-flat", "a-00.jpg"), ("search-sparse", "b-09.jpg"), ("search-360", "round-1.jpg")],
)
def test_recorded_items_are_what_the_server_says(client, sent, panoramax_server, name, photo):
    answer = client.get("/api/search", params={"ids": sent[photo].item_id}).json()
    assert settle(answer, panoramax_server.url) == recorded(name, answer, panoramax_server.url)


@pytest.mark.parametrize(
    ("name", "path"),
    [("configuration", "/api/configuration"), ("refused-limit", "/api/search?limit=10001")],
)
def test_other_recorded_answers_are_what_the_server_says(client, panoramax_server, name, path):
    answer = client.get(path).json()
    assert settle(answer, panoramax_server.url) == recorded(name, answer, panoramax_server.url)


# Pictures


@pytest.mark.parametrize(
    ("photo", "sizes"),
    [
        ("a-00.jpg", {"hd": (320, 240), "sd": (2048, 1536), "thumb": (500, 375)}),
        ("round-0.jpg", {"hd": (1024, 512), "sd": (2048, 1024), "thumb": (500, 300)}),
    ],
)
def test_pictures_come_at_once_and_sd_is_always_2048_wide(client, items, sent, photo, sizes):
    """Small photos are enlarged, and the small picture of a 360° one is a view cut out of it."""
    assets = items[sent[photo].item_id]["assets"]
    assert set(assets) == set(sizes)
    for name, asset in assets.items():
        answer = client.get(asset["href"])
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        assert "content-length" not in answer.headers
        with Image.open(io.BytesIO(answer.content)) as image:
            assert image.size == sizes[name], name


def test_hd_is_the_file_as_it_was_sent(client, panoramax_server):
    for one in panoramax_server.uploaded[:3]:
        assert client.get(f"/api/pictures/{one.item_id}/hd.jpg").content == one.upload.jpeg


def test_a_picture_that_is_not_there_is_a_404_with_json(client):
    answer = client.get("/api/pictures/00000000-0000-4000-8000-000000000000/sd.jpg")
    assert answer.status_code == 404
    assert set(answer.json()) == {"message", "status_code"}


def test_with_a_storage_host_the_api_redirects_and_items_name_that_host(redirecting_server, sent):
    url, storage_url = redirecting_server
    one = sent["a-00.jpg"]
    with httpx.Client(base_url=url, timeout=30) as client:
        (item,) = search(client, ids=one.item_id)
        for name, asset in item["assets"].items():
            answer = client.get(f"/api/pictures/{one.item_id}/{name}.jpg")
            assert answer.status_code == 302
            assert answer.headers["content-type"].startswith("text/html")
            assert answer.headers["location"] == asset["href"]
            assert asset["href"].startswith(storage_url)
            assert client.get(asset["href"]).headers["content-type"] == "image/jpeg"


def test_while_a_photo_waits_to_be_processed(client, panoramax_server, items):
    """Its own address answers 102, which HTTP clients take for no answer; a search by place passes it over."""
    one = panoramax_server.uploaded[-1]
    collection = items[one.item_id]["collection"]
    path = f"/api/collections/{collection}/items/{one.item_id}"
    assert raw_status(client.base_url, path) == 200
    lat, lon = one.upload.lat, one.upload.lon
    around = comma((lon - 1e-6, lat - 1e-6, lon + 1e-6, lat + 1e-6))
    assert len(search(client, bbox=around)) == 1
    with waiting(panoramax_server.instance, one.item_id):
        assert raw_status(client.base_url, path) == 102
        assert client.get(f"/api/pictures/{one.item_id}/sd.jpg").status_code == 403
        assert search(client, bbox=around) == []
    assert raw_status(client.base_url, path) == 200


# Sending


@pytest.mark.parametrize(
    ("left_out", "missing"), [({"lat": None}, ["location"]), ({"captured": None}, ["datetime"])], ids=["place", "date"]
)
def test_photos_without_place_or_date_are_refused(client, left_out, missing):
    facts = {"captured": datetime(2024, 1, 2, tzinfo=UTC), "lat": 35.5, "lon": 139.5}
    upload = make_upload("bare.jpg", np.zeros((240, 320, 3), np.uint8), **(facts | left_out))
    answer = send_file(client, new_set(client, photos=1), upload)
    assert answer.status_code == 400
    assert answer.json()["details"]["missing_fields"] == missing


def test_the_same_file_is_taken_once(client, panoramax_server):
    answer = send_file(client, new_set(client, photos=1), panoramax_server.uploaded[0].upload)
    assert answer.status_code == 409


def test_the_made_photos_differ_in_what_their_exif_says(panoramax_server):
    uploads = [one.upload for one in panoramax_server.uploaded if one.upload.made]
    assert len({upload.jpeg for upload in uploads}) == len(uploads) == FLAT_PHOTOS + ROUND_PHOTOS
    for field in ("heading_deg", "subsecond", "offset", "make", "model", "artist", "focal_mm"):
        values = {getattr(upload, field) for upload in uploads}
        assert None in values
        assert len(values) > 1
