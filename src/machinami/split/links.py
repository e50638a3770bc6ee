"""Photos that belong together: labels of what is linked, and how labels are joined."""

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from machinami.geo import EARTH_RADIUS_M

__all__ = ["chord_m", "earth_points_m", "join", "number", "same_spot", "widths_m"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_AT_ONCE = 20_000  # spots whose neighbours are held in memory together: crowded ones have hundreds


def earth_points_m(lat: Floats, lon: Floats) -> Floats:
    """float64 (N, 3): metres from the Earth's centre (sphere), so that near is near across any meridian.

    `lat`, `lon`: float64 (N,), degrees; NaN stays NaN.
    """
    phi, lam = np.radians(lat), np.radians(lon)
    return EARTH_RADIUS_M * np.column_stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])


def chord_m(ground_m: float) -> float:
    """The straight line through the Earth between two points so many metres apart on the ground."""
    return float(2 * EARTH_RADIUS_M * np.sin(min(ground_m / (2 * EARTH_RADIUS_M), np.pi / 2)))


def number(keys: Sequence[Hashable | None]) -> Ints:
    """int64 (N,): equal numbers for equal keys, from 0; whoever has None stands alone."""
    first: dict[Hashable, int] = {}
    rows = [row if key is None else first.setdefault(key, row) for row, key in enumerate(keys)]
    return np.unique(np.array(rows, np.int64), return_inverse=True)[1].reshape(-1).astype(np.int64)


def join(one: Ints, other: Ints) -> Ints:
    """int64 (N,): what is linked by either label, in chains of any length. Labels number from 0."""
    if not len(one):
        return one
    offset = int(one.max()) + 1
    size = offset + int(other.max()) + 1
    graph = coo_array((np.ones(len(one), np.int8), (one, other + offset)), shape=(size, size))
    return _components(graph)[one]


def same_spot(points_m: Floats, *, link_m: float) -> Ints:
    """int64 (N,): one label for a chain of photos, each nearer than `link_m` to the next, whatever their place.

    `points_m`: float64 (N, 3) from `earth_points_m`; who has no position (NaN) stands alone.
    """
    labels = np.arange(len(points_m))
    located = np.flatnonzero(np.isfinite(points_m).all(axis=1))
    if link_m <= 0 or len(located) < 2:
        return labels
    # Equal positions are made one first: thousands of photos on one spot must not become millions of pairs.
    spots, spot_of = np.unique(points_m[located], axis=0, return_inverse=True)
    chain_of = _chains(spots, chord_m(link_m))
    labels[located] = len(points_m) + chain_of[spot_of.reshape(-1)]
    return number(labels.tolist())


def _chains(spots: Floats, reach_m: float) -> Ints:
    """int64 (S,): the chain of each spot, found a part at a time, so that pairs never fill the memory."""
    tree = cKDTree(spots)
    chain_of = np.arange(len(spots))
    for start in range(0, len(spots), _AT_ONCE):
        part = cKDTree(spots[start : start + _AT_ONCE])
        pairs = part.sparse_distance_matrix(tree, reach_m, output_type="ndarray")
        ends = chain_of[pairs["i"] + start], chain_of[pairs["j"]]
        graph = coo_array((np.ones(len(pairs), np.int8), ends), shape=(len(spots), len(spots)))
        chain_of = _components(graph)[chain_of]
    return chain_of


def _components(graph: coo_array) -> Ints:
    _, labels = connected_components(graph, directed=False)
    return np.asarray(labels, np.int64)


def widths_m(group_of: Ints, points_m: Floats) -> Floats:
    """float64 (N,): for each photo how wide its group is, the diagonal of the box around it in metres.

    A group without positions has no width. Labels number from 0.
    """
    groups = int(group_of.max(initial=-1)) + 1
    low, high = np.full((groups, 3), np.inf), np.full((groups, 3), -np.inf)
    known = np.isfinite(points_m).all(axis=1)
    np.minimum.at(low, group_of[known], points_m[known])
    np.maximum.at(high, group_of[known], points_m[known])
    some = np.isfinite(low).all(axis=1)
    spans = np.zeros(groups)
    spans[some] = np.linalg.norm(high[some] - low[some], axis=1)
    return spans[group_of]
