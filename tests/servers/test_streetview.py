import re

import pytest

from tests.servers.pictures import card_bytes, name_in
from tests.servers.streetview import CARD_TEXT, StreetViewServer, sign
from tests.servers.world import World, distance_m

KEY = {"key": "AIzaTestKey"}
SECRET = "bXlrZXk="
HONEST = dict(third_party=0, undated=0, gone=0, cards=0, loose=0, far=0)


@pytest.fixture
def start(world):
    opened = []

    def start(**settings):
        opened.append(StreetViewServer(world, **(HONEST | settings)).__enter__())
        return opened[-1]

    yield start
    for server in opened:
        server.__exit__(None, None, None)


@pytest.fixture
def metadata(ask):
    def metadata(server, **query):
        got = ask(f"{server.url}/maps/api/streetview/metadata", **(KEY | query))
        assert got.status == 200
        return got.json

    return metadata


@pytest.fixture
def image(ask):
    def image(server, **query):
        return ask(f"{server.url}/maps/api/streetview", **(KEY | {"size": "320x240"} | query))

    return image


def at(photo):
    return f"{photo.lat},{photo.lon}"


def answers(server, metadata, count=300):
    return [(photo, metadata(server, location=at(photo))) for photo in server.world.photos[:count]]


def test_ok_has_what_the_recorded_answer_has(start, metadata, world):
    got = metadata(start(), location=at(world.photos[0]))
    assert list(got) == ["copyright", "date", "location", "pano_id", "status"]
    assert (got["status"], got["copyright"], len(got["pano_id"])) == ("OK", "© Google", 22)
    assert re.fullmatch(r"\d{4}-\d\d(-\d\d)?", got["date"])
    place = got["location"]
    assert distance_m(world.photos[0].lat, world.photos[0].lon, place["lat"], place["lng"]) < 1


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"location": "36.5,140.5"}, "ZERO_RESULTS"),
        ({"pano": "nobodyknowsthis"}, "ZERO_RESULTS"),
        ({"location": "中央区"}, "NOT_FOUND"),
        ({}, "INVALID_REQUEST"),
        ({"location": "35.67,139.77", "source": "indoor"}, "INVALID_REQUEST"),
        ({"location": "35.67,139.77", "key": ""}, "REQUEST_DENIED"),
        ({"location": "35.67,139.77", "key": "stolen"}, "REQUEST_DENIED"),
    ],
)
def test_what_is_wrong_stands_in_the_status_behind_http_200(start, metadata, query, status):
    got = metadata(start(), **query)
    assert got["status"] == status
    assert not {"date", "copyright", "location", "pano_id"} & got.keys()
    assert ("error_message" in got) == (status in {"REQUEST_DENIED", "INVALID_REQUEST"})


def test_over_query_limit_comes_with_http_200(start, metadata):
    server = start()
    server.set_faults(overload=1)
    assert [metadata(server, location="0,0")["status"] for _ in range(2)] == ["OVER_QUERY_LIMIT", "ZERO_RESULTS"]


def test_a_failing_server_says_so_with_500_or_with_unknown_error(start, ask):
    server = start()
    server.set_faults(server_error=1)
    got = [ask(f"{server.url}/maps/api/streetview/metadata", location=f"0,{n}", **KEY) for n in range(20)]
    assert {answer.json["status"] for answer in got if answer.status == 200} == {"UNKNOWN_ERROR"}
    assert any(answer.status >= 500 for answer in got)


def test_neighbouring_points_have_the_same_panorama(start, metadata, world):
    server, photo = start(), world.photos[0]
    near = [metadata(server, location=f"{photo.lat + step * 1e-6},{photo.lon}")["pano_id"] for step in range(5)]
    assert len(set(near)) == 1


def test_strangers_photospheres_are_not_excluded_by_outdoor(start, metadata, world):
    server = start(third_party=0.5)
    strangers = [got for _, got in answers(server, metadata) if got["copyright"] != "© Google"]
    assert len(strangers) > 100
    assert any("Google" in got["copyright"] for got in strangers)
    assert {len(got["pano_id"]) > 22 for got in strangers} == {True, False}
    photo = next(p for p in world.photos if server.is_third_party(p))
    assert metadata(server, pano=server.id_of(photo), source="outdoor")["copyright"] != "© Google"


