"""Pairs of 64-bit hashes that differ in few bits, found without comparing each with each.

Multi-index hashing (Norouzi, Punjani & Fleet 2012, "Fast Search in Hamming Space with Multi-Index Hashing"): of two
hashes that differ in at most r bits, at least one of m bands differs in at most r // m.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

__all__ = ["MOST_NEIGHBOURS", "NearPairs", "near_pairs"]

MOST_NEIGHBOURS = 64  # of one hash: among thousands that are all alike, each has found its like long before
CROWD = 1 << 17  # pairs of one bucket with another above which only neighbours in the order of the hashes are compared
WINDOW = 16  # how many of them
MANY = 400_000  # hashes from which three bands, with larger tables, cost less than four
_CHUNK = 1 << 20  # pairs compared at once

Hashes = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class NearPairs:
    """Pairs of row numbers, each once, first < second, sorted."""

    first: Rows
    second: Rows
    crowded: int  # pairs of buckets that were too full to be compared in full: pairs of theirs can be missing


def near_pairs(hashes: Hashes, *, radius: int) -> NearPairs:
    """The pairs among uint64 (N,) that differ in at most `radius` bits.

    Nothing is missed unless there are crowds. Equal hashes are held together: the first of them stands for all, and
    each is paired with that one, and with the first of every hash near to theirs, alone. Hashes with more than
    MOST_NEIGHBOURS neighbours need not have all their pairs.
    """
    unique, first_row, member_of = np.unique(hashes, return_index=True, return_inverse=True)
    leaders = first_row[member_of].astype(np.int64)
    rows = np.arange(len(hashes), dtype=np.int64)
    equal = rows != leaders
    found = _Found(len(unique))
    crowded = 0
    bands = 3 if len(unique) > MANY else 4
    for band in range(bands):
        bits = range(band, 64, bands)  # interleaved, since neighbouring bits of a hash go together
        table = _Table(_gather(unique, bits), len(bits))
        for mask in _masks(len(bits), radius // bands):
            for a, b in table.pairs(mask):
                found.add(unique, a, b, radius)
            crowded += table.crowded
    codes = found.codes()
    a, b = first_row[codes // len(unique)], first_row[codes % len(unique)] if len(unique) else codes
    members = _Members(member_of.reshape(-1))
    to_b, of_b = members.others(codes % max(1, len(unique)))
    to_a, of_a = members.others(codes // max(1, len(unique)))
    one = np.concatenate([leaders[equal], a, a[to_b], b[to_a]]).astype(np.int64)
    other = np.concatenate([rows[equal], b, of_b, of_a]).astype(np.int64)
    first, second = np.minimum(one, other), np.maximum(one, other)
    order = np.lexsort((second, first))
    return NearPairs(first[order], second[order], crowded)


class _Members:
    """The rows of each unique hash, ascending."""

    def __init__(self, member_of: Rows) -> None:
        self._rows = np.argsort(member_of, kind="stable").astype(np.int64)
        self._size = np.bincount(member_of)
        self._start = np.cumsum(self._size) - self._size

    def others(self, unique: Rows) -> tuple[Rows, Rows]:
        """For hashes by number: all their rows but the first, and which of the given hashes each belongs to, before."""
        count = self._size[unique] - 1
        which = np.repeat(np.arange(len(unique)), count)
        number = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
        return which, self._rows[self._start[unique][which] + 1 + number]


def _masks(bits: int, flips: int) -> Iterator[int]:
    """All keys of so many bits with at most `flips` of them set."""
    for count in range(flips + 1):
        for places in combinations(range(bits), count):
            yield sum(1 << place for place in places)


def _gather(hashes: Hashes, bits: range) -> Rows:
    """These bits of each hash, as a small number."""
    keys = np.zeros(len(hashes), np.int64)
    for place, bit in enumerate(bits):
        keys |= ((hashes >> np.uint64(bit)) & np.uint64(1)).astype(np.int64) << place
    return keys


class _Table:
    """Rows sorted into buckets by a key."""

    def __init__(self, keys: Rows, bits: int) -> None:
        self._rows = np.argsort(keys, kind="stable")
        self._size = np.bincount(keys, minlength=1 << bits)
        self._start = np.cumsum(self._size) - self._size
        self._keys = np.flatnonzero(self._size)
        self.crowded = 0  # of the last mask

    def pairs(self, mask: int) -> Iterator[tuple[Rows, Rows]]:
        """Each pair of rows whose keys differ by `mask`, in pieces; of crowds only some."""
        left = self._keys if mask == 0 else self._keys[self._keys < self._keys ^ mask]
        right = left ^ mask
        count = self._size[left] * self._size[right]
        crowds = count > CROWD
        self.crowded = int(crowds.sum())
        for a, b in zip(left[crowds], right[crowds], strict=True):
            yield from self._neighbours(int(a), int(b))
        full = (count > (1 if mask == 0 else 0)) & ~crowds
        left, right, count = left[full], right[full], count[full]
        done = np.cumsum(count)
        begin = 0
        while begin < len(left):
            before = done[begin - 1] if begin else 0
            end = max(begin + 1, int(np.searchsorted(done, before + _CHUNK, side="right")))
            a, b = self._product(left[begin:end], right[begin:end], count[begin:end])
            yield (a[a < b], b[a < b]) if mask == 0 else (a, b)
            begin = end

    def _product(self, left: Rows, right: Rows, count: Rows) -> tuple[Rows, Rows]:
        """Each row of each left bucket with each row of its right one."""
        which = np.repeat(np.arange(len(left)), count)
        number = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
        width = self._size[right][which]
        a = self._rows[self._start[left][which] + number // width]
        b = self._rows[self._start[right][which] + number % width]
        return a, b

    def _neighbours(self, left: int, right: int) -> Iterator[tuple[Rows, Rows]]:
        """Rows are in the order of their hashes: each with the next few of both buckets together."""
        buckets = dict.fromkeys((left, right))
        rows = np.sort(np.concatenate([self._rows[self._start[k] :][: self._size[k]] for k in buckets]))
        for step in range(1, WINDOW + 1):
            yield rows[:-step], rows[step:]


class _Found:
    """Pairs that passed, as first · N + second; no more of them than MOST_NEIGHBOURS allow."""

    def __init__(self, hashes: int) -> None:
        self._hashes = hashes
        self._neighbours = np.zeros(hashes, np.int64)
        self._codes: list[Rows] = []

    def add(self, hashes: Hashes, a: Rows, b: Rows, radius: int) -> None:
        near = np.bitwise_count(hashes[a] ^ hashes[b]) <= radius
        a, b = np.minimum(a[near], b[near]), np.maximum(a[near], b[near])
        open_ = (self._neighbours[a] < MOST_NEIGHBOURS) | (self._neighbours[b] < MOST_NEIGHBOURS)
        codes = np.unique(a[open_] * self._hashes + b[open_])
        if len(codes):
            a, b = codes // self._hashes, codes % self._hashes
            self._neighbours += np.bincount(a, minlength=self._hashes) + np.bincount(b, minlength=self._hashes)
            self._codes.append(codes)

    def codes(self) -> Rows:
        return np.unique(np.concatenate(self._codes)) if self._codes else np.zeros(0, np.int64)
