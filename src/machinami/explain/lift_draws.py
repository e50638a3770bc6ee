"""Lifts of maps that are no explanation, many draws at once: the band that chance gives."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["LiftDraws"]

Floats = npt.NDArray[np.floating[Any]]


class LiftDraws:
    """Σ share and Σ area by place, draw and region, over the photos that show the region."""

    def __init__(self, *, places: int, draws: int, regions: int, min_area: float) -> None:
        self._share = np.zeros((places, draws, regions))
        self._area = np.zeros((places, draws, regions))
        self._photos = np.zeros((places, regions), np.int64)
        self._min_area = min_area

    def add(self, place: int, maps: Floats, shares: Floats, *, first: int = 0) -> None:
        """One photo more, for the draws `first`, `first` + 1, …; a map without positive evidence does not count.

        maps: float (D, h, w), signed; what is negative is left out.  shares: float (S + 1, h, w), from `pool_mask`;
        the last row is not counted. `first` = 0 counts the photo.
        """
        support = maps.reshape(len(maps), -1).clip(min=0)
        total = support.sum(1, keepdims=True)
        cells = shares[:-1].reshape(len(shares) - 1, -1)
        area = cells.mean(1)
        shows = area >= self._min_area
        counts = (total > 0) & shows
        draws = slice(first, first + len(maps))
        self._share[place, draws] += np.where(counts, support @ cells.T / np.where(total > 0, total, 1), 0)
        self._area[place, draws] += np.where(counts, area, 0)
        if first == 0:
            self._photos[place] += shows

    def bands(
        self, places: Sequence[str], regions: Sequence[str], *, min_photos: int, level: float
    ) -> dict[str, dict[str, dict[str, Any]]]:
        """Place → region → lift (the mean of the draws), low and high (with `level` of them between); None for few."""
        table: dict[str, dict[str, dict[str, Any]]] = {}
        for index, key in enumerate(places):
            table[key] = {}
            for column, name in enumerate(regions):
                area = self._area[index, :, column]
                lifts = self._share[index, area > 0, column] / area[area > 0]
                few = self._photos[index, column] < max(min_photos, 1) or not len(lifts)
                table[key][name] = dict.fromkeys(("lift", "low", "high")) if few else _band(lifts, level)
        return table


def _band(lifts: Floats, level: float) -> dict[str, Any]:
    low, high = np.quantile(lifts, [(1 - level) / 2, (1 + level) / 2])
    return {"lift": round(float(lifts.mean()), 6), "low": round(float(low), 6), "high": round(float(high), 6)}
