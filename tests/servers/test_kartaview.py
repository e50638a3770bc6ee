import pytest

from tests.servers.kartaview import KartaViewServer
from tests.servers.pictures import name_in
from tests.servers.world import World, distance_m

LAT, LNG = 35.67, 139.77
NEARBY = "/1.0/list/nearby-photos/"


@pytest.fixture
def server(world):
    with KartaViewServer(world) as server:
        yield server


@pytest.fixture
def nearby(server, ask):
    def nearby(*, at=server, **form):
        return ask(f"{at.url}{NEARBY}", form={"lat": LAT, "lng": LNG, "radius": 500, "ipp": 2000} | form)

    return nearby


def test_numbers_are_strings_and_the_total_is_a_list(nearby):
    got = nearby()
    assert got.json["status"]["apiCode"] == "600"
    items = got.json["currentPageItems"]
    assert got.json["totalFilteredItems"] == [str(len(items))]
    assert {type(value) for item in items for value in item.values()} <= {str, type(None)}
    assert all(distance_m(LAT, LNG, float(item["lat"]), float(item["lng"])) <= 501 for item in items)
    assert {item["projection"] for item in items} == {"PLANE", "SPHERE"}
    assert any(item["match_lat"] is None for item in items)


def test_pages_hold_everything_once(nearby):
    whole = [item["id"] for item in nearby().json["currentPageItems"]]
    paged = []
    for page in range(1, 1000):
        got = nearby(page=page, ipp=30).json
        if got["status"]["apiCode"] == "601":
            break
        paged += [item["id"] for item in got["currentPageItems"]]
    assert paged == whole


def test_nothing_there_is_601(nearby):
    got = nearby(lat=36.5)
    assert (got.status, got.json["status"]["apiCode"], got.json["currentPageItems"]) == (200, "601", [])


def test_a_box(server, ask, world):
    form = {"bbTopLeft": "35.6745,139.7655", "bbBottomRight": "35.6655,139.7745", "ipp": 2000}
    ids = [item["id"] for item in ask(f"{server.url}{NEARBY}", form=form).json["currentPageItems"]]
    assert ids == [server.id_of(photo) for photo in world.within(139.7655, 35.6655, 139.7745, 35.6745)]


def test_items_may_stand_deeper(world, nearby):
    with KartaViewServer(world, envelope="osv") as server:
        assert list(nearby(at=server).json) == ["status", "osv"]


def test_wide_circles_over_dense_places_are_overload_as_http_400(nearby):
    with KartaViewServer(World(photos=2000, dense=1.0), overload_radius_m=300, dense_photos=500) as server:
        codes = [(got.status, got.json["status"]["apiCode"]) for got in (nearby(at=server), nearby(at=server))]
        assert codes == [(400, "690"), (400, "408")]
        assert nearby(at=server, radius=200, ipp=1).json["status"]["apiCode"] == "600"


def test_overload_at_random(server, nearby):
    server.set_faults(overload=1)
    assert [nearby().status for _ in range(2)] == [400, 200]


def test_credentials_can_be_refused(server, nearby):
    server.set_faults(refuse=401)
    assert nearby().json["status"]["apiCode"] == "401"


def test_something_missing_is_a_bad_request(server, ask):
    assert ask(f"{server.url}{NEARBY}", form={"radius": 5}).json["status"]["apiCode"] == "612"


def test_dates_of_upload_stand_for_dates_of_capture(nearby):
    items = nearby(radius=590).json["currentPageItems"]
    late = [
        item
        for item in items
        if item["shot_date"] and "2004" < item["shot_date"] < "3" and item["shot_date"] >= item["date_added"]
    ]
    assert 0 < len(late) < len(items) / 4


def test_pictures_lie_under_their_paths_host_first_or_not(server, ask, nearby):
    item = next(item for item in nearby().json["currentPageItems"] if not server.is_gone(server.photo_of(item["id"])))
    host, _, path = item["lth_name"].partition("/")
    assert host.startswith("storage")
    for url in (f"{server.url}/{host}/{path}", f"{server.url}/{path}"):
        assert name_in(ask(url).body) == f"kartaview {item['id']}"
    assert ask(f"{server.url}/{item['name']}").status == 200
    assert ask(f"{server.url}/{path.replace('lth', 'huge')}").status == 404


def test_pictures_on_old_storage_are_gone(world, ask, nearby):
    with KartaViewServer(world, old_storage=1) as server:
        item = nearby(at=server).json["currentPageItems"][0]
        assert item["name"][: len("storage1/")].strip("/") in {f"storage{n}" for n in range(1, 6)}
        assert ask(f"{server.url}/{item['lth_name']}").status == 404


def test_one_photo_by_version_2_0(server, ask, nearby):
    item = next(item for item in nearby().json["currentPageItems"] if not server.is_gone(server.photo_of(item["id"])))
    got = ask(f"{server.url}/2.0/photo/", id=item["id"]).json
    (photo,) = got["result"]["data"]
    assert (got["status"]["apiCode"], got["result"]["hasMoreData"]) == (600, False)
    assert (photo["id"], photo["lat"], photo["shotDate"]) == (item["id"], item["lat"], item["shot_date"])
    assert "{{sizeprefix}}" in photo["fileurl"]
    assert name_in(ask(photo["fileurlLTh"]).body) == f"kartaview {item['id']}"
    assert ask(f"{server.url}/2.0/photo/", id=7).json["status"]["apiCode"] == 601


def test_a_circle_by_version_2_0_has_pages_of_150(server, ask):
    got = ask(f"{server.url}/2.0/photo/", lat=LAT, lng=LNG, radius=2000, itemsPerPage=1000).json["result"]
    assert (len(got["data"]), got["hasMoreData"]) == (150, True)
    assert ask(f"{server.url}/2.0/photo/", lat=LAT, lng=LNG, distance=2000).json["status"]["apiCode"] == 601


def test_a_search_of_2_0_without_radius_is_too_much_in_dense_places(server, ask):
    assert ask(f"{server.url}/2.0/photo", lat=LAT, lng=LNG).json["status"]["apiCode"] == 600
    with KartaViewServer(server.world, dense_photos=100) as strict:
        got = ask(f"{strict.url}/2.0/photo", lat=LAT, lng=LNG)
    assert (got.status, got.json["status"]["apiCode"]) == (400, 690)
