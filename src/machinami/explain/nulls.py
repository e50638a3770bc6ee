"""Null models: lifts of maps that explain nothing, and whether a lift can be told from them."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from machinami.explain.attention import AttentionSettings, lifts_by_place
from machinami.explain.attention_row import AttentionRow
from machinami.explain.attention_sums import AttentionSums
from machinami.explain.judges import JUDGES
from machinami.explain.lift_draws import LiftDraws
from machinami.explain.other_maps import OtherMaps
from machinami.explain.spill import Spill, SpilledPhoto

__all__ = ["Nulls", "judge"]

Floats = npt.NDArray[np.float32]
Table = dict[str, dict[str, dict[str, Any]]]


class Nulls(AbstractContextManager["Nulls"]):
    """Gathers, as the photos pass, what the null models need; then gives their lifts.

    Of photos told rightly that hold evidence for their place: the same as those of the lifts. Between the passes the
    cell shares lie in a file in `folder`; the memory grows with the blocks, not with the photos.
    """

    def __init__(self, *, places: int, regions: int, draws: int, settings: AttentionSettings, folder: Path) -> None:
        self._spill = Spill(folder)
        self._others = OtherMaps(draws=draws, seed=settings.seed)
        self._blocks: dict[str, int] = {}
        self._settings = settings
        self._places, self._regions, self.draws = places, regions, draws
        self._random_head = self._lift_draws()
        self._headed = False
        self.prior = AttentionSums(settings.min_area)  # what the mean maps give in the same photos; after `tables`

    def _lift_draws(self) -> LiftDraws:
        return LiftDraws(places=self._places, draws=self.draws, regions=self._regions, min_area=self._settings.min_area)

    def add(self, place: int, block: str, own: Floats, shares: Floats, heads: Floats | None) -> None:
        """One photo more.

        own: float32 (h, w), the class-centred map of its place.  shares: float32 (S + 1, h, w), from `pool_mask`.
        heads: float32 (draws, h, w), maps of random heads on the same features, where there are any.
        """
        support = own.clip(min=0)
        total = float(support.sum())
        if total <= 0:
            return
        number = self._blocks.setdefault(block, len(self._blocks))
        self._others.add(place, number, (support / total).astype(np.float32))
        self._spill.add(SpilledPhoto(place, number, shares))
        if heads is not None:
            self._random_head.add(place, heads, shares)
            self._headed = True

    def tables(self, places: Sequence[str], regions: Sequence[str]) -> dict[str, Table]:
        """The lifts of each null model: name → place → region → lift, low, high."""
        settings = self._settings
        prior, permuted = self.prior, self._lift_draws()
        names = list(self._blocks)
        for photo in self._spill:
            mean = self._others.prior(photo.place, photo.block)
            drawn = self._others.drawn(photo.place, photo.block)
            if mean is None or drawn is None:
                continue
            prior.add(_row(photo, mean, names[photo.block]))
            permuted.add(photo.place, drawn, photo.shares)
        found = {
            "position": _ends(lifts_by_place(prior, places, regions, settings, right_only=True)),
            "permuted": self._bands(permuted, places, regions),
        }
        if self._headed:
            found["random_head"] = self._bands(self._random_head, places, regions)
        return found

    def _bands(self, draws: LiftDraws, places: Sequence[str], regions: Sequence[str]) -> Table:
        return draws.bands(places, regions, min_photos=self._settings.min_photos, level=self._settings.level)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._spill.__exit__(kind, error, trace)


def _row(photo: SpilledPhoto, mean: Floats, block: str) -> AttentionRow:
    """What the mean map of the place would give in this photo."""
    cells = photo.shares.reshape(len(photo.shares), -1)
    share = cells @ (mean / mean.sum()).ravel()
    area = cells.mean(1)
    return AttentionRow(place=photo.place, correct=True, block=block, area=area, share=share, against=None)


def _ends(table: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Table:
    return {
        key: {name: {field: entry[field] for field in ("lift", "low", "high")} for name, entry in entries.items()}
        for key, entries in table.items()
    }


def judge(
    places: Table,
    baselines: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]],
    excess: Mapping[str, Mapping[str, Mapping[str, Any]]],
) -> Table:
    """The lifts of "places" with "distinguishable" filled in, as RULE says; None stays where there is no lift.

    A lift for which a band or the interval of the excess is missing cannot be told from chance: false.
    """
    return {
        key: {
            name: {
                **entry,
                "distinguishable": _clear(entry, [baselines[null][key][name] for null in JUDGES], excess[key][name]),
            }
            for name, entry in entries.items()
        }
        for key, entries in places.items()
    }


def _clear(entry: Mapping[str, Any], bands: Sequence[Mapping[str, Any]], excess: Mapping[str, Any]) -> bool | None:
    if entry["lift"] is None:
        return None
    if excess["low"] is None or any(band["low"] is None for band in bands):
        return False
    above = excess["low"] > 0 and all(entry["lift"] > band["high"] for band in bands)
    below = excess["high"] < 0 and all(entry["lift"] < band["low"] for band in bands)
    return bool(above or below)
