import io
import time

import pytest
from PIL import Image

from tests.servers.mapillary import MapillaryServer
from tests.servers.pictures import name_in
from tests.servers.world import World, utc

TOKEN = {"Authorization": "OAuth MLY|123|test"}
MIDDLE = "139.7655,35.6655,139.7745,35.6745"


@pytest.fixture
def server(world):
    with MapillaryServer(world) as server:
        yield server


@pytest.fixture
def search(server, ask):
    def search(bbox=MIDDLE, *, at=server, **query):
        got = ask(f"{at.url}/images", headers=TOKEN, bbox=bbox, **query)
        return got.json["data"] if got.status == 200 else (got.status, got.json["error"]["code"])

    return search


def test_the_token_belongs_into_the_header(server, ask):
    for headers, query in (({}, {}), ({"Authorization": "OAuth wrong"}, {}), (TOKEN, {"access_token": "MLY|123|test"})):
        got = ask(f"{server.url}/images", headers=headers, bbox=MIDDLE, **query)
        assert (got.status, got.json["error"]["code"], got.json["error"]["type"]) == (401, 190, "OAuthException")
        assert "fbtrace_id" in got.json["error"]


@pytest.mark.parametrize("bbox", ["139.76,35.66,139.77,35.665", "1,2,3", "139.77,35.66,139.76,35.665"])
def test_boxes_that_are_too_large_or_none_are_refused(search, bbox):
    assert search(bbox) == (400, 100)


def test_an_answer_is_cut_at_the_limit_without_a_word(search):
    whole = search()
    assert len(whole) > 50
    assert search(limit=50) == whole[:50]


def test_no_answer_has_more_than_2000_rows(ask):
    with MapillaryServer(World(photos=4000, dense=1.0)) as server:
        got = ask(f"{server.url}/images", headers=TOKEN, bbox=MIDDLE, limit=5000, fields="id")
    assert len(got.json["data"]) == 2000


def test_large_limits_may_fail(world, ask):
    with MapillaryServer(world, fails_above=1000) as server:
        assert ask(f"{server.url}/images", headers=TOKEN, bbox=MIDDLE).status == 500
        assert ask(f"{server.url}/images", headers=TOKEN, bbox=MIDDLE, limit=1000).status == 200


def test_only_the_fields_asked_for_are_told(search):
    assert {tuple(row) for row in search()} == {("id", "geometry")}
    assert {tuple(row) for row in search(fields="is_pano")} == {("id", "is_pano")}
    assert search(fields="id,nonsense") == (400, 100)


def test_fields_are_missing_and_positions_differ(search):
    fields = "geometry,computed_geometry,captured_at,compass_angle,creator,make,model,sequence,width"
    with MapillaryServer(World(photos=1000, incomplete=0.5, odd_dates=0.1)) as server:
        rows = search(at=server, fields=fields)
    shown = {name: sum(name in row for row in rows) / len(rows) for name in fields.split(",")}
    assert shown.pop("geometry") == 1
    assert all(0.5 < share < 1 for share in shown.values())
    both = [row for row in rows if "computed_geometry" in row]
    assert all(row["geometry"] != row["computed_geometry"] for row in both)
    assert {None, 1970, 3000} < {getattr(utc(row["captured_at"]), "year", None) for row in rows if "captured_at" in row}


def test_neighbouring_boxes_share_photos(search):
    left, right = search("139.7655,35.6655,139.77,35.6745"), search("139.77,35.6655,139.7745,35.6745")
    assert {row["id"] for row in left} & {row["id"] for row in right}


def test_filters(search, world):
    panoramas = search(is_pano="true", fields="is_pano")
    assert panoramas
    assert all(row["is_pano"] for row in panoramas)
    row = search(fields="sequence,creator")[0]
    assert len(search(sequence_id=row["sequence"])) < len(search())
    assert {r["creator"]["username"] for r in search(creator_username=row["creator"]["username"], fields="creator")
            if "creator" in r} == {row["creator"]["username"]}  # fmt: skip
    late = search(
        start_captured_at="2020-01-01T00:00:00Z", end_captured_at="2024-01-01T00:00:00Z", fields="captured_at"
    )
    assert {utc(r["captured_at"]).year for r in late if "captured_at" in r} <= {2020, 2021, 2022, 2023}


def test_one_photo_and_several(server, ask, world):
    ids = [server.id_of(photo) for photo in world.photos[:3]]
    assert ask(f"{server.url}/{ids[0]}", headers=TOKEN, fields="geometry").json["id"] == ids[0]
    assert list(ask(f"{server.url}/", headers=TOKEN, ids=",".join([*ids, "99"]), fields="id").json) == ids
    assert ask(f"{server.url}/", headers=TOKEN, ids=",".join(map(str, range(51)))).status == 400
    gone = ask(f"{server.url}/99", headers=TOKEN)
    assert (gone.status, gone.json["error"]["code"]) == (400, 100)


def test_the_ids_of_a_sequence(server, ask, search, world):
    sequence = search(fields="sequence", limit=1)[0]["sequence"]
    rows = ask(f"{server.url}/image_ids", headers=TOKEN, sequence_id=sequence).json["data"]
    assert len({server.photo_of(row["id"]).sequence for row in rows}) == 1


def test_a_picture_is_the_one_asked_for(server, ask, search):
    row = next(row for row in search(fields="thumb_1024_url,is_pano") if not server.is_gone(server.photo_of(row["id"])))
    got = ask(row["thumb_1024_url"])
    assert (got.status, got.headers.get_content_type()) == (200, "image/jpeg")
    assert name_in(got.body) == f"mapillary {row['id']}"
    assert Image.open(io.BytesIO(got.body)).size == ((320, 160) if row["is_pano"] else (320, 240))


def test_addresses_of_pictures_expire_and_cannot_be_made_up(world, ask):
    with MapillaryServer(world, expiry_s=0.2, gone=0) as server:
        photo = server.id_of(world.photos[0])
        url = ask(f"{server.url}/{photo}", headers=TOKEN, fields="thumb_256_url").json["thumb_256_url"]
        assert ask(url).status == 200
        assert ask(url.replace("exp=", "exp=9")).status == 403
        assert ask(f"{server.url}/thumb/256/{photo}").status == 403
        time.sleep(0.25)
        assert ask(url).status == 403


def test_some_pictures_are_gone(world, ask):
    with MapillaryServer(world, gone=1) as server:
        url = ask(f"{server.url}/{server.id_of(world.photos[1])}", headers=TOKEN, fields="thumb_256_url").json
        assert ask(url["thumb_256_url"]).status == 404


def test_throttling_comes_as_429_and_as_400(server, ask):
    server.set_faults(overload=2)
    got = [ask(f"{server.url}/images", headers=TOKEN, bbox=MIDDLE) for _ in range(3)]
    assert [answer.status for answer in got] == [429, 400, 200]
    assert {answer.json["backoff"] for answer in got[:2]} == {50}
