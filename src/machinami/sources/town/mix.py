"""What stands on a plot: the kinds, and how often each town has them.

Every block of a town has one flavour. Most blocks have the town's own; `common_part` of them draw theirs from
the flavours of all towns asked for and the neutral one, alike in every town. So at difficulty 1 the towns have
the same distribution of everything.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from machinami.sources.town.regions import Region
from machinami.sources.town.settings import TownSettings


class Kind(IntEnum):
    """What a plot is used for."""

    HOUSE = 0
    APARTMENT = 1
    OFFICE = 2
    SHOP = 3  # a plain building with one shop window
    CAR_PARK = 4
    HEDGED = 5  # a house behind hedges and garden trees
    WALLED = 6  # a house behind a garden wall
    FIELD = 7
    GROVE = 8
    HIGH_RISE = 9
    GLASS_FRONT = 10  # a lower building, glazed all over
    BRICK_SHOP = 11  # brick, with shopfronts along the whole ground floor
    CANAL = 12


NEUTRAL: dict[Kind, float] = {
    Kind.HOUSE: 0.30,
    Kind.APARTMENT: 0.24,
    Kind.OFFICE: 0.14,
    Kind.SHOP: 0.08,
    Kind.CAR_PARK: 0.10,
    Kind.HEDGED: 0.08,
    Kind.WALLED: 0.06,
}

# The evidence of each town, when a plot shows it. Car parks are as frequent as in NEUTRAL, so cars are too.
EVIDENCE: dict[str, dict[Kind, float]] = {
    "a": {Kind.HEDGED: 0.36, Kind.FIELD: 0.26, Kind.GROVE: 0.28, Kind.CAR_PARK: 0.10},
    "b": {Kind.HIGH_RISE: 0.11, Kind.GLASS_FRONT: 0.79, Kind.CAR_PARK: 0.10},
    "c": {Kind.BRICK_SHOP: 0.90, Kind.CAR_PARK: 0.10},
    "d": {Kind.WALLED: 0.90, Kind.CAR_PARK: 0.10},
    "e": {Kind.CANAL: 0.52, Kind.APARTMENT: 0.20, Kind.OFFICE: 0.18, Kind.CAR_PARK: 0.10},
    "f": {Kind.BRICK_SHOP: 0.52, Kind.HEDGED: 0.18, Kind.GROVE: 0.20, Kind.CAR_PARK: 0.10},
}

# The regions that a town has more of than a town of the neutral flavour.
EVIDENCE_REGIONS: dict[str, frozenset[Region]] = {
    "a": frozenset({Region.VEGETATION, Region.FIELD}),
    "b": frozenset({Region.GLASS}),
    "c": frozenset({Region.SHOPFRONT}),
    "d": frozenset({Region.WALL}),
    "e": frozenset({Region.WATER}),
    "f": frozenset({Region.SHOPFRONT, Region.VEGETATION}),
}

# Street trees for each metre of pavement edge: a few everywhere, more where they are evidence.
STREET_TREE_CHANCE: dict[str, float] = {"a": 0.62, "f": 0.50}
NEUTRAL_STREET_TREE_CHANCE = 0.07


def common_part(difficulty: float) -> float:
    """Part of the blocks whose flavour does not depend on the town: 0 at difficulty 0, 1 at difficulty 1.

    d² / (d² + 3 (1 - d)²) is bent so that a linear probe on frozen features is right for about 19 in 20 photos
    at 0.3 and for about 6 in 7 at 0.5.
    """
    return difficulty**2 / (difficulty**2 + 3.0 * (1.0 - difficulty) ** 2)


def kind_shares(flavour: str, difficulty: float) -> npt.NDArray[np.float64]:
    """Probability of each Kind on a plot in a block of this flavour ("neutral" or a town): float64 (kinds,)."""
    shares = np.zeros(len(Kind))
    strength = 0.0 if flavour == "neutral" else 0.95 - 0.3 * difficulty
    for kind, share in NEUTRAL.items():
        shares[kind] += (1.0 - strength) * share
    for kind, share in EVIDENCE.get(flavour, {}).items():
        shares[kind] += strength * share
    return shares


def flavour_names(settings: TownSettings) -> tuple[str, ...]:
    """The flavours that blocks can have, the towns' in the order of the settings, the neutral one last."""
    return (*settings.towns, "neutral")


def flavour_shares(settings: TownSettings, town: str) -> npt.NDArray[np.float64]:
    """Probability of each of `flavour_names` for a block of this town: float64 (flavours,)."""
    names = flavour_names(settings)
    common = common_part(settings.difficulty)
    shares = np.full(len(names), common / len(names))
    shares[names.index(town)] += 1.0 - common
    return shares
