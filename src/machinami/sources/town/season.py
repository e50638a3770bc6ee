"""What the time of year does to plants."""

import math
from dataclasses import dataclass
from datetime import datetime

from machinami.sources.town.faces import Colour


@dataclass(frozen=True, slots=True)
class Season:
    """How plants look at a time of year."""

    leaf_tint: Colour  # what leaves turn towards …
    leaf_turned: float  # … and how far, 0 … 1
    leaf_cover: float  # part of a deciduous crown that is there
    field_growth: float  # 0: bare soil, 1: full crop
    field_ripe: float  # 0: green, 1: straw


def season_of(captured_at: datetime) -> Season:
    """The season at a date, for 36° north: leaves out in April, turned in November, gone by January."""
    day = captured_at.timetuple().tm_yday
    autumn = math.exp(-(((day - 325) / 26.0) ** 2))
    winter = math.exp(-((((day + 182) % 365 - 182 - 32) / 42.0) ** 2))
    spring = math.exp(-(((day - 115) / 24.0) ** 2))
    tint: Colour = (0.52, 0.34, 0.12) if autumn > spring else (0.42, 0.55, 0.22)
    growth = max(0.0, math.sin(math.pi * min(max((day - 100) / 220.0, 0.0), 1.0)))
    ripe = math.exp(-(((day - 275) / 28.0) ** 2))
    return Season(tint, max(autumn * 0.75, spring * 0.5), 1.0 - 0.65 * winter, growth, ripe)
