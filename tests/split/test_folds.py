import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from machinami.errors import SplitError
from machinami.split.folds import assign_folds, deal_photos


@given(st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.integers(1, 60)), min_size=15, max_size=80), st.integers(3, 5))
def test_every_fold_gets_every_place_and_no_more_than_a_block_too_much(blocks, folds):
    counts = np.zeros((len(blocks) + 3 * folds, 3), np.int64)
    for unit, (place, photos) in enumerate(blocks):
        counts[unit, place] = photos
    for place in range(3):
        counts[len(blocks) + place * folds : len(blocks) + (place + 1) * folds, place] = 1
    fold_of = assign_folds(counts, folds=folds, rng=np.random.default_rng(0))
    for place in range(3):
        filled = np.bincount(fold_of, weights=counts[:, place], minlength=folds)
        assert filled.min() > 0
        assert filled.max() - filled.min() <= counts[:, place].max()  # the bound of greedy scheduling


def test_units_of_several_places_are_moved_until_no_fold_is_without_one():
    # Place 1 is in five units only; place 0 fills the same units to different heights.
    counts = np.array([[90, 1], [80, 1], [70, 1], [5, 1], [1, 1], [60, 0], [60, 0], [3, 0]])
    for seed in range(20):
        fold_of = assign_folds(counts, folds=5, rng=np.random.default_rng(seed))
        for place in range(2):
            assert set(fold_of[counts[:, place] > 0]) == set(range(5))


def test_shared_ground_that_cannot_be_dealt_out_fails():
    counts = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1]])
    with pytest.raises(SplitError, match="Ways out"):
        assign_folds(counts, folds=3, rng=np.random.default_rng(0))


@given(st.lists(st.integers(0, 2), min_size=1, max_size=200), st.integers(3, 6))
def test_single_photos_are_dealt_evenly(places, folds):
    place_of = np.array(places)
    fold_of = deal_photos(place_of, folds=folds, rng=np.random.default_rng(1))
    for place in set(places):
        dealt = np.bincount(fold_of[place_of == place], minlength=folds)
        assert dealt.max() - dealt.min() <= 1
