"""Points of an area: evenly at random, or on a square grid; in metres on the ground, not in degrees."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import shapely

from machinami.areas import Area
from machinami.errors import InputError
from machinami.geo import LatLon, LocalPlane
from machinami.sampling.sample import Sample

__all__ = ["area_samples", "grid_samples", "plane_of", "uniform_points"]

Floats = npt.NDArray[np.float64]
Shape = shapely.Polygon | shapely.MultiPolygon
_BATCH = 256  # candidates at a time
_MOST_MISSES = 20_000_000  # candidates without a hit before the polygon counts as too thin


def plane_of(shape: Shape) -> LocalPlane:
    """Metres around the middle of a shape in degrees: equal-area, so that even there is even on the ground."""
    west, south, east, north = shape.bounds
    return LocalPlane(LatLon((south + north) / 2, (west + east) / 2))


def area_samples(area: Area, rng: np.random.Generator) -> Iterator[Sample]:
    """Points evenly at random over the area, without end."""
    for number, (lat, lon) in enumerate(uniform_points(area.shape, plane_of(area.shape), rng)):
        yield Sample(number=number, lat=lat, lon=lon)


def uniform_points(
    shape: Shape, plane: LocalPlane, rng: np.random.Generator, *, batch: int = _BATCH
) -> Iterator[tuple[float, float]]:
    """Latitude and longitude (degrees) of points evenly at random over a shape in degrees, without end.

    Candidates fall into the boxes around the shape's parts, in proportion to the boxes' areas, and count when they
    lie in that part: small islands far from one another cost no more than a compact shape. `batch`: candidates at a
    time; the points follow from it and `rng`, not from how many are taken. Raises InputError for a shape so thin that
    nothing falls into it.
    """
    parts = np.array([part for part in shapely.get_parts(shape) if part.area > 0])
    low, high = _boxes(parts, plane)
    box_areas = np.prod(high - low, axis=1)
    shapely.prepare(parts)
    misses = 0
    while True:
        chosen = rng.choice(len(parts), size=batch, p=box_areas / box_areas.sum())
        east_north_m = low[chosen] + rng.random((batch, 2)) * (high - low)[chosen]
        lat_lon = plane.to_lat_lon(east_north_m)
        inside = lat_lon[shapely.contains_xy(parts[chosen], lat_lon[:, 1], lat_lon[:, 0])]
        misses = 0 if len(inside) else misses + batch
        if misses > _MOST_MISSES:
            raise InputError(f"a polygon near {lat_lon[0, 0]:.5f}, {lat_lon[0, 1]:.5f} is too thin to draw points from")
        yield from map(tuple, inside.tolist())


def grid_samples(area: Area, rng: np.random.Generator, *, spacing_m: float) -> Iterator[Sample]:
    """The points of a square grid that lie in the area, in random order.

    The grid runs east and north through the middle of the area's box, whatever the seed.
    """
    plane = plane_of(area.shape)
    parts = np.array(shapely.get_parts(area.shape))
    low, high = _boxes(parts, plane)
    shapely.prepare(parts)
    found = []
    for part, first, last in zip(parts, np.ceil(low / spacing_m), np.floor(high / spacing_m), strict=True):
        columns, rows = (np.arange(first[axis], last[axis] + 1) for axis in (0, 1))
        for row in rows:  # one at a time: an island far away must not cost a grid of the whole sea
            points_m = np.column_stack([columns, np.full(len(columns), row)]) * spacing_m
            lat_lon = plane.to_lat_lon(points_m)
            found.append(lat_lon[shapely.contains_xy(part, lat_lon[:, 1], lat_lon[:, 0])])
    points = np.concatenate(found) if found else np.empty((0, 2))
    for number, (lat, lon) in enumerate(rng.permutation(points).tolist()):
        yield Sample(number=number, lat=lat, lon=lon)


def _boxes(parts: npt.NDArray[np.object_], plane: LocalPlane) -> tuple[Floats, Floats]:
    """float64 (N, 2) twice: the lowest and the highest metres east and north that each part reaches.

    A straight line in degrees bows a little in the plane: long edges get points in between before they are measured.
    """
    lows, highs = [], []
    for part in parts:
        lon, lat = shapely.get_coordinates(shapely.segmentize(part.exterior, 0.01)).T
        points_m = plane.to_metres(lat, lon)
        bow_m = 0.01 * np.ptp(points_m, axis=0).max() * 0.01  # what is left of the bow on 0.01° is far less
        lows.append(points_m.min(axis=0) - bow_m)
        highs.append(points_m.max(axis=0) + bow_m)
    return np.array(lows), np.array(highs)
