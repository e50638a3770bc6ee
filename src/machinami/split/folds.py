"""Which fold each piece of ground goes to, so that every fold has its share of every place."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from machinami.errors import SplitError

__all__ = ["assign_folds", "check_blocks", "deal_photos", "table_of_places"]

Ints = npt.NDArray[np.int64]


def check_blocks(places: Sequence[str], counts: Ints, *, folds: int) -> None:
    """Raises SplitError, with a table and the ways out, where a place has fewer blocks than there are folds.

    `counts`: int64 (blocks, places), photos.
    """
    photos, blocks = counts.sum(axis=0), (counts > 0).sum(axis=0)
    if (blocks >= folds).all():
        return
    needed = np.full(len(places), folds)
    table = table_of_places(["place", "photos", "blocks", "needed"], places, photos, blocks, needed)
    short = ", ".join(place for p, place in enumerate(places) if blocks[p] < folds)
    fewest = int(blocks.min())
    fewer = f"fewer folds (split.folds = {fewest})" if fewest >= 3 else "fewer folds (split.folds, at least 3)"
    raise SplitError(
        f"too few blocks for {folds} folds: {short}\n{table}\n"
        "Ways out: smaller blocks (split.block_m, or split.run_photos where photos have no coordinates); "
        f"more photos, from other streets; {fewer}"
    )


def table_of_places(headers: Sequence[str], places: Sequence[str], *columns: Ints) -> str:
    """A plain table for a message, a line a place. Each column: int64 (places,)."""
    rows = [list(headers), *([place, *map(str, row)] for place, *row in zip(places, *columns, strict=True))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(headers))]
    return "\n".join(
        "  " + row[0].ljust(widths[0]) + "".join(f"  {cell:>{w}}" for cell, w in zip(row[1:], widths[1:], strict=True))
        for row in rows
    )


def assign_folds(counts: Ints, *, folds: int, rng: np.random.Generator) -> Ints:
    """int64 (units,): the fold of each unit of ground. Every fold gets photos of every place.

    `counts`: int64 (units, places), photos; a unit is never split. Largest first, each to the fold that is
    furthest below its share of the unit's places (the greedy idea of scikit-learn's StratifiedGroupKFold);
    ties by chance. Raises SplitError where some fold stays without a place.
    """
    share = counts / np.maximum(counts.sum(axis=0), 1)
    order = np.lexsort((rng.random(len(counts)), -share.sum(axis=1)))
    chance = rng.random((len(counts), folds))
    filled = np.zeros((folds, counts.shape[1]))
    fold_of = np.zeros(len(counts), np.int64)
    for unit in order.tolist():
        load = filled @ share[unit]
        lowest = np.flatnonzero(load <= load.min() + 1e-12)
        fold_of[unit] = fold = lowest[np.argmin(chance[unit, lowest])]
        filled[fold] += share[unit]
    return _fill_empty(counts, fold_of, folds=folds)


def _fill_empty(counts: Ints, fold_of: Ints, *, folds: int) -> Ints:
    """Moves the smallest units that can be spared until no fold is without a place; `fold_of` is changed."""
    units = np.zeros((folds, counts.shape[1]), np.int64)
    np.add.at(units, fold_of, counts > 0)
    sizes = counts.sum(axis=1)
    for fold, place in np.argwhere(units == 0).tolist():
        if units[fold, place]:
            continue  # an earlier move has filled it
        has_place = counts[:, place] > 0
        spared = ~((counts > 0) & (units[fold_of] < 2)).any(axis=1)
        movable = np.flatnonzero(has_place & spared)
        if not len(movable):
            raise SplitError(
                f"no way was found to give each of the {folds} folds photos of every place, since places "
                "share blocks. Ways out: smaller blocks (split.block_m); more photos, from other streets; "
                "fewer folds (split.folds)"
            )
        unit = int(movable[np.argmin(sizes[movable])])
        units[fold_of[unit]] -= counts[unit] > 0
        units[fold] += counts[unit] > 0
        fold_of[unit] = fold
    return fold_of


def deal_photos(place_of: Ints, *, folds: int, rng: np.random.Generator) -> Ints:
    """int64 (N,): folds at random over single photos, each place dealt evenly. `place_of`: int64 (N,)."""
    fold_of = np.zeros(len(place_of), np.int64)
    for place in np.unique(place_of):
        photos = np.flatnonzero(place_of == place)
        fold_of[rng.permutation(photos)] = (np.arange(len(photos)) + rng.integers(folds)) % folds
    return fold_of