def test_the_radius_is_a_hint_and_some_answers_lie_in_another_country(start, metadata):
    def far(server):
        return [distance_m(photo.lat, photo.lon, got["location"]["lat"], got["location"]["lng"])
                for photo, got in answers(server, metadata)]  # fmt: skip

    assert max(far(start())) < 50
    assert 0 < sum(50 < metres <= 400 for metres in far(start(loose=0.3))) < 120
    assert any(3_400_000 < metres < 3_600_000 for metres in far(start(far=0.1)))


def test_dates_are_missing_or_whole(start, metadata):
    dates = [got.get("date", "") for _, got in answers(start(undated=0.3), metadata)]
    assert {len(date) for date in dates} == {0, 7, 10}


def test_an_image_is_the_view_asked_for_and_is_counted(start, image, world):
    server = start()
    pano = server.id_of(world.photos[0])
    views = [image(server, pano=pano, heading=heading) for heading in (0, 90, 90)]
    assert [name_in(view.body) for view in views] == [f"streetview {pano}@{h}" for h in (0, 90, 90)]
    assert server.stats()["billed"] == {"images": 3, "distinct": 2, "cards": 0, "repeated": {f"{pano}@90": 2}}
    assert name_in(image(server, location=at(world.photos[0])).body).startswith(f"streetview {pano}@")


def test_no_imagery_is_a_card_or_404_and_only_the_card_is_billed(start, image):
    server = start()
    assert image(server, pano="none", return_error_code="true").status == 404
    got = image(server, pano="none", size="640x640")
    assert (got.status, got.body) == (200, card_bytes(CARD_TEXT))
    assert server.stats()["billed"]["cards"] == server.stats()["billed"]["images"] == 1


def test_panoramas_that_are_gone_are_still_in_the_metadata(start, metadata, image, world):
    server = start(gone=1)
    pano = server.id_of(world.photos[0])
    assert metadata(server, pano=pano)["status"] == "OK"
    assert image(server, pano=pano, return_error_code="true").status == 404


def test_a_card_may_come_even_where_an_error_code_was_asked_for(start, image, world):
    server = start(cards=1)
    got = image(server, pano=server.id_of(world.photos[0]), return_error_code="true", size="640x640")
    assert (got.status, got.body) == (200, card_bytes(CARD_TEXT))


def test_beyond_the_quota_there_is_an_error_picture(start, image, world):
    server = start(image_quota=1)
    got = [image(server, pano=server.id_of(world.photos[n])) for n in range(2)]
    assert [(answer.status, name_in(answer.body) is None) for answer in got] == [(200, False), (200, True)]
    assert image(server, pano=server.id_of(world.photos[1]), return_error_code="true").status == 403
    assert server.stats()["billed"]["images"] == 1


def test_images_want_a_key_a_size_and_a_signature(start, image, ask, world):
    server = start(secret=SECRET)
    pano = server.id_of(world.photos[0])
    assert image(server, pano=pano, key="stolen").status == 403
    assert image(server, pano=pano).status == 403
    assert image(server, pano=pano, signature="wrong").status == 403
    target = f"/maps/api/streetview?pano={pano}&size=10x10&key={KEY['key']}"
    assert ask(f"{server.url}{target}&signature={sign(target, SECRET)}").status == 200
    bad = f"/maps/api/streetview?pano={pano}&key={KEY['key']}"
    assert ask(f"{server.url}{bad}&signature={sign(bad, SECRET)}").status == 400


def test_metadata_may_be_unsigned_but_not_wrongly_signed(start, metadata):
    server = start(secret=SECRET)
    assert metadata(server, location="0,0")["status"] == "ZERO_RESULTS"
    assert metadata(server, location="0,0", signature="wrong")["status"] == "REQUEST_DENIED"


def test_signatures_are_as_published():
    path = "/maps/api/staticmap?center=40.714%2C+-73.998&client=myclient&size=400x400&zoom=12"
    assert sign(path, SECRET) == "C1UG9w-v41q7i1lISpZsw1xzOV8="


def test_ids_differ():
    server = StreetViewServer(World(photos=3000))
    assert len({server.id_of(photo) for photo in server.world.photos}) == 3000
