import numpy as np
import pytest

from machinami.explain.control_regions import NEARLY, control_region


def moves(region):
    """Every way to move the region or its mirror image round the edges, with the overlap."""
    for shape in (region, region[:, ::-1]):
        for down in range(region.shape[0]):
            for across in range(region.shape[1]):
                moved = np.roll(shape, (down, across), axis=(0, 1))
                yield moved, int((moved & region).sum())


@pytest.mark.parametrize("seed", range(6))
def test_a_control_is_a_moved_copy_that_overlaps_as_little_as_can_be(seed):
    rng = np.random.default_rng(seed)
    region = np.zeros((9, 11), bool)
    top, left = rng.integers(0, 5, 2)
    region[top : top + 4, left : left + 3 + seed] = True
    region[0, 10] = True
    control = control_region(region, np.random.default_rng(seed))
    every = list(moves(region))
    overlaps = [overlap for moved, overlap in every if np.array_equal(moved, control)]
    assert overlaps  # it is one of them
    assert overlaps[0] <= min(overlap for _, overlap in every) + NEARLY * region.sum() + 1e-3
    assert control.sum() == region.sum()


def test_the_seed_decides():
    region = np.zeros((32, 32), bool)
    region[4:12, 20:30] = True
    one, again, other = (control_region(region, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert not (one & region).any()


def test_what_fills_the_photo_has_nowhere_to_go():
    assert control_region(np.ones((8, 8), bool), np.random.default_rng(0)).all()
