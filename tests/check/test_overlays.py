import numpy as np
import pytest

from machinami.check.overlays import covered_share
from machinami.images.signs import GRID


def scenes(count=20, seed=0):
    return np.random.default_rng(seed).normal(120, 45, (count, GRID, GRID)).clip(0, 255)


def with_dashboard(grids, rows=7):
    dashboard = np.linspace(5, 90, rows * GRID).reshape(rows, GRID)
    noise = np.random.default_rng(1).normal(0, 2, (len(grids), rows, GRID))
    return np.concatenate([grids[:, :-rows], dashboard + noise], axis=1)


def test_a_dashboard_is_found_with_its_share():
    assert covered_share(with_dashboard(scenes())) == pytest.approx(7 / GRID)


def test_streets_alone_are_not_covered():
    assert covered_share(scenes()) == 0


def test_few_photos_say_nothing():
    assert covered_share(with_dashboard(scenes(11))) == 0


def test_a_camera_that_stood_still_shows_no_overlay():
    still = scenes(1) + np.random.default_rng(1).normal(0, 3, (30, GRID, GRID))
    assert covered_share(still) == 0
    still[:, :4] += np.random.default_rng(2).normal(0, 12, (30, 1, 1))  # clouds move
    assert covered_share(still) == 0


def test_an_even_road_and_a_white_sky_are_no_overlay():
    grids = scenes()
    grids[:, 9:] = 110 + np.random.default_rng(1).normal(0, 2, grids[:, 9:].shape)
    grids[:, :6] = 255
    assert covered_share(grids) == 0


def test_the_grids_are_read_once():
    grids = with_dashboard(scenes())
    assert covered_share(iter(grids)) == covered_share(list(grids))
