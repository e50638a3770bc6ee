"""What providers do instead of answering, and what becomes of it: nothing is lost, nothing is made up."""

import pytest

from machinami.errors import HostBlocked, Incomplete
from machinami.sources.manners import _SILENT_AFTER
from tests.servers.pictures import name_in
from tests.servers.projects import MIDDLE, PLACES, write_project
from tests.servers.world import BBOX, World

SOURCES = ("google", "mapillary", pytest.param("kartaview", marks=pytest.mark.slow))
EVERYTHING = {"per_place": 3000, "min_distance_m": 0, "per_sequence": 3000, "per_creator": 3000}


@pytest.fixture(params=SOURCES)
def kind(request):
    return request.param


@pytest.fixture
def project(tmp_path):
    """Writes a small project on a server."""

    def project(server, kind, per_place=8, name="p", **sections):
        sections = {"sampling": {"per_place": per_place}, **sections}
        return write_project(tmp_path / name, kind, server.url, **sections)

    return project


def image_kind(kind):
    return "image" if kind == "google" else "photo"


def search_kind(kind):
    return "metadata" if kind == "google" else "search"


def place_of(lat, lon):
    west, south, east, north = BBOX
    if not (west < lon < east and south < lat < north):
        return None
    return "west" if lon < MIDDLE else "east"


def chosen(rows):
    return {(photo.source_id, photo.heading_deg, photo.sha256) for photo in rows}


def test_grey_cards_are_rejected_and_other_photos_take_their_places(serve, collect, found, project):
    server = serve("google", cards=0.4)
    root = project(server, "google")
    report = collect(root).json
    assert report["by_place"] == dict.fromkeys(PLACES, 8)
    cards = found(root, state="rejected")
    assert len(cards) == report["rejected"] == server.stats()["billed"]["cards"] > 3
    assert all(server.is_card(server.photo_of(card.panorama)) for card in cards)
    assert all(card.reason.startswith("placeholder: ") and card.file is None for card in cards)
    assert all(name_in((root / photo.file).read_bytes()) for photo in found(root, state="fetched"))


def test_a_card_leaves_no_gap_that_a_later_run_fills_too_near(serve, collect, found, project):
    server = serve("google", cards=0.3)
    for name, steps in (("once", [12]), ("twice", [5, 12])):
        for per_place in steps:
            root = project(server, "google", per_place, name=name)
            collect(root)
    once, twice = (found(root.parent / name, state="fetched") for name in ("once", "twice"))
    assert chosen(once) == chosen(twice)


@pytest.mark.parametrize(
    "faults",
    [
        {"server_error": 0.15, "reset": 0.1, "truncated": 0.1},
        *(
            pytest.param(faults, marks=pytest.mark.slow)
            for faults in (
                {"overload_share": 0.3},
                {"overload": 5},
                {"truncated": 0.25},
                {"html": 0.2, "kinds": ("photo", "image")},
                {"slow": 0.1, "delay_s": 0.05},
                {"duplicate": 0.5},
            )
        ),
    ],
    ids=lambda faults: next(iter(faults)),
)
def test_passing_faults_change_nothing(kind, faults, serve, collect, found, project):
    server = serve(kind)
    collect(project(server, kind, name="calm", collect={"in_flight": 8, "attempts": 12}))
    server.set_faults(**faults)
    root = project(server, kind, name="rough", collect={"in_flight": 8, "attempts": 12})
    report = collect(root).json
    assert report["unknown"] == 0
    assert chosen(found(root, state="fetched")) == chosen(found(root.parent / "calm", state="fetched"))
    assert server.stats()["faults"] or "duplicate" in faults


def test_answers_cut_silently_lose_nothing(serve, collect, found, project):
    world = World(photos=2600, seed=5, dense=0.95)
    server = serve("mapillary", world)
    root = project(server, "mapillary", collect={"in_flight": 8})
    report = collect(root).json
    known = {photo.source_id for photo in found(root)}
    inside = {
        server.id_of(photo)
        for photo in world.photos
        if place_of(photo.lat, photo.lon) == place_of(photo.computed_lat, photo.computed_lon) != None  # noqa: E711
    }
    assert len(inside) > 2000
    assert inside <= known
    assert report["unknown"] == 0


def test_a_limit_that_the_server_cannot_bear_is_lowered(serve, collect, project):
    server = serve("mapillary", fails_above=500)
    report = collect(project(server, "mapillary")).json
    assert report["by_place"] == dict.fromkeys(PLACES, 8)


def test_addresses_that_expire_at_once_leave_photos_unknown(serve, collect, found, project):
    server = serve("mapillary", World(photos=150, seed=3), expiry_s=-1)
    root = project(server, "mapillary", 3)
    collect(root, code=Incomplete.exit_code)
    assert not found(root, state="fetched")
    assert "expired" in found(root, state="unknown")[0].reason
    server.expiry_s = 3600
    assert collect(root).json["added"] == 6


