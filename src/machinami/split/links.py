"""Photos that show the same spot, and so must never stand on both sides of a split."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from machinami.geo import EARTH_RADIUS_M

__all__ = ["Links", "chord_m", "earth_points_m", "link_photos"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """What belongs together. Both int64 (N,): photos with the same number are linked."""

    duplicates: Ints  # the very same pixels
    groups: Ints  # the same pixels, or a chain of photos nearer than link_m to the next


def earth_points_m(lat: Floats, lon: Floats) -> Floats:
    """float64 (N, 3): metres from the Earth's centre (sphere), so that near is near across any meridian.

    `lat`, `lon`: float64 (N,), degrees; NaN stays NaN.
    """
    phi, lam = np.radians(lat), np.radians(lon)
    return EARTH_RADIUS_M * np.column_stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])


def chord_m(ground_m: float) -> float:
    """The straight line through the Earth between two points so many metres apart on the ground."""
    return float(2 * EARTH_RADIUS_M * np.sin(min(ground_m / (2 * EARTH_RADIUS_M), np.pi / 2)))


def link_photos(points_m: Floats, pixels: Sequence[str | None], *, link_m: float) -> Links:
    """Which photos are linked: equal `pixels` digests, or nearer than `link_m` (whatever their place).

    `points_m`: float64 (N, 3) from `earth_points_m`, NaN where the position is unknown.
    """
    count = len(pixels)
    duplicates = _same_pixels(pixels)
    located = np.flatnonzero(np.isfinite(points_m).all(axis=1))
    # Equal positions are made one first: thousands of photos on one spot must not become millions of pairs.
    spots, spot_of = np.unique(points_m[located], axis=0, return_inverse=True)
    spot_of = spot_of.reshape(-1)
    spots = spots.reshape(-1, 3)
    near = np.empty((0, 2), np.int64)
    if link_m > 0 and len(spots) > 1:
        near = cKDTree(spots).query_pairs(chord_m(link_m), output_type="ndarray").astype(np.int64)
    spot_nodes, duplicate_nodes = 2 * count, count  # nodes: photos, then pixel digests, then spots
    photos = np.arange(count)
    starts = [photos, near[:, 0] + spot_nodes]
    ends = [duplicates + duplicate_nodes, near[:, 1] + spot_nodes]
    if link_m > 0:
        starts.append(located)
        ends.append(spot_of + spot_nodes)
    start, end = np.concatenate(starts), np.concatenate(ends)
    size = 2 * count + len(spots)
    graph = coo_array((np.ones(len(start), np.int8), (start, end)), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    return Links(duplicates=duplicates, groups=labels[:count].astype(np.int64))


def _same_pixels(pixels: Sequence[str | None]) -> Ints:
    """int64 (N,): equal numbers for equal digests; a photo without one stands alone."""
    first: dict[str, int] = {}
    return np.array([row if key is None else first.setdefault(key, row) for row, key in enumerate(pixels)], np.int64)
