import numpy as np
import pytest
from scipy import stats

from machinami.sampling.headings import SECTORS, heading_chooser


def headings(method, streets, seed=0):
    choose = heading_chooser(method, np.random.default_rng(seed))
    return [choose(street_deg) for street_deg in streets]


def test_each_run_of_eight_looks_into_every_sector_once():
    found = np.array(headings("stratified", [None] * 800))
    assert ((found >= 0) & (found < 360)).all()
    sectors = np.floor(found / 45).astype(int).reshape(-1, SECTORS)
    assert (np.sort(sectors, axis=1) == np.arange(SECTORS)).all()
    assert len({tuple(run) for run in sectors.tolist()}) > 90  # in ever new order


def test_headings_are_uniform_over_the_circle():
    found = np.array(headings("stratified", [None] * 8000))
    assert stats.kstest(found / 360, "uniform").pvalue > 0.01
    assert stats.kstest(found % 45 / 45, "uniform").pvalue > 0.01


@pytest.mark.parametrize(("method", "turns"), [("along", {0.0, 180.0}), ("across", {90.0, 270.0})])
def test_headings_by_the_street(method, turns):
    streets = np.random.default_rng(1).uniform(0, 360, 1000)
    found = np.array(headings(method, streets.tolist()))
    assert ((found >= 0) & (found < 360)).all()
    turned = np.round((found - streets) % 360, 6) % 360
    assert set(turned.tolist()) == turns
    first = (turned == min(turns)).sum()
    assert 430 < first < 570  # either way as often: 500 ± 4.4 standard deviations


def test_a_bearing_a_hair_below_north_stays_in_the_circle():
    assert all(0 <= heading < 360 for heading in headings("along", [-1e-17, 359.99999999999997] * 8))


@pytest.mark.parametrize("method", ["along", "across"])
def test_no_street_no_heading_and_the_others_stay(method):
    known = headings(method, [10.0, 20.0, 30.0, 40.0])
    assert headings(method, [10.0, None, 30.0, 40.0]) == [known[0], None, *known[2:]]


def test_as_taken_wants_nothing():
    assert headings("as-taken", [None, 90.0]) == [None, None]


@pytest.mark.parametrize("method", ["stratified", "along", "across"])
def test_the_seed_decides(method):
    streets = [12.0] * 40
    assert headings(method, streets) == headings(method, streets)
    assert headings(method, streets, seed=1) != headings(method, streets)
