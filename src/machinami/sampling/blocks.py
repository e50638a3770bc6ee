"""The same number of points from every block of an area, so that no neighbourhood dominates."""

from collections.abc import Iterator

import numpy as np
import shapely

from machinami.areas import Area
from machinami.geo import LocalPlane
from machinami.sampling.ground import plane_of, uniform_points
from machinami.sampling.sample import Sample
from machinami.squares import Square, squares_within

__all__ = ["block_samples"]

_BATCH = 16  # candidates at a time: a block gives few points
_LEAST_M2 = 1.0  # a corner smaller than this is the rounding of an edge, no ground to stand on


def block_samples(area: Area, seed: np.random.SeedSequence, *, block_m: float) -> Iterator[Sample]:
    """One point from each block in turn, in one random order of the blocks, without end.

    Blocks are the squares that splitting uses; a point is uniform on what the area has of its block.
    """
    plane = plane_of(area.shape)  # equal-area everywhere, so one serves all blocks
    squares = _touching(area, plane, block_m)
    order, *seeds = seed.spawn(1 + len(squares))
    streams = [
        (f"{square.row}/{square.column}", uniform_points(shape, plane, np.random.default_rng(own), batch=_BATCH))
        for (square, shape), own in zip(squares, seeds, strict=True)
    ]
    turn = np.random.default_rng(order).permutation(len(streams)).tolist()
    number = 0
    while streams:
        for index in turn:
            block, points = streams[index]
            lat, lon = next(points)
            yield Sample(number=number, lat=lat, lon=lon, block=block)
            number += 1


def _touching(
    area: Area, plane: LocalPlane, block_m: float
) -> list[tuple[Square, shapely.Polygon | shapely.MultiPolygon]]:
    """The blocks that share ground with the area, with that ground."""
    found = []
    for part in shapely.get_parts(area.shape):  # islands far apart: not all the squares of the sea between
        west, south, east, north = part.bounds
        found += squares_within(south, north, west, east, block_m=block_m)
    squares = sorted(set(found))
    boxes = [shapely.box(west, south, east, north) for south, north, west, east in (s.bounds for s in squares)]
    shared = shapely.intersection(np.array(boxes, dtype=object), area.shape)
    return [
        (square, ground)
        for square, ground in zip(squares, map(_polygons, shared), strict=True)
        if not ground.is_empty and _area_m2(ground, plane) >= _LEAST_M2
    ]


def _polygons(shape: shapely.Geometry) -> shapely.MultiPolygon:
    """Without the lines and points where shapes only touch."""
    parts = shapely.get_parts(shape)
    return shapely.MultiPolygon([part for part in parts if isinstance(part, shapely.Polygon)])


def _area_m2(shape: shapely.MultiPolygon, plane: LocalPlane) -> float:
    in_metres = shapely.transform(shape, lambda lon_lat: plane.to_metres(lon_lat[:, 1], lon_lat[:, 0]))
    return float(in_metres.area)
