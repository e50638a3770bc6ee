"""A whole collection from each provider: what arrives is what the provider has there, once, and as it says."""

from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pytest

from machinami.collect.fetch import _JPEG_QUALITY
from machinami.geo import LatLon, ground_distance_m
from machinami.images.decode import decode_photo
from machinami.images.panorama import flat_view
from machinami.project import Project
from tests.servers.pictures import name_in, photo_bytes
from tests.servers.projects import MIDDLE, PLACES, write_project
from tests.servers.streetview import StreetViewServer
from tests.servers.world import BBOX, World, utc

SOURCES = ("google", "mapillary", "kartaview")
WANTED = 14
NO_ADDRESS = "gone: Mapillary gives no address for it"
EVERYTHING = {"per_place": 600, "min_distance_m": 0, "per_sequence": 600, "per_creator": 600}


@pytest.fixture(params=SOURCES)
def kind(request):
    return request.param


def id_in(photo):
    return photo.panorama or photo.source_id.partition("@")[0]


def is_inside(place, lat, lon):
    west, south, east, north = BBOX
    half = (MIDDLE, east) if place == "east" else (west, MIDDLE)
    return south <= lat <= north and half[0] <= lon <= half[1]


def told(kind, server, photo):
    """What the server says of one of its photos, in the words of the catalogue."""
    facts = {"mapillary": told_by_mapillary, "kartaview": told_by_kartaview, "google": told_by_google}[kind]
    return facts(server, photo)


def told_by_mapillary(server, photo):
    lat, lon, heading = photo.computed_lat, photo.computed_lon, round((photo.heading_deg + 1.5) % 360, 9)
    if "computed" in photo.absent:
        lat, lon = photo.lat, photo.lon
        heading = None if "heading" in photo.absent else 0.0 if photo.number % 97 == 0 else photo.heading_deg
    creator = None if "creator" in photo.absent else photo.creator
    known = "camera" not in photo.absent and photo.make != "none"
    return {
        "position": (lat, lon),
        "heading": heading,
        "captured_at": second_of(photo),
        "creator": creator,
        "licence": "CC-BY-SA-4.0",
        "attribution": f"© {creator or 'a contributor'}, Mapillary, CC BY-SA 4.0",
        "page_url": f"https://www.mapillary.com/app/?pKey={server.id_of(photo)}",
        "camera": (photo.make, photo.model) if known else (None, None),
    }


def second_of(photo):
    moment = None if "captured_at" in photo.absent else utc(photo.captured_ms)
    possible = moment is not None and datetime(2004, 1, 1, tzinfo=UTC) <= moment <= datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if possible else None


def told_by_kartaview(server, photo):
    item = server._item(photo)
    matched = item["match_lat"] is not None
    shot, added = item["shot_date"], item["date_added"]
    creator = item["username"] or None
    return {
        "position": (
            float(item["match_lat"] if matched else item["lat"]), float(item["match_lng"] if matched else item["lng"]),
        ),
        "heading": None if item["heading"] is None else float(item["heading"]) % 360,
        "captured_at": shot[:10] if shot and "2004" <= shot[:4] <= "2026" and shot < added else None,
        "creator": creator,
        "licence": "CC-BY-SA-4.0",
        "attribution": ", ".join(filter(None, ("© Grab and KartaView contributors", creator, "CC BY-SA 4.0"))),
        "page_url": f"https://kartaview.org/details/{item['sequence_id']}/{item['sequence_index']}",
        "camera": (None, None),
    }  # fmt: skip


def told_by_google(server, photo):
    date = server._date(photo)
    pano = server.id_of(photo)
    return {
        "position": (photo.lat, photo.lon),
        "heading": None,
        "captured_at": date if date and "2004" <= date[:4] <= "2026" else None,
        "creator": None,
        "licence": "proprietary",
        "attribution": "© Google",
        "page_url": (
            f"https://www.google.com/maps/@?api=1&map_action=pano&pano={pano}"
            f"&viewpoint={photo.lat:.7f}%2C{photo.lon:.7f}"
        ),
        "camera": (None, None),
    }


def said(photo):
    """The same of a row."""
    return {
        "position": (photo.lat, photo.lon),
        "heading": photo.centre_heading_deg if photo.panorama else photo.heading_deg,
        "captured_at": photo.captured_at,
        "creator": photo.creator,
        "licence": photo.licence,
        "attribution": photo.attribution,
        "page_url": photo.page_url,
        "camera": (photo.camera_make, photo.camera_model),
    }


