"""What scores lose when regions are blanked out, summed by block, and the effects with their intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from machinami.explain.attention import AttentionSettings
from machinami.explain.lift_interval import ratio_interval

__all__ = ["EffectSums", "Losses"]

FIELDS = ("value", "low", "high", "loss", "control", "per_area", "flips", "control_flips")


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """One region of one photo under one filling: logits lost, and whether another place won."""

    loss: float
    control: float
    flipped: bool
    control_flipped: bool

    def row(self) -> npt.NDArray[np.float64]:
        """As a row of the sums."""
        return np.array([1, self.loss, self.control, self.flipped, self.control_flipped], float)


@dataclass(slots=True)
class EffectSums:
    """By place, region and block: (fillings, 5) sums of Losses, and the area of the region."""

    fillings: tuple[str, ...]
    _sums: dict[tuple[int, int], dict[str, npt.NDArray[np.float64]]] = field(default_factory=dict)
    _area: dict[tuple[int, int], dict[str, float]] = field(default_factory=dict)

    def add(self, place: int, region: int, block: str, area: float, losses: Mapping[str, Losses]) -> None:
        """One region of one photo more."""
        rows = np.stack([losses[name].row() for name in self.fillings])
        of_block = self._sums.setdefault((place, region), {})
        of_block[block] = of_block.get(block, 0) + rows
        areas = self._area.setdefault((place, region), {})
        areas[block] = areas.get(block, 0.0) + area

    def entry(self, place: int, region: int, settings: AttentionSettings) -> dict[str, Any]:
        """What knockout.json says of a region; None for the numbers where it was blanked out in too few photos."""
        sums = self._sums.get((place, region), {})
        areas = self._area.get((place, region), {})
        photos = round(sum(rows[0, 0] for rows in sums.values()))
        if photos < max(settings.min_photos, 1):
            effect: dict[str, dict[str, float | None]] = {name: dict.fromkeys(FIELDS) for name in self.fillings}
            return {"effect": effect, "area_share": None, "photos": photos, "blocks": len(sums)}
        blocks = sorted(sums)
        stacked, area = np.stack([sums[name] for name in blocks]), sum(areas.values())
        effects = {
            name: _effect(stacked[:, number], blocks, area, settings) for number, name in enumerate(self.fillings)
        }
        return {"effect": effects, "area_share": round(area / photos, 6), "photos": photos, "blocks": len(blocks)}


def _effect(
    rows: npt.NDArray[np.float64], blocks: Sequence[str], area: float, settings: AttentionSettings
) -> dict[str, float | None]:
    """One filling, from the sums of the blocks (B, 5): means over photos."""
    photos, loss, control, flips, control_flips = rows.sum(0)
    interval = ratio_interval(
        rows[:, 1] - rows[:, 2], rows[:, 0], blocks, draws=settings.draws, level=settings.level, seed=settings.seed
    )
    numbers = {
        "value": (loss - control) / photos,
        "low": None if interval is None else interval.low,
        "high": None if interval is None else interval.high,
        "loss": loss / photos,
        "control": control / photos,
        "per_area": (loss - control) / area,
        "flips": flips / photos,
        "control_flips": control_flips / photos,
    }
    return {name: None if value is None else round(float(value), 6) for name, value in numbers.items()}
