"""What the config says now decides: borders that move, overlaps that are mended, samples that are drawn otherwise."""

import json

from machinami.collect.prepare import frozen_ground, samples_of
from machinami.geo import LatLon, ground_distance_m
from machinami.project import Project
from tests.servers.projects import MIDDLE, write_project
from tests.servers.world import BBOX


def move_border(root, lon):
    """Other areas in another file, which the config names now."""
    west, south, east, north = BBOX
    features = []
    for name, (left, right) in {"west": (west, lon), "east": (lon, east)}.items():
        ring = [[left, south], [right, south], [right, north], [left, north], [left, south]]
        geometry = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "properties": {"code": name}, "geometry": geometry})
    (root / "moved.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    change(root, 'file = "areas.geojson"', 'file = "moved.geojson"')


def change(root, before, after):
    config = root / "machinami.toml"
    text = config.read_text()
    assert before in text
    config.write_text(text.replace(before, after))


def test_after_a_border_moved_nothing_is_fetched_for_the_wrong_place(serve, tmp_path, collect, found):
    root = write_project(tmp_path / "p", "mapillary", serve("mapillary").url, sampling={"per_place": 5})
    collect(root)
    before = {photo.photo_id for photo in found(root, state="fetched")}
    border = MIDDLE + (BBOX[2] - MIDDLE) / 2
    move_border(root, border)
    change(root, "per_place = 5", "per_place = 40")
    collect(root)
    fresh = [photo for photo in found(root, state="fetched") if photo.photo_id not in before]
    assert len(fresh) > 40
    assert all((photo.lon > border) == (photo.place == "east") for photo in fresh)
    assert any(MIDDLE < photo.lon < border and photo.place == "west" for photo in fresh), "the strip that changed hands"


def test_an_overlap_that_was_mended_is_forgotten(serve, tmp_path, collect, found):
    root = write_project(
        tmp_path / "p", "mapillary", serve("mapillary").url, overlap_deg=0.005, sampling={"per_place": 5}
    )
    collect(root)
    assert any((photo.reason or "").startswith("ambiguous-area") for photo in found(root))
    move_border(root, MIDDLE)
    change(root, "per_place = 5", "per_place = 10")
    collect(root)
    assert not any((photo.reason or "").startswith("ambiguous-area") for photo in found(root))


def test_other_samples_are_asked_for_themselves(serve, tmp_path, collect, found):
    server = serve("google")
    root = write_project(tmp_path / "p", "google", server.url, sampling={"per_place": 5})
    collect(root)
    asked = server.stats()["by_kind"]["metadata"]
    before = {photo.photo_id for photo in found(root, state="fetched")}
    change(root, "per_place = 5", 'per_place = 12\nmethod = "grid"\nspacing_m = 80.0')
    collect(root)
    assert server.stats()["by_kind"]["metadata"] > asked, "points of the grid were asked for"
    project = Project.open(root)
    config = project.config()
    with project.catalog() as catalog:
        areas = frozen_ground(project, config, catalog).areas
    points = {
        place: {sample.number: sample for sample in samples_of(project, config, area)} for place, area in areas.items()
    }
    fresh = [photo for photo in found(root, state="fetched") if photo.photo_id not in before]
    assert fresh
    for photo in fresh:
        sample = points[photo.place][photo.sample]
        distance_m = ground_distance_m(LatLon(sample.lat, sample.lon), LatLon(photo.lat, photo.lon))
        assert distance_m <= config.sampling.match_m * 1.01