def assert_true(kind, server, root, photos):
    """Rows say what the server says, and each file is the picture of its row."""
    for photo in photos:
        truth = server.photo_of(id_in(photo))
        assert said(photo) == told(kind, server, truth)
        data = (root / photo.file).read_bytes()
        if kind == "google":
            assert name_in(data) == f"streetview {photo.panorama}@{round(photo.heading_deg, 2) % 360:g}"
        elif not photo.panorama:
            assert name_in(data) == f"{kind} {photo.source_id}"
        with_size = decode_photo(data, max_pixels=10**7).shape[1::-1]
        assert (photo.width, photo.height) == with_size


def test_what_is_wanted_arrives_once_true_and_with_its_own_bytes(kind, serve, collect, found, tmp_path):
    server = serve(kind)
    limits = {"per_place": WANTED, "min_distance_m": 30, "per_sequence": 2, "per_creator": 4}
    root = write_project(tmp_path / "p", kind, server.url, sampling=limits)
    report = collect(root).json
    photos = found(root, state="fetched")
    assert report["by_place"] == dict.fromkeys(PLACES, WANTED)
    assert report["added"] == len(photos) == 2 * WANTED
    assert Counter(photo.place for photo in photos) == dict.fromkeys(PLACES, WANTED)
    assert all(is_inside(photo.place, photo.lat, photo.lon) for photo in photos)
    assert len({photo.source_id for photo in photos}) == len({photo.sha256 for photo in photos}) == len(photos)
    assert_true(kind, server, root, photos)
    for place in PLACES:
        there = [photo for photo in photos if photo.place == place]
        points = [LatLon(photo.lat, photo.lon) for photo in there]
        apart_m = [ground_distance_m(a, b) for n, a in enumerate(points) for b in points[:n]]
        assert min(apart_m) > 0.99 * 30
        for column, most in (("sequence", 2), ("creator", 4)):
            counts = Counter(getattr(photo, column) for photo in there if getattr(photo, column))
            assert max(counts.values(), default=0) <= most
    assert not list((root / "photos" / ".arrived").iterdir())


def test_the_order_does_not_depend_on_how_many_are_asked_at_once(kind, serve, collect, found, tmp_path):
    server = serve(kind)
    rows = []
    for in_flight in (1, 8):
        collect_config = {"in_flight": in_flight, "views": 2}
        root = write_project(
            tmp_path / f"p{in_flight}", kind, server.url, sampling={"per_place": 12}, collect=collect_config
        )
        collect(root)
        rows.append(found(root))
    assert rows[0] == rows[1]
    assert any(photo.panorama for photo in rows[0])


def test_nothing_is_asked_again_until_more_is_wanted(kind, serve, collect, found, tmp_path):
    server = serve(kind)
    root = write_project(tmp_path / "p", kind, server.url, sampling={"per_place": 10, "min_distance_m": 30})
    collect(root)
    first, asked = found(root, state="fetched"), server.stats()["requests"]
    again = collect(root).json
    assert (again["added"], again["already"], again["requests"]) == (0, 20, {})
    assert server.stats()["requests"] == asked
    server.reset()
    write_project(root, kind, server.url, sampling={"per_place": 16, "min_distance_m": 30})
    assert collect(root).json["added"] == 12
    topped = found(root, state="fetched")
    assert {photo.photo_id for photo in first} < {photo.photo_id for photo in topped}
    images = server.stats()["by_kind"]["image" if kind == "google" else "photo"]
    assert images == 12
    if kind != "google":
        assert "search" not in server.stats()["by_kind"]


def held(kind, server):
    """The place of each photo that the server has there, by where it is said to be; boxes go by where it was taken."""
    places = {}
    for photo in server.world.photos:
        lat, lon = told(kind, server, photo)["position"]
        asked = any(is_inside(place, photo.lat, photo.lon) for place in PLACES) or kind == "kartaview"
        places |= {server.id_of(photo): place for place in PLACES if asked and is_inside(place, lat, lon)}
    return places


