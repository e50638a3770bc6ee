import numpy as np
import pytest
from scipy.stats import t as student

from machinami.enough import BLOCKS_FOR_BOOTSTRAP
from machinami.explain.lift_interval import lift_interval

SETTINGS = {"draws": 2000, "level": 0.95, "seed": 0}


def clustered(rng, *, blocks, photos, lift=2.0):
    """Shares whose errors are mostly those of the block: (share, area, block of each)."""
    block = np.repeat(np.arange(blocks), photos)
    area = rng.uniform(0.1, 0.3, blocks * photos)
    factor = lift + 0.5 * rng.normal(size=blocks)[block] + 0.1 * rng.normal(size=len(block))
    return area * factor, area, [str(b) for b in block]


def test_one_block_says_nothing():
    assert lift_interval(np.ones(5), np.ones(5), ["a"] * 5, **SETTINGS) is None


def test_the_bootstrap_draws_whole_blocks():
    share, area, blocks = clustered(np.random.default_rng(0), blocks=12, photos=5)
    found = lift_interval(share, area, blocks, **SETTINGS)
    rng = np.random.default_rng(99)
    names, lifts = sorted(set(blocks)), []
    for _ in range(4000):  # the slow way: photo lists of blocks drawn with replacement
        rows = [i for name in rng.choice(names, len(names)) for i, b in enumerate(blocks) if b == name]
        lifts.append(share[rows].sum() / area[rows].sum())
    np.testing.assert_allclose([found.low, found.high], np.quantile(lifts, [0.025, 0.975]), atol=0.03)
    assert found == lift_interval(share, area, blocks, **SETTINGS)


@pytest.mark.parametrize(("blocks", "least"), [(6, 0.88), (BLOCKS_FOR_BOOTSTRAP - 1, 0.88), (40, 0.88)])
def test_it_holds_the_true_lift_about_as_often_as_it_says(blocks, least):
    rng = np.random.default_rng(1)
    held = naive = 0
    for _ in range(300):
        share, area, block = clustered(rng, blocks=blocks, photos=8)
        interval = lift_interval(share, area, block, draws=400, level=0.95, seed=0)
        held += interval.low <= 2 <= interval.high
        photos = [str(i) for i in range(len(share))]
        each = lift_interval(share, area, photos, draws=400, level=0.95, seed=0)
        naive += each.low <= 2 <= each.high
    assert held / 300 >= least
    assert naive / 300 < held / 300 - 0.15  # photos as observations: far too sure


def test_an_interval_does_not_go_below_zero():
    found = lift_interval(np.array([1.0, 0.0, 0.0]), np.ones(3), ["a", "b", "c"], **SETTINGS)
    assert found.low == 0 < found.high


def test_few_blocks_of_equal_area_take_students_t_over_their_lifts():
    """Then the ratio of sums is a mean, whose interval is in every textbook."""
    lifts = np.array([1.2, 2.6, 1.9])
    found = lift_interval(np.repeat(lifts / 4, 2), np.full(6, 0.25), list("aabbcc"), **SETTINGS)
    expected = student.interval(0.95, 2, loc=lifts.mean(), scale=lifts.std(ddof=1) / np.sqrt(3))
    assert tuple(found) == pytest.approx((max(0, expected[0]), expected[1]))
    narrow = lift_interval(np.repeat(lifts / 40 + 0.5, 2), np.full(6, 0.25), list("aabbcc"), **SETTINGS)
    values = (lifts / 40 + 0.5) / 0.25
    assert tuple(narrow) == pytest.approx(
        student.interval(0.95, 2, loc=values.mean(), scale=values.std(ddof=1) / np.sqrt(3))
    )
