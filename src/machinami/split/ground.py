"""Where each photo belongs: its piece of ground, after linked photos have been brought together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from machinami.config import SplitConfig
from machinami.split.blocks import name_runs
from machinami.split.chains import Bound, Gathered, gather
from machinami.split.photo import SplitArea, SplitPhoto
from machinami.squares import Square, ground_squares

__all__ = ["Ground", "lay_areas", "lay_ground", "locate", "stand_alone"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The unit that each photo belongs to: a square, a run of names, a sequence, an area, or itself alone.

    A unit may hold photos of several places; it goes to one fold as a whole.
    """

    unit_of: Ints  # (N,)
    shapes: tuple[Square | SplitArea | None, ...]  # for each unit, what it covers
    gathered: Gathered | None = None  # where links have moved photos


def locate(photos: Sequence[SplitPhoto]) -> Floats:
    """float64 (N, 2): latitude and longitude in degrees; NaN where either is unknown."""
    nowhere = (np.nan, np.nan)
    pairs = [nowhere if photo.lat is None or photo.lon is None else (photo.lat, photo.lon) for photo in photos]
    return np.array(pairs, np.float64).reshape(-1, 2)


def stand_alone(photos: Sequence[SplitPhoto]) -> Ground:
    """Every photo its own unit."""
    return Ground(unit_of=np.arange(len(photos)), shapes=(None,) * len(photos))


def lay_ground(photos: Sequence[SplitPhoto], points_m: Floats, bound: Bound, config: SplitConfig) -> Ground:
    """Squares where positions are known, runs of names elsewhere; or sequences, where asked for and known.

    `points_m`: float64 (N, 3), `earth_points_m`; `bound`: see `bind_photos`.
    """
    lat_lon = locate(photos)
    in_sequence = np.array([config.strategy == "sequences" and bool(p.sequence) for p in photos], bool)
    in_square = np.isfinite(lat_lon).all(axis=1) & ~in_sequence
    cells, cell_of = _squares(lat_lon[in_square], config.block_m)
    labels = _label_series(photos, in_sequence, ~in_sequence & ~in_square, config)
    names = sorted(set(labels.values()))
    number_of = {name: len(cells) + rank for rank, name in enumerate(names)}
    unit_of = np.zeros(len(photos), np.int64)
    unit_of[in_square] = cell_of
    unit_of[list(labels)] = [number_of[name] for name in labels.values()]
    gathered = gather(photos, unit_of, points_m, bound, on_ground=in_square, config=config)
    return Ground(unit_of=gathered.unit_of, shapes=(*cells, *[None] * len(names)), gathered=gathered)


def _squares(lat_lon: Floats, block_m: float) -> tuple[list[Square], Ints]:
    """The squares that hold the positions, in order, and which one each lies in: int64 (N,)."""
    cells, cell_of = np.unique(
        ground_squares(lat_lon[:, 0], lat_lon[:, 1], block_m=block_m), axis=0, return_inverse=True
    )
    return [Square(row, column, block_m) for row, column in cells.tolist()], cell_of.reshape(-1)


def _label_series(
    photos: Sequence[SplitPhoto], in_sequence: Bools, in_run: Bools, config: SplitConfig
) -> dict[int, str]:
    """Row number -> name of its sequence or of its run, for the photos that are in one."""
    rows = np.flatnonzero(in_run).tolist()
    runs = name_runs(
        [photos[row].name for row in rows],
        [photos[row].sequence for row in rows],
        run_photos=config.run_photos,
        run_gap=config.run_gap,
    )
    labels = dict(zip(rows, runs, strict=True))
    return labels | {row: f"{photos[row].sequence}" for row in np.flatnonzero(in_sequence).tolist()}


def lay_areas(photos: Sequence[SplitPhoto], *, carved: Bools, block_m: float) -> Ground:
    """The areas of the places; those of the `carved` photos, bool (N,), are cut into squares of ground.

    Every photo has an area and a position.
    """
    units: dict[tuple[str, str, int, int], Square | SplitArea] = {}
    lat_lon = locate(photos)
    cells = ground_squares(lat_lon[:, 0], lat_lon[:, 1], block_m=block_m).tolist()
    keys = []
    for photo, cut, (row, column) in zip(photos, carved.tolist(), cells, strict=True):
        assert photo.area is not None
        key = (photo.place, photo.area.name, *((row, column) if cut else (0, 0)))
        units.setdefault(key, Square(row, column, block_m) if cut else photo.area)
        keys.append(key)
    number_of = {key: unit for unit, key in enumerate(sorted(units))}
    return Ground(
        unit_of=np.array([number_of[key] for key in keys], np.int64),
        shapes=tuple(units[key] for key in sorted(units)),
    )
