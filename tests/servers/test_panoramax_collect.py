"""`machinami collect` against a real Panoramax server, by area; every field against the EXIF that was sent."""

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from machinami.images.decode import decode_photo
from machinami.images.panorama import flat_view
from machinami.project import Project
from tests.servers.geovisio import LICENCE

pytestmark = pytest.mark.server

CONFIG = """\
[[places]]
key = "west"
area = {{ file = "areas.geojson", where = {{ code = "1" }} }}

[[places]]
key = "east"
area = {{ file = "areas.geojson", where = {{ code = "2" }} }}

[source]
kind = "panoramax"
base_url = "{url}"

[sampling]
min_distance_m = 0.0
per_creator = 100000
per_sequence = 100000

[collect]
requests_per_s = 200.0
"""


def rectangle(west, south, east, north):
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def collect(root, *options):
    command = [sys.executable, "-c", "from machinami.cli.main import main; main()", "collect", str(root), "--yes"]
    done = subprocess.run([*command, *options, "--json"], capture_output=True, text=True, env=os.environ, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def areas(panoramax_server):
    """Two rectangles that meet between the photos of the first town, and hold a part of all photos."""
    towns = [one.upload for one in panoramax_server.uploaded if one.upload.made]
    lons, lats = sorted(upload.lon for upload in towns), sorted(upload.lat for upload in towns)
    middle = (lons[len(lons) // 3] + lons[len(lons) // 3 + 1]) / 2
    south, north = lats[2] - 1e-6, lats[-1] + 0.01  # two photos lie south of both
    return {"west": (lons[0] - 0.01, south, middle, north), "east": (middle, south, lons[-1] + 0.01, north)}


@pytest.fixture(scope="module")
def collected(panoramax_server, areas, tmp_path_factory):
    """(project, report of the first run, of the second)."""
    root = tmp_path_factory.mktemp("panoramax") / "project"
    root.mkdir()
    (root / "machinami.toml").write_text(CONFIG.format(url=panoramax_server.url))
    features = [
        {
            "type": "Feature",
            "properties": {"code": code},
            "geometry": {"type": "Polygon", "coordinates": rectangle(*areas[place])},
        }
        for code, place in (("1", "west"), ("2", "east"))
    ]
    (root / "areas.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return Project.open(root), collect(root), collect(root)


@pytest.fixture(scope="module")
def rows(collected):
    with collected[0].catalog() as catalog:
        return {photo.source_id: photo for photo in catalog.photos()}


@pytest.fixture(scope="module")
def expected(panoramax_server, areas):
    """What lies in an area, by the EXIF that was sent: id -> (place, upload)."""
    found = {}
    for one in panoramax_server.uploaded:
        for place, (west, south, east, north) in areas.items():
            if west < one.upload.lon < east and south < one.upload.lat < north:
                found[one.item_id] = (place, one.upload)
    assert len(found) < len(panoramax_server.uploaded), "some photos lie outside"
    return found


def test_all_photos_inside_and_none_outside(collected, rows, expected):
    assert {source_id: photo.place for source_id, photo in rows.items()} == {
        source_id: place for source_id, (place, _) in expected.items()
    }
    assert {photo.state for photo in rows.values()} == {"fetched"}
    assert collected[1]["by_place"] == Counter(place for place, _ in expected.values())


def test_a_second_run_asks_nothing(collected):
    _, first, second = collected
    assert sum(first["requests"].values()) >= first["added"] > 20
    assert (second["added"], second["requests"]) == (0, {})


def test_every_field_equals_the_exif(rows, expected):
    for source_id, (_, upload) in expected.items():
        photo = rows[source_id]
        assert photo.lat == pytest.approx(upload.lat, abs=3e-8)  # EXIF holds ten-thousandths of a second
        assert photo.lon == pytest.approx(upload.lon, abs=3e-8)  # EXIF holds ten-thousandths of a second
        assert photo.camera_make == upload.make
        assert photo.camera_model == upload.model
        assert photo.licence == LICENCE[0]
        assert photo.attribution.startswith("© ")
        assert source_id in photo.page_url
        assert photo.projection == ("spherical" if upload.is_360 else "flat")
        heading_deg = photo.centre_heading_deg if upload.is_360 else photo.heading_deg
        if upload.heading_deg is not None:
            assert heading_deg == pytest.approx(upload.heading_deg, abs=0.01)
        if upload.offset is not None and upload.date is not None:
            moment = datetime.strptime(f"{upload.date}{upload.offset}", "%Y:%m:%d %H:%M:%S%z").astimezone(UTC)
            assert photo.captured_at == moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_flat_photos_are_kept_as_they_were_sent(collected, rows, expected):
    for source_id, (_, upload) in expected.items():
        if not upload.is_360 and upload.width <= 2048:
            kept = decode_photo(collected[0].path_of(rows[source_id].file), max_pixels=10**8)
            assert np.array_equal(kept, decode_photo(upload.jpeg, max_pixels=10**8))


def test_360_photos_are_cut_into_the_view_that_was_wanted(collected, rows, expected):
    cut = [(rows[source_id], upload) for source_id, (_, upload) in expected.items() if upload.is_360]
    assert cut
    for photo, upload in cut:
        assert photo.panorama == photo.source_id
        assert (photo.width, photo.field_of_view_deg) == (photo.height, 90.0)
        kept = decode_photo(collected[0].path_of(photo.file), max_pixels=10**8)
        wanted = flat_view(
            decode_photo(upload.jpeg, max_pixels=10**8),
            heading_deg=photo.heading_deg,
            centre_heading_deg=upload.heading_deg,
            size_px=(photo.width, photo.height),
        )
        assert np.abs(kept.astype(int) - wanted).mean() < 3, "JPEG noise alone"


def test_a_post_stands_where_the_compass_says(collected, rows, expected):
    """The made 360° photos have a red post in the north: it must be in a view's place for north, and in no other."""
    for source_id, (_, upload) in expected.items():
        if not (upload.is_360 and upload.made):
            continue
        photo = rows[source_id]
        with Image.open(collected[0].path_of(photo.file)) as image:
            picture = np.asarray(image.convert("RGB")).astype(int)
        middle = picture[photo.height // 2 - 3 : photo.height // 2 + 3].mean(axis=0)
        red = (middle[:, 0] > 150) & (middle[:, 1] < 110) & (middle[:, 2] < 110)
        off_deg = (0 - photo.heading_deg + 180) % 360 - 180
        if abs(off_deg) > 48:
            assert not red.any()
        elif abs(off_deg) < 42:
            column = (np.tan(np.radians(off_deg)) + 1) / 2 * photo.width
            assert abs(np.flatnonzero(red).mean() - column) < 0.03 * photo.width


def test_the_files_are_inside_the_project(collected, rows):
    root = Path(collected[0].root)
    for photo in rows.values():
        assert (root / photo.file).resolve().is_relative_to(root.resolve())
