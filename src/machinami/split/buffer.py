"""The strip of ground around test and validation photos from which nothing is learned."""

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from machinami.geo import EARTH_RADIUS_M
from machinami.split.links import chord_m

__all__ = ["TEST", "TRAIN", "VALIDATION", "nearest_m", "within_buffer"]

TEST, VALIDATION, TRAIN = 0, 1, 2

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def within_buffer(points_m: Floats, subset_of: Ints, *, buffer_m: float) -> Bools:
    """Photos to leave out, bool (N,). Photos without a position are never among them.

    Training and validation photos within `buffer_m` of a test photo, and training photos within `buffer_m` of
    a validation photo that stays. `points_m`: float64 (N, 3), `earth_points_m`; `subset_of`: int64 (N,).
    """
    dropped = np.zeros(len(subset_of), bool)
    if buffer_m <= 0:
        return dropped
    for guarded in (TEST, VALIDATION):
        inner = (subset_of == guarded) & ~dropped
        outer = np.flatnonzero((subset_of > guarded) & ~dropped)
        dropped[outer] = nearest_m(points_m[outer], points_m[inner], limit_m=buffer_m) <= buffer_m
    return dropped


def nearest_m(points_m: Floats, others_m: Floats, *, limit_m: float = np.inf) -> Floats:
    """float64 (N,): metres along the ground from each point to the nearest of the others.

    Infinite where there is none, where it is further than `limit_m`, or where the position is NaN.
    """
    distances = np.full(len(points_m), np.inf)
    known = np.isfinite(points_m).all(axis=1)
    others = others_m[np.isfinite(others_m).all(axis=1)]
    if known.any() and len(others):
        limit = np.inf if np.isinf(limit_m) else chord_m(limit_m) * (1 + 1e-9)
        chords, _ = cKDTree(others).query(points_m[known], distance_upper_bound=limit)
        halves = np.minimum(chords / (2 * EARTH_RADIUS_M), 1)
        distances[known] = np.where(np.isinf(chords), np.inf, 2 * EARTH_RADIUS_M * np.arcsin(halves))
    return distances