@pytest.mark.slow
def test_used_up_ground_is_not_searched_again_but_on_demand(kind, serve, collect, found, tmp_path):
    server = serve(kind, World(photos=150, seed=3))
    sampling = EVERYTHING if kind != "google" else EVERYTHING | {"per_place": 10, "min_distance_m": 1500}
    root = write_project(tmp_path / "p", kind, server.url, sampling=sampling, collect={"in_flight": 8})
    report = collect(root).json
    assert "no more that are fit were found" in " ".join(report["notes"])
    if kind != "google":
        rows = [photo for photo in found(root) if photo.state == "fetched" or photo.reason == NO_ADDRESS]
        assert {photo.source_id: photo.place for photo in rows} == held(kind, server)
    searched = server.stats()["by_kind"]["metadata" if kind == "google" else "search"]
    server.reset()
    assert collect(root).json["requests"] == {}
    assert server.stats()["requests"] == 0
    refreshed = collect(root, "--refresh").json
    assert server.stats()["by_kind"] == {"metadata" if kind == "google" else "search": searched}
    assert refreshed["added"] == 0
    assert refreshed["found"] == 0


@pytest.mark.parametrize("kind", ["mapillary", "kartaview"])
def test_spherical_photos_become_flat_views_all_around(kind, serve, collect, found, tmp_path):
    server = serve(kind)
    root = write_project(
        tmp_path / "p", kind, server.url, sampling={"per_place": 30},
        collect={"views": 4, "image_px": 100, "field_of_view_deg": 80},
    )  # fmt: skip
    collect(root)
    views = [photo for photo in found(root, state="fetched") if photo.panorama]
    by_panorama = Counter(photo.panorama for photo in views)
    assert set(by_panorama.values()) == {4}
    assert len(by_panorama) > 1
    for panorama in by_panorama:
        together = sorted((view for view in views if view.panorama == panorama), key=lambda view: view.source_id)
        assert [view.source_id for view in together] == [panorama, *(f"{panorama}@{n}" for n in (1, 2, 3))]
        turns = np.diff([view.heading_deg for view in together]) % 360
        np.testing.assert_allclose(turns, 90)
        assert len({view.sha256 for view in together}) == 4
    sphere = decode_photo(photo_bytes(f"{kind} {views[0].panorama}", size=(512, 256)), max_pixels=10**7)
    for view in [photo for photo in views if photo.panorama == views[0].panorama]:
        assert (view.width, view.height, view.field_of_view_deg) == (100, 100, 80)
        wanted = flat_view(
            sphere, heading_deg=view.heading_deg, centre_heading_deg=view.centre_heading_deg or 0,
            field_of_view_deg=80, size_px=(100, 100),
        )  # fmt: skip
        stored = decode_photo((root / view.file).read_bytes(), max_pixels=10**7)
        assert np.abs(stored.astype(int) - wanted).mean() < 8, f"JPEG of quality {_JPEG_QUALITY}"
    by_kind = server.stats()["by_kind"]
    assert by_kind["photo"] == len(by_panorama) + sum(1 for p in found(root, state="fetched") if not p.panorama)


@pytest.mark.parametrize("kind", ["mapillary", "kartaview"])
def test_many_views_do_not_make_a_place_overflow(kind, serve, collect, tmp_path):
    server = serve(kind)
    root = write_project(tmp_path / "p", kind, server.url, sampling={"per_place": 10}, collect={"views": 4})
    assert all(10 <= kept < 14 for kept in collect(root).json["by_place"].values())


def test_google_is_asked_for_each_view(serve, collect, found, tmp_path):
    server = serve("google")
    root = write_project(
        tmp_path / "p", "google", server.url, sampling={"per_place": 10}, collect={"views": 4, "image_px": 200}
    )
    collect(root)
    photos = found(root, state="fetched")
    assert len(photos) == 20
    assert {(photo.width, photo.height) for photo in photos} == {(200, 200)}
    assert_true("google", server, root, photos)
    assert server.billed() == {f"{p.panorama}@{round(p.heading_deg, 2) % 360:g}": 1 for p in photos}
    turns = Counter(photo.panorama for photo in photos)
    assert sorted(turns.values()) == [2, 2, 4, 4, 4, 4]


