import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from machinami.check.hash_index import MOST_NEIGHBOURS, near_pairs


def brute(hashes, radius):
    return {
        (i, j) for i in range(len(hashes)) for j in range(i + 1, len(hashes))
        if (hashes[i] ^ hashes[j]).bit_count() <= radius
    }  # fmt: skip


def found(hashes, radius):
    pairs = near_pairs(np.array(hashes, np.uint64), radius=radius)
    assert pairs.crowded == 0
    return list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**64 - 1), st.lists(st.sets(st.integers(0, 63), max_size=14), max_size=15, unique_by=frozenset))
def test_all_pairs_within_the_radius_and_no_others_are_found(base, flips):
    hashes = [base ^ sum(1 << bit for bit in bits) for bits in flips]
    pairs = found(hashes, 11)
    assert set(pairs) == brute(hashes, 11)
    assert len(pairs) == len(set(pairs))


def test_equal_hashes_are_paired_with_the_first():
    assert found([5, 9 << 40, 5, 5], 0) == [(0, 2), (0, 3)]


def test_equal_hashes_are_each_paired_with_the_first_of_a_near_one():
    assert found([0b11, 0, 0], 11) == [(0, 1), (0, 2), (1, 2)]
    assert found([0, 0b11, 0, 0b11], 11) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3)]


def test_twenty_thousand_equal_hashes_make_as_many_pairs():
    pairs = near_pairs(np.full(20_000, 77, np.uint64), radius=11)
    assert len(pairs.first) == 19_999
    assert set(pairs.first) == {0}


def test_a_crowd_of_hashes_that_are_all_near_stays_small():
    hashes = np.arange(5_000, dtype=np.uint64)  # any two differ in few bits of 13
    pairs = near_pairs(hashes, radius=11)
    assert len(pairs.first) < 20 * MOST_NEIGHBOURS * len(hashes)
    paired = np.union1d(pairs.first, pairs.second)
    assert len(paired) == len(hashes)
    assert np.all(np.bitwise_count(hashes[pairs.first] ^ hashes[pairs.second]) <= 11)


def test_nothing_has_no_pairs():
    assert found([], 11) == []
    assert found([3], 11) == []
