"""What covers the same part of all photos of one sequence or creator: a dashboard, a hand, a bonnet."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Literal

import numpy as np
import numpy.typing as npt

from machinami.catalog import Catalog, Photo
from machinami.check.marks import Mark
from machinami.images.signs import GRID, Signs

__all__ = ["Overlays", "covered_share", "find_overlays"]

Floats = npt.NDArray[np.float64]

SHARED_BY: tuple[Literal["sequence", "creator"], ...] = ("sequence", "creator")
_FEWEST_PHOTOS = 12  # of six made photos along one street up to 9 % of the cells hardly changed; of 63 and more, none
_STILL_LEVELS = 6.0  # standard deviation of a cell over the photos: at least 33 in five places, 4 in six photos
_MOVING_LEVELS = 20.0  # ... of the other cells, in the median: a camera that stood still shows no overlay
_STRUCTURE_LEVELS = 10.0  # ... of the covered cells' means, over the picture: an even road is no overlay


class Overlays:
    """The covered shares of those sequences and creators that have one large enough; few, so that all are held."""

    def __init__(self, shares: Mapping[tuple[str, str, str], float]) -> None:
        self._shares = shares

    def judge(self, photo: Photo) -> Mark | None:
        """The mark of a photo that belongs to one of them."""
        for column in SHARED_BY:
            name = getattr(photo, column)
            share = self._shares.get((column, photo.source, name or ""))
            if share is not None:
                return Mark(f"overlay: {100 * share:.0f} % are the same in all of {column} {name}", share)
        return None


def find_overlays(catalog: Catalog, find: Callable[[str], Signs | None], *, max_share: float) -> Overlays:
    """What covers more than `max_share` of the picture; `find` gives the measures of a photo by its pixels."""
    shares: dict[tuple[str, str, str], float] = {}
    for column in SHARED_BY:
        rows = catalog.sharing(column)
        for (source, name), group in groupby(rows, key=lambda row: (row[0], row[1])):
            share = covered_share(_grids((pixels for _, _, pixels in group), find))
            if share > max_share:
                shares[column, source, name] = share
    return Overlays(shares)


def _grids(pixels: Iterable[str], find: Callable[[str], Signs | None]) -> Iterator[Floats]:
    for digest in pixels:
        signs = find(digest)
        if signs is not None:
            yield np.frombuffer(signs.grid, np.uint8).reshape(GRID, GRID).astype(np.float64)


def covered_share(grids: Iterable[Floats]) -> float:
    """Share of the picture, from the lower edge up, that hardly changes over the photos while the rest does.

    grids: float64 (GRID, GRID) mean luma, one a photo; they are read once. Mean and variance are kept as in Welford
    1962 (Technometrics 4(3)). 0 for few photos, for a camera that stood still, and for an even surface such as a
    road. A sky that is white in all photos does not count: it does not reach the lower edge.
    """
    count, mean, squares = 0, np.zeros((GRID, GRID)), np.zeros((GRID, GRID))
    for grid in grids:
        count += 1
        change = grid - mean
        mean += change / count
        squares += change * (grid - mean)
    if count < _FEWEST_PHOTOS:
        return 0.0
    deviation = np.sqrt(squares / count)
    still = np.logical_and.accumulate(deviation[::-1] < _STILL_LEVELS)[::-1]  # down to the lower edge without a gap
    if not still.any() or still.all():
        return 0.0
    moves = float(np.median(deviation[~still])) >= _MOVING_LEVELS
    return float(still.mean()) if moves and float(mean[still].std()) >= _STRUCTURE_LEVELS else 0.0
