"""How sure a lift is: intervals that treat a block of ground, not a photo, as one observation."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from machinami.enough import BLOCKS_FOR_BOOTSTRAP

__all__ = ["LiftInterval", "lift_interval"]

Floats = npt.NDArray[np.float64]
_CHUNK = 200  # draws made at once: bounds the memory with many blocks


class LiftInterval(NamedTuple):
    """Lower and upper end."""

    low: float
    high: float


def lift_interval(
    share: Floats, area: Floats, blocks: Sequence[str], *, draws: int, level: float, seed: int
) -> LiftInterval | None:
    """An interval for Σ share / Σ area, where blocks are the observations; None for fewer than two.

    share, area: float64 (n,), one a photo; blocks: the block of each photo. `level`: share of such intervals
    that should hold the true value. With ten blocks or more the percentile bootstrap over blocks (Efron
    1979); with fewer the t interval of a ratio of block sums (Cochran 1977, theorem 2.5, for a population
    without end).
    """
    names, index = np.unique(np.asarray(blocks, dtype=str), return_inverse=True)
    count = len(names)
    if count < 2:
        return None
    top = np.bincount(index, weights=share, minlength=count)
    bottom = np.bincount(index, weights=area, minlength=count)
    tail = (1 - level) / 2
    if count < BLOCKS_FOR_BOOTSTRAP:
        ratio = top.sum() / bottom.sum()
        error = np.sqrt(count / (count - 1) * ((top - ratio * bottom) ** 2).sum()) / bottom.sum()
        reach = float(stdtrit(count - 1, 1 - tail) * error)
        return LiftInterval(max(0.0, float(ratio) - reach), float(ratio) + reach)
    generator = np.random.default_rng(seed)
    lifts = []
    for start in range(0, draws, _CHUNK):
        times = generator.multinomial(count, np.full(count, 1 / count), size=min(_CHUNK, draws - start))
        lifts.append((times @ top) / (times @ bottom))
    low, high = np.quantile(np.concatenate(lifts), [tail, 1 - tail])
    return LiftInterval(float(low), float(high))
