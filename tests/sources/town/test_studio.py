import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from shapely import Point, Polygon

from machinami.errors import InputError
from machinami.sources.town import REGIONS, TownSettings, make_photo, town_areas, town_photos
from machinami.sources.town.drive import plan_shot
from machinami.sources.town.plan import EARTH_RADIUS_M, town_plan
from machinami.sources.town.regions import Region

METRES_PER_DEGREE = math.radians(1) * EARTH_RADIUS_M


def shots(town="a", *, count=300, **settings):
    settings = TownSettings(**settings)
    plan = town_plan(settings.seed, town)
    return [plan_shot(settings, town, plan, index) for index in range(count)]


def same(first, second):
    return np.array_equal(first.image, second.image) and np.array_equal(first.mask, second.mask)


def test_a_photo_is_the_same_whenever_it_is_made():
    settings = TownSettings(size_px=48)
    first, other = make_photo(settings, "b", 5), make_photo(settings, "a", 0)
    again = make_photo(settings, "b", 5)
    assert same(first, again)
    assert (first.lat, first.lon, first.captured_at) == (again.lat, again.lon, again.captured_at)
    assert not same(first, other)


def test_a_photo_depends_on_the_seed():
    assert not same(*(make_photo(TownSettings(size_px=48, seed=seed), "a", 0) for seed in (0, 1)))


def test_the_number_of_workers_and_of_photos_changes_nothing():
    one = list(town_photos(TownSettings(size_px=32, photos_per_town=10), workers=1))
    two = list(town_photos(TownSettings(size_px=32, photos_per_town=10), workers=2))
    assert [(p.town, p.index) for p in one] == [(t, i) for t in "ab" for i in range(10)]
    assert all(same(a, b) and (a.town, a.index) == (b.town, b.index) for a, b in zip(one, two, strict=True))
    fewer = list(town_photos(TownSettings(size_px=32, photos_per_town=3), workers=1))
    assert all(same(a, b) for a, b in zip(fewer[:3], one[:3], strict=True))


def test_photo_and_mask_fit_together():
    photo = make_photo(TownSettings(size_px=50), "a", 3)
    assert photo.image.shape == (50, 50, 3)
    assert photo.image.dtype == photo.mask.dtype == np.uint8
    assert photo.mask.shape == (50, 50)
    assert set(np.unique(photo.mask)) <= set(REGIONS)


def test_mask_lies_where_the_colours_are():
    """In leaf, vegetation is greener than it is blue, and the sky is not; the road is grey and below the sky."""
    settings = TownSettings(size_px=96)
    green, rows = [], {Region.SKY: [], Region.ROAD: []}
    for index in range(40):
        photo = make_photo(settings, "a", index)
        colour = photo.image.astype(float)
        leaves = photo.mask == Region.VEGETATION
        if leaves.sum() > 200:
            green.append((colour[leaves, 1] > colour[leaves, 2]).mean())
        for region, found in rows.items():
            if (photo.mask == region).sum() > 50:
                found.append(np.nonzero(photo.mask == region)[0].mean())
    assert len(green) > 10
    assert np.mean(green) > 0.85
    assert np.mean(rows[Region.SKY]) + 20 < np.mean(rows[Region.ROAD])


def test_facts_about_a_photo_are_plausible():
    for photo in town_photos(TownSettings(size_px=32, photos_per_town=12), workers=1):
        assert 0 <= photo.heading_deg < 360
        assert photo.captured_at.tzinfo is UTC
        assert datetime(2023, 1, 1, tzinfo=UTC) - timedelta(days=1) < photo.captured_at
        assert photo.captured_at < datetime(2026, 1, 2, tzinfo=UTC)
        assert 8 <= (photo.captured_at + timedelta(hours=9)).hour < 16
        assert photo.camera_make
        assert photo.sequence.startswith(f"{photo.town}-")


def test_photos_lie_inside_their_town_and_towns_lie_apart():
    settings = TownSettings(towns=("a", "b", "d"))
    areas = {town: Polygon([(lon, lat) for lat, lon in corners]) for town, corners in town_areas(settings).items()}
    for town, area in areas.items():
        plan = town_plan(settings.seed, town)
        for shot in shots(town):
            lat, lon = plan.to_lat_lon(shot.view.east_m, shot.view.north_m)
            assert area.contains(Point(lon, lat))
    assert areas["a"].distance(areas["b"]) * METRES_PER_DEGREE > 1000
    assert areas["a"].distance(areas["d"]) * METRES_PER_DEGREE > 1000


def test_a_town_is_three_kilometres_wide():
    (lat0, lon0), (lat1, lon1), *_ = town_areas(TownSettings())["a"]
    north = (lat1 - lat0) * METRES_PER_DEGREE
    east = (lon1 - lon0) * METRES_PER_DEGREE * math.cos(math.radians(lat0))
    assert math.hypot(north, east) == pytest.approx(3000, rel=0.002)


@pytest.mark.parametrize("town", ["a", "b", "c", "d", "e", "f"])
def test_photos_cover_more_than_twenty_blocks(town):
    plan = town_plan(0, town)
    blocks = set()
    for shot in shots(town):
        lat, lon = plan.to_lat_lon(shot.view.east_m, shot.view.north_m)
        east = lon * METRES_PER_DEGREE * math.cos(math.radians(36.02))
        blocks.add((int(lat * METRES_PER_DEGREE // 500), int(east // 500)))
    assert len(blocks) > 20


def test_headings_cover_the_circle():
    plan = town_plan(0, "a")
    headings = [(shot.view.bearing_deg + plan.turn_deg) % 360 for shot in shots()]
    counts, _ = np.histogram(headings, bins=12, range=(0, 360))
    assert counts.min() >= 5


def test_a_drive_goes_along_a_street_photo_by_photo():
    drive = shots(count=6)
    assert len({shot.sequence for shot in drive}) == 1
    assert len({shot.camera.model for shot in drive}) == 1
    steps = [math.hypot(b.view.east_m - a.view.east_m, b.view.north_m - a.view.north_m) for a, b in pairwise(drive)]
    assert all(10 < step < 50 for step in steps)
    assert all(a.captured_at < b.captured_at for a, b in pairwise(drive))


def test_what_cannot_be_made_is_refused():
    with pytest.raises(InputError, match="no town 'c'"):
        make_photo(TownSettings(), "c", 0)
    with pytest.raises(InputError, match="negative"):
        make_photo(TownSettings(), "a", -1)
