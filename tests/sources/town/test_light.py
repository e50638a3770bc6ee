import math
from datetime import UTC, datetime

import numpy as np
import pytest

from machinami.sources.town.drive import CAMERAS, Weather
from machinami.sources.town.faces import Box
from machinami.sources.town.light import light_at, paint_sky
from machinami.sources.town.season import season_of
from machinami.sources.town.sensor import develop
from machinami.sources.town.shadows import building_shadow

CLEAR = Weather(0.1, 1.0, 2000.0)


def sun(month, hour_utc, minute=0, turn_deg=0.0):
    return light_at(datetime(2024, month, 21, hour_utc, minute, tzinfo=UTC), CLEAR, turn_deg=turn_deg, drift=0.0).sun


@pytest.mark.parametrize(("month", "height_deg"), [(3, 54.0), (6, 77.4), (9, 54.0), (12, 30.6)])
def test_noon_sun_stands_in_the_south_at_its_height(month, height_deg):
    """90° minus the latitude, plus the sun's declination at equinoxes and solstices."""
    east, north, up = sun(month, 2, 42)
    assert math.degrees(math.asin(up)) == pytest.approx(height_deg, abs=1.2)
    assert abs(east) < 0.02
    assert north < 0


def test_the_sun_goes_from_east_to_west():
    assert sun(3, 0)[0] > 0.4
    assert sun(3, 6)[0] < -0.4


def test_the_sun_turns_with_the_plan():
    """Where the plan is turned clockwise, what lies south on the globe lies to the plan's left of south."""
    straight, turned = sun(6, 2, 42), sun(6, 2, 42, turn_deg=20.0)
    angle = math.degrees(math.atan2(turned[0], turned[1]) - math.atan2(straight[0], straight[1])) % 360
    assert angle == pytest.approx(340, abs=0.1)


def test_shadow_lies_opposite_the_sun():
    light = light_at(datetime(2024, 3, 21, 2, 42, tzinfo=UTC), CLEAR, turn_deg=0.0, drift=0.0)
    outline = building_shadow(Box(0.0, 10.0, 0.0, 10.0, 0.0, 12.0), light)
    assert outline[:, 1].max() == pytest.approx(10.0 + 12.0 / math.tan(math.radians(54.0)), abs=0.8)
    assert outline[:, 1].min() == pytest.approx(0.0)


def test_clear_sky_is_bluer_above_than_at_the_horizon():
    light = light_at(datetime(2024, 12, 21, 3, tzinfo=UTC), Weather(0.0, 1.0, 2000.0), turn_deg=0.0, drift=0.0)
    around = np.linspace(0, 2 * np.pi, 200)
    blueness = []
    for rise in (0.05, 1.0):
        rays = np.stack([np.sin(around), np.cos(around), np.full(200, rise)]).astype(np.float32)
        sky = np.median(paint_sky(rays, light), axis=1)
        blueness.append(sky[2] / sky[0])
    assert blueness[1] > 1.5 * blueness[0]


def test_leaves_turn_in_november_and_are_gone_in_february():
    june, november, february = (season_of(datetime(2024, month, 15, tzinfo=UTC)) for month in (6, 11, 2))
    assert november.leaf_turned > 0.5 > june.leaf_turned + 0.3
    assert june.leaf_cover > 0.9
    assert february.leaf_cover < 0.5
    assert june.field_growth > 0.5 > february.field_growth + 0.4


def test_a_camera_brings_dark_and_bright_scenes_together():
    rng = np.random.default_rng(0)
    dark, bright = (develop(np.full((3, 40, 40), level, np.float32), CAMERAS[0], rng).mean() for level in (0.05, 0.8))
    assert 70 < dark < bright < 215


def test_noise_follows_the_camera():
    flat = np.full((3, 64, 64), 0.3, np.float32)
    noisy, quiet = (max(CAMERAS, key=lambda c: c.noise), min(CAMERAS, key=lambda c: c.noise))
    middle = slice(24, 40)
    spread = [develop(flat, c, np.random.default_rng(1))[middle, middle, 1].std() for c in (noisy, quiet)]
    assert spread[0] > 1.5 * spread[1]
