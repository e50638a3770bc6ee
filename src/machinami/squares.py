"""Squares of ground on one worldwide grid: what sampling spreads over, and splitting keeps whole."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from machinami.geo import EARTH_RADIUS_M, LatLon

__all__ = ["Square", "ground_squares", "squares_within"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, order=True)
class Square:
    """A square of ground with edges of `edge_m` metres: row `row` north of the equator, column `column` east.

    Each row has its own columns, all of the same width in metres (a sinusoidal grid, equal-area on the
    sphere), so that one grid serves all places of the Earth, and places that share ground share squares.
    """

    row: int
    column: int
    edge_m: float

    @property
    def centre(self) -> LatLon:
        """The middle of the square."""
        south, north, west, east = self.bounds
        return _rounded((south + north) / 2, (west + east) / 2)

    @property
    def corners(self) -> tuple[LatLon, LatLon, LatLon, LatLon]:
        """South-west, south-east, north-east, north-west."""
        south, north, west, east = self.bounds
        return (
            _rounded(south, west),
            _rounded(south, east),
            _rounded(north, east),
            _rounded(north, west),
        )

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """South, north, west and east edge, degrees."""
        metre_deg = float(np.degrees(1 / EARTH_RADIUS_M))
        south, north = self.row * self.edge_m * metre_deg, (self.row + 1) * self.edge_m * metre_deg
        width_deg = self.edge_m * metre_deg / float(_shrink(np.array([self.row]), self.edge_m)[0])
        west, east = self.column * width_deg, (self.column + 1) * width_deg
        return max(south, -90.0), min(north, 90.0), max(west, -180.0), min(east, 180.0)


def _rounded(lat: float, lon: float) -> LatLon:
    return LatLon(round(lat, 7), round(lon, 7))  # a centimetre is enough for a map


def ground_squares(lat: Floats, lon: Floats, *, block_m: float) -> Ints:
    """int64 (N, 2): row and column of the `Square` that each position lies in.

    `lat`, `lon`: float64 (N,), degrees, all finite.
    """
    rows = np.floor(np.radians(lat) * EARTH_RADIUS_M / block_m).astype(np.int64)
    columns = np.floor(np.radians(lon) * EARTH_RADIUS_M * _shrink(rows, block_m) / block_m).astype(np.int64)
    return np.column_stack([rows, columns])


def _shrink(rows: Ints, edge_m: float) -> Floats:
    """How much shorter than the equator the middle parallel of each row is; above 0 at the poles too."""
    middle = np.clip((rows + 0.5) * edge_m / EARTH_RADIUS_M, -np.pi / 2, np.pi / 2)
    shrink: Floats = np.maximum(np.cos(middle), 1e-9)
    return shrink


def squares_within(south: float, north: float, west: float, east: float, *, block_m: float) -> list[Square]:
    """The squares that touch a box of latitudes and longitudes (degrees), in order of row and column."""
    first, last = (
        int(ground_squares(np.array([lat]), np.array([0.0]), block_m=block_m)[0, 0]) for lat in (south, north)
    )
    squares = []
    for row in range(first, last + 1):
        shrink = float(_shrink(np.array([row]), block_m)[0])
        left, right = (int(np.floor(np.radians(lon) * EARTH_RADIUS_M * shrink / block_m)) for lon in (west, east))
        squares += [Square(row, column, block_m) for column in range(left, right + 1)]
    return squares
