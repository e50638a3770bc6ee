"""What guessing would give, and the one rule by which a figure counts as above it."""

import math
from collections.abc import Sequence

from machinami.report.facts import Figure

__all__ = ["beats_guessing", "spread_of_guesses", "spread_of_mean"]

Z95 = 1.959964  # two-sided 95 % of the normal distribution


def beats_guessing(figure: Figure, chance: float, spread: float) -> bool:
    """Whether the figure's interval lies above chance; without one, whether it is beyond what guesses stay within.

    `spread`: of guesses on as many photos. It does not count where there is an interval, which holds the chance of the
    draw already, and that of the blocks with it.
    """
    if figure.value is None:
        return False
    return figure.value > chance + spread if figure.low is None else figure.low > chance


def spread_of_guesses(chance: float, photos: int) -> float:
    """Half the width that 95 % of guesses at random stay within (normal approximation of the binomial)."""
    return Z95 * math.sqrt(chance * (1 - chance) / photos) if photos else 1.0


def spread_of_mean(chance: float, photos: Sequence[int]) -> float:
    """The same for the mean over places of such shares."""
    if not all(photos):
        return 1.0
    variance = sum(chance * (1 - chance) / n for n in photos) / len(photos) ** 2
    return Z95 * math.sqrt(variance)
