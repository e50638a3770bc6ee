"""The map of a made town: its streets, the plots between them, and where it lies on the globe.

A town is a square of 3 km. Two families of parallel streets cut it; their edges and those of the plots
between them make one grid of unequal steps, so each cell is a piece of road, of pavement, or a plot.
Coordinates on the ground are east and north in metres from the town's south-west corner, before the town
is turned by a few degrees as a whole.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from machinami.sources.town.chance import Dice, key_of
from machinami.sources.town.settings import TOWN_KEYS

TOWN_SIZE_M = 3000.0
EARTH_RADIUS_M = 6_371_009.0
PLOT, PAVEMENT, ROAD = 0, 1, 2

_STREET_PITCH_M = 108.0
_SOUTH_WEST = (36.020, 139.560)  # of the first town; the others lie on a grid of 6.5 km
_TOWN_PITCH_M = 6500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Streets:
    """One family of parallel streets, as cuts along the axis across them.

    `edges_m` float64 (n + 1,) bounds n strips; `role` int64 (n,) is PLOT, PAVEMENT or ROAD; `block`
    int64 (n,) counts the blocks (PLOT) or the streets (PAVEMENT, ROAD). Street k runs along
    `centre_m[k]`, its road reaches `half_road_m[k]` to both sides, its pavement `pavement_m[k]` beyond.
    """

    edges_m: npt.NDArray[np.float64]
    role: npt.NDArray[np.int64]
    block: npt.NDArray[np.int64]
    centre_m: npt.NDArray[np.float64]
    half_road_m: npt.NDArray[np.float64]
    pavement_m: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TownPlan:
    """Streets that run north (cut along east) and east (cut along north), and the town's turn."""

    key: int
    style_key: int  # of what all towns of a seed have alike
    across_east: Streets
    across_north: Streets
    turn_deg: float  # clockwise
    south_west: tuple[float, float]  # lat, lon

    def to_lat_lon(self, east_m: float, north_m: float) -> tuple[float, float]:
        """Latitude and longitude of a point of the plan (small-angle plane on the sphere)."""
        turn = math.radians(self.turn_deg)
        middle = TOWN_SIZE_M / 2
        x, y = east_m - middle, north_m - middle
        east = middle + x * math.cos(turn) + y * math.sin(turn)
        north = middle - x * math.sin(turn) + y * math.cos(turn)
        lat0, lon0 = self.south_west
        lat = lat0 + math.degrees(north / EARTH_RADIUS_M)
        return lat, lon0 + math.degrees(east / (EARTH_RADIUS_M * math.cos(math.radians(lat0))))

    def outline(self) -> list[tuple[float, float]]:
        """The corners of the town as (lat, lon), counter-clockwise from the south-west, not closed."""
        size = TOWN_SIZE_M
        return [self.to_lat_lon(*corner) for corner in ((0.0, 0.0), (size, 0.0), (size, size), (0.0, size))]


def _lay_streets(dice: Dice) -> Streets:
    centres: list[float] = []
    at = dice.between(25.0, 60.0)
    while at < TOWN_SIZE_M - 25.0:
        centres.append(at)
        at += _STREET_PITCH_M * dice.between(0.82, 1.18)
    edges: list[float] = [0.0]
    role: list[int] = []
    block: list[int] = []
    halves: list[float] = []
    pavements: list[float] = []
    for k, centre in enumerate(centres):
        half, pavement = dice.pick(((2.7, 1.2), (3.1, 1.7), (3.1, 2.0), (3.4, 2.2), (5.2, 3.0)))
        halves.append(half)
        pavements.append(pavement)
        _lay_plots(dice, edges, role, block, (centre - half - pavement, k))
        for width, kind in ((pavement, PAVEMENT), (2 * half, ROAD), (pavement, PAVEMENT)):
            edges.append(edges[-1] + width)
            role.append(kind)
            block.append(k)
    _lay_plots(dice, edges, role, block, (TOWN_SIZE_M, len(centres)))
    return Streets(
        edges_m=np.array(edges),
        role=np.array(role, np.int64),
        block=np.array(block, np.int64),
        centre_m=np.array(centres),
        half_road_m=np.array(halves),
        pavement_m=np.array(pavements),
    )


def _lay_plots(dice: Dice, edges: list[float], role: list[int], block: list[int], upto: tuple[float, int]) -> None:
    """Cut the ground from the last edge up to `upto` (metres, block number) into plots of 10 to 18 m."""
    start, (end, number) = edges[-1], upto
    count = max(1, round((end - start) / dice.between(12.0, 16.0)))
    weights = [dice.between(0.8, 1.2) for _ in range(count)]
    for width in weights:
        edges.append(edges[-1] + (end - start) * width / sum(weights))
        role.append(PLOT)
        block.append(number)
    edges[-1] = end


@lru_cache(maxsize=16)
def town_plan(seed: int, town: str) -> TownPlan:
    """The plan of a town: the same for the same seed and name."""
    key = key_of(seed, "plan", town)
    dice = Dice(key)
    place = TOWN_KEYS.index(town)
    lat0, lon0 = _SOUTH_WEST
    lat = lat0 + math.degrees((place // 3) * _TOWN_PITCH_M / EARTH_RADIUS_M)
    lon = lon0 + math.degrees((place % 3) * _TOWN_PITCH_M / (EARTH_RADIUS_M * math.cos(math.radians(lat0))))
    return TownPlan(
        key=key,
        style_key=key_of(seed, "style"),
        across_east=_lay_streets(dice),
        across_north=_lay_streets(dice),
        turn_deg=dice.between(-20.0, 20.0),
        south_west=(lat, lon),
    )