@pytest.mark.parametrize("after", [pytest.param(1, marks=pytest.mark.slow), 12])
def test_a_login_page_stops_the_run_and_the_next_one_goes_on(kind, after, serve, collect, found, project):
    server = serve(kind)
    calm = project(server, kind, name="calm")
    collect(calm)
    server.set_faults(block_after=after, kinds=(image_kind(kind),))
    root = project(server, kind)
    ran = collect(root, code=HostBlocked.exit_code)
    assert "turns requests away" in ran.err
    assert "goes on from there" in ran.err
    kept = found(root, state="fetched")
    waiting = list((root / "photos" / ".arrived").iterdir())
    assert len(kept) + len(waiting) == after
    asked = server.stats()["by_kind"][image_kind(kind)]
    server.set_faults(block_after=None)
    server.reset()
    collect(root)
    assert chosen(found(root, state="fetched")) == chosen(found(calm, state="fetched"))
    assert server.stats()["by_kind"][image_kind(kind)] == 16 - len(kept) - len(waiting)
    assert asked <= 16 + after + 8


def test_a_block_while_searching_keeps_the_cells_that_were_answered(kind, serve, collect, project):
    server = serve(kind)
    collect(project(server, kind, name="calm"))
    whole = server.stats()["by_kind"][search_kind(kind)]
    server.reset()
    server.set_faults(block_after=whole // 2, kinds=(search_kind(kind),))
    root = project(server, kind)
    collect(root, code=HostBlocked.exit_code)
    server.set_faults(block_after=None)
    server.reset()
    assert collect(root).json["by_place"] == dict.fromkeys(PLACES, 8)
    assert server.stats()["by_kind"][search_kind(kind)] < whole - whole // 4


@pytest.mark.parametrize(
    "fault", ["overload_share", *(pytest.param(fault, marks=pytest.mark.slow) for fault in ("server_error", "reset"))]
)
def test_a_host_that_stays_down_is_unknown_not_empty_and_soon_left_alone(kind, fault, serve, collect, found, project):
    server = serve(kind)
    server.set_faults(**{fault: 1.0})
    root = project(server, kind, collect={"attempts": 2, "in_flight": 4})
    ran = collect(root, code=Incomplete.exit_code)
    assert "have no answer" in ran.err
    assert "asks again for those alone" in ran.err
    assert not found(root)
    assert server.stats()["requests"] <= 200
    server.set_faults(**{fault: 0.0})
    assert collect(root).json["by_place"] == dict.fromkeys(PLACES, 8)


def test_pictures_that_stay_away_are_unknown_and_come_later(kind, serve, collect, found, project):
    server = serve(kind, World(photos=150, seed=3))
    calm = collect(project(server, kind, name="calm")).json
    server.reset()
    server.set_faults(server_error=1.0, kinds=(image_kind(kind),))
    root = project(server, kind, collect={"attempts": 2})
    ran = collect(root, code=Incomplete.exit_code)
    assert "have no answer" in ran.err
    unknown = found(root, state="unknown")
    assert unknown
    assert not found(root, state="fetched")
    assert server.stats()["by_kind"][image_kind(kind)] <= 2 * (_SILENT_AFTER + 4)
    server.set_faults(server_error=0.0)
    report = collect(root).json
    assert (report["unknown"], report["by_place"]) == (0, calm["by_place"])
    assert chosen(found(root, state="fetched")) == chosen(found(root.parent / "calm", state="fetched"))


def test_a_quota_used_up_for_the_day_ends_soon(serve, collect, project):
    server = serve("google")
    server.set_faults(overload_share=1.0, kinds=("metadata",))
    root = project(server, "google", collect={"attempts": 1, "in_flight": 8})
    ran = collect(root, code=Incomplete.exit_code)
    assert "OVER_QUERY_LIMIT" in ran.err
    assert server.stats()["requests"] < 2 * (_SILENT_AFTER + 8)


def test_images_beyond_the_quota_stop_the_run(serve, collect, found, project):
    server = serve("google", image_quota=5)
    root = project(server, "google")
    ran = collect(root, code=15)
    assert "quota" in ran.err
    assert server.stats()["billed"]["images"] == 5
    server.image_quota = None
    collect(root)
    assert server.stats()["billed"]["images"] == 16, "what had arrived is not paid for again"
    assert len(found(root, state="fetched")) == 16


def test_a_photo_that_fails_alone_is_no_reason_to_call_the_host_silent(serve, collect, found, project):
    server = serve("kartaview", old_storage=0.4)
    root = project(server, "kartaview", 20)
    report = collect(root).json
    assert report["by_place"] == dict.fromkeys(PLACES, 20)
    gone = found(root, state="failed")
    assert len(gone) == report["failed"] > 5
    assert all(server.is_gone(server.photo_of(photo.panorama or photo.source_id)) for photo in gone)
