"""What a split is like: how many photos where, how far test photos are from training photos, what leaked."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from machinami.split.buffer import TEST, TRAIN, nearest_m

__all__ = [
    "Distances",
    "SplitReport",
    "SubsetCount",
    "count_across",
    "count_blocks",
    "distances_to_train",
    "typical_spacing_m",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
K = TypeVar("K")


@dataclass(frozen=True, slots=True, kw_only=True)
class SubsetCount:
    """Photos and blocks of one place in one subset or fold; what was left out is not counted."""

    photos: int
    blocks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Distances:
    """How far test photos are from the nearest training photo of any place, metres."""

    min: float
    p5: float
    p10: float
    median: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitReport:
    """What there is to know about a split."""

    counts: Mapping[str, Mapping[str, SubsetCount]]  # place -> test, validation, train
    fold_counts: Mapping[str, Mapping[int, SubsetCount]] = field(default_factory=dict)  # place -> fold, see `Block`
    dropped_counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # place -> reason -> photos
    test_to_train_m: Distances | None  # None where either side has no positions
    near_duplicates_across: int  # groups of the same pixels, nearly the same, or one 360° photo, in several folds
    cut_chains: int  # chains of photos nearer than link_m to the next that are wider than a block, cut at its edges
    cut_sequences: int = 0  # likewise sequences
    cut_days: int = 0  # likewise days of one contributor
    notes: tuple[str, ...] = ()  # sentences for the reader


def distances_to_train(points_m: Floats, subset_of: Ints) -> Distances | None:
    """Distances of the test photos from the training photos; None where either side has no positions.

    `points_m`: float64 (N, 3); `subset_of`: int64 (N,).
    """
    metres = nearest_m(points_m[subset_of == TEST], points_m[subset_of == TRAIN])
    metres = metres[np.isfinite(metres)]
    if not len(metres):
        return None
    low, p5, p10, median = (round(float(v), 2) for v in np.percentile(metres, [0, 5, 10, 50]))
    return Distances(min=low, p5=p5, p10=p10, median=median)


def count_across(group_of: Ints, side_of: Ints) -> int:
    """How many groups stand on more than one side. Both int64 (N,)."""
    pairs = np.unique(np.column_stack([group_of, side_of]), axis=0)
    return int((np.unique(pairs[:, 0], return_counts=True)[1] > 1).sum())


def count_blocks(blocks: Iterable[tuple[str, K, int]]) -> dict[str, dict[K, SubsetCount]]:
    """Photos and blocks by place and by fold or subset, from (place, fold or subset, photos) of each block."""
    photos: Counter[tuple[str, K]] = Counter()
    pieces: Counter[tuple[str, K]] = Counter()
    for place, key, count in blocks:
        photos[place, key] += count
        pieces[place, key] += 1
    found: dict[str, dict[K, SubsetCount]] = {}
    for (place, key), count in photos.items():
        found.setdefault(place, {})[key] = SubsetCount(photos=count, blocks=pieces[place, key])
    return found


def typical_spacing_m(points_m: Floats) -> float | None:
    """The median distance from a photo to its nearest neighbour, metres; None below two positions."""
    known = points_m[np.isfinite(points_m).all(axis=1)]
    if len(known) < 2:
        return None
    distances = cKDTree(known).query(known, k=[2])[0]
    return float(np.median(distances))