def test_the_states_tell_what_became_of_all_that_was_found(serve, collect, found, tmp_path):
    server = serve("google", third_party=0.2, gone=0.1, cards=0.1, loose=0.1, far=0.05)
    root = write_project(tmp_path / "p", "google", server.url, sampling={"per_place": 30, "min_distance_m": 0})
    report = collect(root).json
    assert report["by_place"] == dict.fromkeys(PLACES, 30)
    reasons = Counter((photo.state, (photo.reason or "").partition(":")[0]) for photo in found(root))
    assert reasons["fetched", ""] == 60
    assert reasons["failed", "no-imagery"] == report["failed"] > 0
    assert reasons["rejected", "placeholder"] == report["rejected"] > 0
    assert reasons["rejected", "third-party"] > 0
    assert reasons["rejected", "too-far"] > 0
    assert not any(reasons[state, ""] for state in ("unknown", "rejected", "failed"))
    for photo in found(root):
        truth = server.photo_of(photo.panorama)
        if (photo.reason or "").startswith("third-party"):
            assert server.is_third_party(truth)
        elif photo.state != "rejected":
            assert not server.is_third_party(truth)
            assert is_inside(photo.place, truth.lat, truth.lon)
            assert photo.state == "found" or (photo.state == "failed") == server.is_gone(truth)


@pytest.mark.slow
def test_a_photo_too_far_from_one_sample_is_taken_for_another(serve, collect, found, tmp_path):
    server = serve("google", loose=0.5, far=0.1)
    root = write_project(
        tmp_path / "p", "google", server.url, sampling={"per_place": 25, "min_distance_m": 0}, collect={"in_flight": 8}
    )
    collect(root)
    photos = [photo for photo in found(root) if photo.state in {"fetched", "found"}]
    assert photos
    for photo in photos:
        assert said(photo) == told("google", server, server.photo_of(photo.panorama))
        assert is_inside(photo.place, photo.lat, photo.lon)


def test_places_that_overlap_share_nothing(serve, collect, found, tmp_path):
    server = serve("mapillary")
    root = write_project(tmp_path / "p", "mapillary", server.url, sampling={"per_place": 40}, overlap_deg=0.004)
    collect(root)
    doubtful = [photo for photo in found(root) if (photo.reason or "").startswith("ambiguous-area: east, west")]
    assert doubtful
    for photo in found(root):
        shared = MIDDLE - 0.004 < photo.lon < MIDDLE
        assert (photo in doubtful) == (shared and photo.state == "rejected")
        assert not (shared and photo.state == "fetched")


def test_a_search_that_finds_more_later_keeps_distance_and_caps(serve, collect, found, tmp_path):
    half = World(photos=300, seed=3)
    sampling = {"per_place": 15, "min_distance_m": 60, "per_sequence": 3}
    before = serve("mapillary", half)
    root = write_project(tmp_path / "p", "mapillary", before.url, sampling=sampling)
    collect(root)
    first = {photo.source_id for photo in found(root, state="fetched")}
    after = serve("mapillary")
    write_project(root, "mapillary", after.url, sampling=sampling | {"per_place": 30})
    collect(root, "--refresh")
    for place in PLACES:
        photos = found(root, state="fetched", place=place)
        assert len(photos) == 30
        points = [LatLon(photo.lat, photo.lon) for photo in photos]
        assert min(ground_distance_m(a, b) for n, a in enumerate(points) for b in points[:n]) > 0.99 * 60
        assert max(Counter(photo.sequence for photo in photos if photo.sequence).values()) <= 3
    later = {photo.source_id for photo in found(root, state="fetched")} - first
    assert any(after.photo_of(source_id.partition("@")[0]).number >= 300 for source_id in later)


def test_parts_of_a_sphere_are_rejected_and_others_come(serve, collect, found, tmp_path, monkeypatch):
    server = serve("mapillary")
    size_of = server._size_of
    monkeypatch.setattr(
        server, "_size_of", lambda photo, px: (400, 150) if photo.spherical and photo.number % 2 else size_of(photo, px)
    )
    root = write_project(tmp_path / "p", "mapillary", server.url, sampling={"per_place": 25})
    report = collect(root).json
    assert report["by_place"] == dict.fromkeys(PLACES, 25)
    partial = [photo for photo in found(root) if photo.state == "rejected"]
    assert {photo.reason for photo in partial} == {"partial-sphere: 400 × 150 is not twice as wide as high"}
    assert server.stats()["by_kind"]["photo"] == 50 + len(partial), "none is asked for twice"


def test_terms_are_written_down(serve, collect, tmp_path):
    server: StreetViewServer = serve("google")
    root = write_project(tmp_path / "p", "google", server.url, sampling={"per_place": 2})
    collect(root)
    with Project.open(root).catalog() as catalog:
        assert '"acknowledgement": "2026-11-23"' in catalog.fact("terms:google")
