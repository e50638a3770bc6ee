"""The style of a part of town: colours, heights and setbacks that neighbours have in common.

The towns have the same districts in another order: a town has too few for chance to even them out, so drawn for each
town they would tell the towns apart. They make ground that was never seen look new, and photos of the same ground look
alike.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from machinami.sources.town.chance import Dice, chances, key_of
from machinami.sources.town.faces import Colour

BLOCKS_PER_DISTRICT = 5
_BOARD = 6  # districts along each side of a town

_WALLS: tuple[tuple[Colour, ...], ...] = (
    ((0.86, 0.84, 0.80), (0.80, 0.77, 0.71), (0.91, 0.90, 0.88), (0.72, 0.70, 0.67)),
    ((0.82, 0.75, 0.63), (0.76, 0.67, 0.55), (0.88, 0.83, 0.74), (0.66, 0.56, 0.46)),
    ((0.70, 0.72, 0.74), (0.60, 0.63, 0.66), (0.82, 0.84, 0.86), (0.46, 0.48, 0.51)),
    ((0.78, 0.66, 0.58), (0.70, 0.55, 0.47), (0.86, 0.79, 0.72), (0.58, 0.46, 0.40)),
    ((0.80, 0.81, 0.74), (0.71, 0.74, 0.66), (0.89, 0.88, 0.82), (0.62, 0.60, 0.52)),
    ((0.90, 0.87, 0.79), (0.79, 0.80, 0.82), (0.68, 0.63, 0.58), (0.55, 0.51, 0.50)),
)
_ROOFS: tuple[tuple[Colour, ...], ...] = (
    ((0.28, 0.29, 0.32), (0.35, 0.35, 0.37), (0.24, 0.25, 0.28)),
    ((0.42, 0.27, 0.21), (0.36, 0.25, 0.21), (0.47, 0.33, 0.26)),
    ((0.30, 0.34, 0.40), (0.27, 0.30, 0.33), (0.38, 0.41, 0.44)),
    ((0.34, 0.31, 0.28), (0.29, 0.27, 0.25), (0.41, 0.38, 0.34)),
)
_BRICKS: tuple[tuple[Colour, ...], ...] = (
    ((0.50, 0.35, 0.29), (0.45, 0.32, 0.27), (0.54, 0.41, 0.34)),
    ((0.49, 0.39, 0.33), (0.43, 0.35, 0.31), (0.55, 0.47, 0.40)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class District:
    """What the buildings, streets and gardens of a part of town have in common."""

    walls: tuple[Colour, ...]
    roofs: tuple[Colour, ...]
    bricks: tuple[Colour, ...]
    glass: Colour
    leaf: Colour  # the green that hedges and trees here start from
    pavement: Colour
    has_wires: bool


@lru_cache(maxsize=256)
def district(style_key: int, town_key: int, across: int, along: int) -> District:
    """The district of this number, for the key that all towns have alike and a town's own."""
    style = _order(town_key)[(across % _BOARD) * _BOARD + along % _BOARD]
    dice = Dice(key_of(style_key, "district", style))
    paving = dice.between(0.50, 0.66)
    warm = dice.between(-0.02, 0.05)
    green = dice.between(-0.05, 0.05)
    return District(
        walls=dice.pick(_WALLS),
        roofs=dice.pick(_ROOFS),
        bricks=dice.pick(_BRICKS),
        glass=dice.pick(((0.30, 0.40, 0.46), (0.26, 0.33, 0.42), (0.30, 0.42, 0.42), (0.36, 0.38, 0.40))),
        leaf=(0.25 + green, 0.36 + green / 3, 0.16 - green / 2),
        pavement=(paving + warm, paving, paving - warm),
        has_wires=dice.unit() < 0.8,
    )


@lru_cache(maxsize=16)
def _order(town_key: int) -> tuple[int, ...]:
    """Which style each place on a town's board has: each style once."""
    luck = chances(key_of(town_key, "districts"), np.arange(_BOARD**2))
    return tuple(np.argsort(luck).tolist())


def district_number(block: int) -> int:
    """The number of a block's district, along one axis."""
    return block // BLOCKS_PER_DISTRICT
