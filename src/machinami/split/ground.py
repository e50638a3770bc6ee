"""Where each photo belongs: its piece of ground, after linked photos have been brought together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from machinami.config import SplitConfig
from machinami.split.blocks import name_runs
from machinami.split.links import Links, earth_points_m, link_photos
from machinami.squares import Square, ground_squares

__all__ = ["Ground", "SplitPhoto", "lay_ground", "locate", "stand_alone"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPhoto:
    """What the split needs to know of a photo."""

    photo_id: int
    place: str
    lat: float | None = None
    lon: float | None = None
    sequence: str | None = None
    name: str = ""  # folder and file name: neighbours in name are neighbours on the street
    pixels_sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The unit that each photo belongs to: a square of ground, a run of names, a sequence, or itself alone.

    A unit may hold photos of several places; it goes to one fold as a whole.
    """

    unit_of: Ints  # (N,)
    squares: tuple[Square | None, ...]  # for each unit
    cut_chains: int = 0  # chains of linked photos wider than a block


def locate(photos: Sequence[SplitPhoto]) -> Floats:
    """float64 (N, 2): latitude and longitude in degrees; NaN where either is unknown."""
    nowhere = (np.nan, np.nan)
    pairs = [nowhere if photo.lat is None or photo.lon is None else (photo.lat, photo.lon) for photo in photos]
    return np.array(pairs, np.float64).reshape(-1, 2)


def stand_alone(photos: Sequence[SplitPhoto]) -> Ground:
    """Every photo its own unit."""
    return Ground(unit_of=np.arange(len(photos)), squares=(None,) * len(photos))


def lay_ground(photos: Sequence[SplitPhoto], config: SplitConfig) -> Ground:
    """Squares where positions are known, runs of names elsewhere; or sequences, where asked for and known."""
    lat_lon = locate(photos)
    in_sequence = np.array([config.strategy == "sequences" and bool(p.sequence) for p in photos], bool)
    in_square = np.isfinite(lat_lon).all(axis=1) & ~in_sequence
    positions = lat_lon[in_square]
    cells, cell_of = np.unique(
        ground_squares(positions[:, 0], positions[:, 1], block_m=config.block_m), axis=0, return_inverse=True
    )
    labels = _label_series(photos, in_sequence, ~in_sequence & ~in_square, config)
    names = sorted(set(labels.values()))
    number_of = {name: len(cells) + rank for rank, name in enumerate(names)}
    unit_of = np.zeros(len(photos), np.int64)
    unit_of[in_square] = cell_of.reshape(-1)
    unit_of[list(labels)] = [number_of[name] for name in labels.values()]

    points_m = earth_points_m(lat_lon[:, 0], lat_lon[:, 1])
    links = link_photos(points_m, [photo.pixels_sha256 for photo in photos], link_m=config.link_m)
    unit_of, cut_chains = _bring_together(unit_of, links, points_m, block_m=config.block_m)
    squares = [Square(row, column, config.block_m) for row, column in cells.tolist()]
    return Ground(unit_of=unit_of, squares=(*squares, *[None] * len(names)), cut_chains=cut_chains)


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


def _bring_together(unit_of: Ints, links: Links, points_m: Floats, *, block_m: float) -> tuple[Ints, int]:
    """Each group of linked photos in the unit of most of its photos, and how many chains had to be cut.

    A group wider than a block is cut at the edges of the blocks; equal pixels stay together even then.
    """
    home = _majority(links.duplicates, unit_of)
    together = _majority(links.groups, home)
    groups = int(links.groups.max()) + 1
    low, high = np.full((groups, 3), np.inf), np.full((groups, 3), -np.inf)
    known = np.isfinite(points_m).all(axis=1)
    np.minimum.at(low, links.groups[known], points_m[known])
    np.maximum.at(high, links.groups[known], points_m[known])
    span_m = np.linalg.norm(np.where(high >= low, high, 0) - np.where(high >= low, low, 0), axis=1)
    wide = (span_m > block_m)[links.groups]
    cut = np.unique(links.groups[wide & (home != together)])
    return np.where(wide, home, together), len(cut)


def _majority(group_of: Ints, unit_of: Ints) -> Ints:
    """int64 (N,): for each photo the unit that most photos of its group are in; the lowest of several."""
    pairs, counts = np.unique(np.column_stack([group_of, unit_of]), axis=0, return_counts=True)
    order = np.lexsort((pairs[:, 1], -counts, pairs[:, 0]))
    groups, first = np.unique(pairs[order, 0], return_index=True)
    winners: Ints = pairs[order][first, 1]
    return winners[np.searchsorted(groups, group_of)]
