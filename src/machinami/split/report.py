"""What a split is like: how many photos where, how far test photos are from training photos, what leaked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from machinami.split.buffer import TEST, TRAIN, nearest_m

__all__ = [
    "Distances",
    "SplitReport",
    "SubsetCount",
    "distances_to_train",
    "shared_across",
    "typical_spacing_m",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubsetCount:
    """Photos and blocks of one place in one subset; what the buffer dropped is not counted."""

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
    test_to_train_m: Distances | None  # None where either side has no positions
    near_duplicates_across: int  # files with the same pixels that lie in more than one fold
    cut_chains: int  # chains of linked photos wider than a block, cut at its edges
    notes: tuple[str, ...]  # sentences for the reader


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


def shared_across(pixels: Sequence[str | None], fold_of: Ints) -> int:
    """How many files with the same pixels stand in more than one fold."""
    folds_of: dict[str, set[int]] = {}
    for key, fold in zip(pixels, fold_of.tolist(), strict=True):
        if key is not None:
            folds_of.setdefault(key, set()).add(fold)
    return sum(len(folds) > 1 for folds in folds_of.values())


def typical_spacing_m(points_m: Floats) -> float | None:
    """The median distance from a photo to its nearest neighbour, metres; None below two positions."""
    known = points_m[np.isfinite(points_m).all(axis=1)]
    if len(known) < 2:
        return None
    distances = cKDTree(known).query(known, k=[2])[0]
    return float(np.median(distances))
