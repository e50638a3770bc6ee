"""How sure a lift or an effect is: intervals that treat a block of ground, not a photo, as one observation."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from machinami.enough import BLOCKS_FOR_BOOTSTRAP

__all__ = ["LiftInterval", "lift_interval", "ratio_interval"]

Floats = npt.NDArray[np.float64]
_CHUNK = 200  # draws made at once: bounds the memory with many blocks


class LiftInterval(NamedTuple):
    """Lower and upper end."""

    low: float
    high: float


def lift_interval(
    share: Floats, area: Floats, blocks: Sequence[str], *, draws: int, level: float, seed: int
) -> LiftInterval | None:
    """An interval for Σ share / Σ area, which is never negative; otherwise as `ratio_interval`."""
    found = ratio_interval(share, area, blocks, draws=draws, level=level, seed=seed)
    return None if found is None else LiftInterval(max(0.0, found.low), found.high)


def ratio_interval(
    top: Floats, bottom: Floats, blocks: Sequence[str], *, draws: int, level: float, seed: int
) -> LiftInterval | None:
    """An interval for Σ top / Σ bottom, where blocks are the observations; None for fewer than two.

    top, bottom: float64 (n,), one a photo, or sums over photos of one block; blocks: the block of each. `level`:
    share of such intervals that should hold the true value. With ten blocks or more the percentile bootstrap
    over blocks (Efron 1979); with fewer the t interval of a ratio of block sums (Cochran 1977, theorem 2.5, for a
    population without end).
    """
    names, index = np.unique(np.asarray(blocks, dtype=str), return_inverse=True)
    count = len(names)
    if count < 2:
        return None
    top = np.bincount(index, weights=top, minlength=count).astype(float)
    bottom = np.bincount(index, weights=bottom, minlength=count).astype(float)
    tail = (1 - level) / 2
    if count < BLOCKS_FOR_BOOTSTRAP:
        ratio = float(top.sum() / bottom.sum())
        error = np.sqrt(count / (count - 1) * ((top - ratio * bottom) ** 2).sum()) / bottom.sum()
        reach = float(stdtrit(count - 1, 1 - tail) * error)
        return LiftInterval(ratio - reach, ratio + reach)
    generator = np.random.default_rng(seed)
    ratios = []
    for start in range(0, draws, _CHUNK):
        times = generator.multinomial(count, np.full(count, 1 / count), size=min(_CHUNK, draws - start))
        ratios.append((times @ top) / (times @ bottom))
    low, high = np.quantile(np.concatenate(ratios), [tail, 1 - tail])
    return LiftInterval(float(low), float(high))
