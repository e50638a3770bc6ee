"""Attention share and lift: how much of the evidence for a place falls on a region, beside its area."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from machinami.explain.centre import centred
from machinami.explain.lift_interval import lift_interval

__all__ = ["AttentionRow", "AttentionSettings", "attention_row", "attention_table", "evidence"]

Floats = npt.NDArray[np.float32]
FIELDS = ("share", "area_share", "lift", "low", "high", "against")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AttentionRow:
    """One photo: where the evidence for its true place lies."""

    place: int  # index of the true place
    correct: bool  # whether that place got the highest score
    block: str
    area: Floats  # (S + 1,): share of the photo's area that is each region; the last is everything unlabelled
    share: Floats | None  # (S + 1,): share of the positive evidence; None where there is none
    against: Floats | None  # (S + 1,): share of the negative evidence; None where there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionSettings:
    """When a region counts, and how its interval is drawn."""

    min_area: float = 0.005
    min_photos: int = 10
    draws: int = 2000
    level: float = 0.95
    seed: int = 0


def evidence(maps: Floats, shares: Floats) -> Floats:
    """What each region adds to each place's score: float32 (K, S), in the unit of the maps.

    maps: float32 (K, h, w), logit units.  shares: float32 (S, h, w), from `pool_mask`; over all its regions
    the evidence sums to the map's sum, logit − bias.
    """
    return maps.reshape(len(maps), -1) @ shares.reshape(len(shares), -1).T


def attention_row(maps: Floats, shares: Floats, *, place: int, correct: bool, block: str) -> AttentionRow:
    """Shares of support and opposition in one photo.

    maps: float32 (K, h, w), raw, of all places.  shares: float32 (S + 1, h, w), from `pool_mask`.
    The class-centred map of the true place is parted by sign on its own cells, before any resizing.
    """
    own = centred(maps)[place]
    support, opposition = evidence(np.stack([own.clip(min=0), (-own).clip(min=0)]), shares)
    return AttentionRow(
        place=place,
        correct=correct,
        block=block,
        area=shares.mean((1, 2)),
        share=_normalised(support, own.clip(min=0).sum()),
        against=_normalised(opposition, (-own).clip(min=0).sum()),
    )


def _normalised(amounts: Floats, total: np.float32) -> Floats | None:
    return amounts / total if total > 0 else None


def attention_table(
    rows: Sequence[AttentionRow],
    *,
    places: Sequence[str],
    regions: Sequence[str],
    settings: AttentionSettings,
) -> dict[str, Any]:
    """What attention.json says about regions: "places" (photos told rightly), "all_photos", and counts.

    share and area_share are means over a place's photos that show the region on `min_area` of their area or
    more; lift = Σ share / Σ area over the same photos (1: as much as its area), low and high its interval
    over blocks. A region seen in fewer than `min_photos` photos has None for all but "photos". "lift_blocks" says
    how many blocks each lift of "places" rests on.
    """
    right = [row for row in rows if row.correct]
    return {
        "regions": list(regions),
        "places": _by_place(right, places, regions, settings),
        "all_photos": _by_place(rows, places, regions, settings),
        "lift_blocks": _blocks_of_lifts(right, places, regions, settings),
        "baselines": {},
        "no_positive_evidence": {
            key: sum(row.place == index and row.share is None for row in rows) for index, key in enumerate(places)
        },
        "photos": len(rows),
        "blocks": len({row.block for row in rows}),
    }


def _by_place(
    rows: Sequence[AttentionRow], places: Sequence[str], regions: Sequence[str], settings: AttentionSettings
) -> dict[str, dict[str, dict[str, Any]]]:
    table: dict[str, dict[str, dict[str, Any]]] = {}
    for index, key in enumerate(places):
        table[key] = {
            name: _entry(_showing(rows, index, column, settings), column, settings)
            for column, name in enumerate(regions)
        }
    return table


def _showing(
    rows: Sequence[AttentionRow], place: int, column: int, settings: AttentionSettings
) -> Sequence[AttentionRow]:
    """The photos of a place that hold evidence for it and show the region."""
    return [
        row for row in rows if row.place == place and row.share is not None and row.area[column] >= settings.min_area
    ]


def _blocks_of_lifts(
    rows: Sequence[AttentionRow], places: Sequence[str], regions: Sequence[str], settings: AttentionSettings
) -> dict[str, dict[str, int]]:
    """How many blocks the lift of each place and region rests on."""
    return {
        key: {
            name: len({row.block for row in _showing(rows, index, column, settings)})
            for column, name in enumerate(regions)
        }
        for index, key in enumerate(places)
    }


def _entry(rows: Sequence[AttentionRow], column: int, settings: AttentionSettings) -> dict[str, Any]:
    """One region of one place, from the photos that show it."""
    empty = {**dict.fromkeys(FIELDS), "photos": len(rows), "distinguishable": None}
    if len(rows) < max(settings.min_photos, 1):
        return empty
    share = np.array([row.share[column] for row in rows if row.share is not None], float)
    area = np.array([row.area[column] for row in rows], float)
    if area.sum() <= 0:
        return empty
    against = [row.against[column] for row in rows if row.against is not None]
    interval = lift_interval(
        share,
        area,
        [row.block for row in rows],
        draws=settings.draws,
        level=settings.level,
        seed=settings.seed,
    )
    return {
        "share": _rounded(share.mean()),
        "area_share": _rounded(area.mean()),
        "lift": _rounded(share.sum() / area.sum()),
        "low": None if interval is None else _rounded(interval.low),
        "high": None if interval is None else _rounded(interval.high),
        "against": _rounded(np.mean(against)) if against else None,
        "photos": len(rows),
        "distinguishable": None,
    }


def _rounded(value: float | np.floating[Any]) -> float:
    return round(float(value), 6)
