"""Pieces of ground that are never split: squares, or runs of names where positions are unknown."""

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

from machinami.geo import EARTH_RADIUS_M, LatLon

__all__ = ["Square", "ground_squares", "name_runs"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_NUMBER = re.compile(r"\d+")
_CLOCK_DIGITS = 6  # numbers this long that leap from name to name are times or ids, not a camera's counter


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
        south, north, west, east = self._edges()
        return _rounded((south + north) / 2, (west + east) / 2)

    @property
    def corners(self) -> tuple[LatLon, LatLon, LatLon, LatLon]:
        """South-west, south-east, north-east, north-west."""
        south, north, west, east = self._edges()
        return (
            _rounded(south, west),
            _rounded(south, east),
            _rounded(north, east),
            _rounded(north, west),
        )

    def _edges(self) -> tuple[float, float, float, float]:
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


def name_runs(names: Sequence[str], sequences: Sequence[str | None], *, run_photos: int, run_gap: int) -> list[str]:
    """The run of neighbouring photos that each photo belongs to, as a label that sorts naturally.

    Photos form a series when their sequence is the same, else when folder and file name agree but for the
    last number. A series is sorted by that number, cut where it leaps by more than `run_gap`, and each piece
    is cut into runs of nearly equal length, at most `run_photos` long. Names without a number form one series
    a folder. Numbers that are times or ids (long, and mostly leaping) are sorted by, but cut nowhere.

    >>> runs = name_runs(["a/i2.jpg", "a/i1.jpg", "a/i90.jpg"], [None] * 3, run_photos=15, run_gap=20)
    >>> runs[0] == runs[1], runs[0] == runs[2]
    (True, False)
    """
    series: defaultdict[str, list[tuple[int, str, int]]] = defaultdict(list)
    for row, (name, sequence) in enumerate(zip(names, sequences, strict=True)):
        prefix, number = _prefix_and_number(name)
        series[f"sequence {sequence}" if sequence else prefix].append((number, name, row))
    labels = [""] * len(names)
    for prefix, members in series.items():
        for run in _cut(sorted(members), run_photos=run_photos, run_gap=run_gap):
            number, name, _ = run[0]
            for _, _, row in run:
                labels[row] = f"{prefix} {max(number, 0):012d} {name}"
    return labels


def _prefix_and_number(name: str) -> tuple[str, int]:
    """The name with '#' for its last number, and that number; the folder and -1 where there is none."""
    path = PurePosixPath(name.replace("\\", "/"))
    found = list(_NUMBER.finditer(path.stem))
    if not found:
        return f"{path.parent}/", -1
    start, end = found[-1].span()
    return f"{path.parent}/{path.stem[:start]}#{path.stem[end:]}".lower(), int(found[-1].group())


def _cut(members: list[tuple[int, str, int]], *, run_photos: int, run_gap: int) -> Iterable[list[tuple[int, str, int]]]:
    """A sorted series in runs."""
    numbers = [number for number, _, _ in members]
    steps = np.diff(np.array(numbers, dtype=float))
    is_clock = len(steps) > 0 and numbers[-1] >= 10 ** (_CLOCK_DIGITS - 1) and np.median(steps) > run_gap
    cuts = [] if is_clock else (np.flatnonzero(steps > run_gap) + 1).tolist()
    for start, end in zip([0, *cuts], [*cuts, len(members)], strict=True):
        runs = -(-(end - start) // run_photos)
        bounds = [start + (end - start) * part // runs for part in range(runs + 1)]
        yield from (members[low:high] for low, high in itertools.pairwise(bounds))
