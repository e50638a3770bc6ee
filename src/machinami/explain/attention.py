"""Attention share and lift: how much of the evidence for a place falls on a region, beside its area."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from machinami.explain.attention_row import AttentionRow
from machinami.explain.attention_sums import AttentionSums, BlockSums
from machinami.explain.lift_interval import lift_interval

__all__ = ["AttentionSettings", "attention_table", "lifts_by_place", "table_of_sums"]

FIELDS = ("share", "area_share", "lift", "low", "high", "against")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionSettings:
    """When a region counts, and how its interval is drawn."""

    min_area: float = 0.005
    min_photos: int = 10
    draws: int = 2000
    level: float = 0.95
    seed: int = 0


def attention_table(
    rows: Iterable[AttentionRow], *, places: Sequence[str], regions: Sequence[str], settings: AttentionSettings
) -> dict[str, Any]:
    """What attention.json says about regions, from photos: see `table_of_sums`."""
    sums = AttentionSums(settings.min_area)
    for row in rows:
        sums.add(row)
    return table_of_sums(sums, places=places, regions=regions, settings=settings)


def table_of_sums(
    sums: AttentionSums, *, places: Sequence[str], regions: Sequence[str], settings: AttentionSettings
) -> dict[str, Any]:
    """What attention.json says about regions: "places" (photos told rightly), "all_photos", and counts.

    share and area_share are means over a place's photos that show the region on `min_area` of their area or
    more; lift = Σ share / Σ area over the same photos (1: as much as its area), low and high its interval
    over blocks. A region seen in fewer than `min_photos` photos has None for all but "photos". "lift_blocks" says
    how many blocks each lift of "places" rests on.
    """
    return {
        "regions": list(regions),
        "places": lifts_by_place(sums, places, regions, settings, right_only=True),
        "all_photos": lifts_by_place(sums, places, regions, settings, right_only=False),
        "lift_blocks": _blocks_of_lifts(sums, places, regions),
        "baselines": {},
        "no_positive_evidence": {
            key: sum(block.silent for _, block in sums.of(index, right_only=False)) for index, key in enumerate(places)
        },
        "photos": sums.photos,
        "blocks": len(sums.names),
    }


def lifts_by_place(
    sums: AttentionSums,
    places: Sequence[str],
    regions: Sequence[str],
    settings: AttentionSettings,
    *,
    right_only: bool,
) -> dict[str, dict[str, dict[str, Any]]]:
    """Place → region → the fields of one lift."""
    table: dict[str, dict[str, dict[str, Any]]] = {}
    for index, key in enumerate(places):
        blocks = sums.of(index, right_only=right_only)
        table[key] = {name: _entry(blocks, column, settings) for column, name in enumerate(regions)}
    return table


def _blocks_of_lifts(sums: AttentionSums, places: Sequence[str], regions: Sequence[str]) -> dict[str, dict[str, int]]:
    """How many blocks the lift of each place and region rests on."""
    return {
        key: {
            name: sum(bool(block.shown[column]) for _, block in sums.of(index, right_only=True))
            for column, name in enumerate(regions)
        }
        for index, key in enumerate(places)
    }


def _entry(blocks: Sequence[tuple[str, BlockSums]], column: int, settings: AttentionSettings) -> dict[str, Any]:
    """One region of one place, from the blocks that show it."""
    seen = [(name, block) for name, block in blocks if block.shown[column]]
    photos = sum(int(block.shown[column]) for _, block in seen)
    empty = {**dict.fromkeys(FIELDS), "photos": photos, "distinguishable": None}
    share = np.array([block.share[column] for _, block in seen], float)
    area = np.array([block.area[column] for _, block in seen], float)
    if photos < max(settings.min_photos, 1) or area.sum() <= 0:
        return empty
    opposed = sum(int(block.opposed[column]) for _, block in seen)
    interval = lift_interval(
        share,
        area,
        [name for name, _ in seen],
        draws=settings.draws,
        level=settings.level,
        seed=settings.seed,
    )
    return {
        "share": _rounded(share.sum() / photos),
        "area_share": _rounded(area.sum() / photos),
        "lift": _rounded(share.sum() / area.sum()),
        "low": None if interval is None else _rounded(interval.low),
        "high": None if interval is None else _rounded(interval.high),
        "against": _rounded(sum(block.against[column] for _, block in seen) / opposed) if opposed else None,
        "photos": photos,
        "distinguishable": None,
    }


def _rounded(value: float | np.floating[Any]) -> float:
    return round(float(value), 6)
