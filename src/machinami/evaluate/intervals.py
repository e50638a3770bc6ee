"""How sure a figure is: blocks are drawn again, not photos, since the photos of a block are not independent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from scipy.stats import t as student

__all__ = [
    "FEW_BLOCKS",
    "BlockTable",
    "Interval",
    "count_blocks",
    "difference_interval",
    "draw_confusions",
    "draw_sums",
    "statistic_interval",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Statistic = Callable[[Floats], Floats]  # of confusions (..., places, places) -> (...)

FEW_BLOCKS = 10  # below this the bootstrap has too few different draws; a t interval over block means serves
_CELLS = 4_000_000  # of a table of draws x blocks, held at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure, and between which two values it lies at the level asked for (about: blocks are few)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockTable:
    """What each block contributed. A block that holds photos of two places counts as two."""

    place_of: Ints  # (blocks,)
    counts: Ints  # (blocks, models, places): photos of the block by predicted place, for each of the models

    @property
    def confusions(self) -> Ints:
        """int64 (models, places, places): all blocks together."""
        places = self.counts.shape[2]
        table = np.zeros((places, *self.counts.shape[1:]), np.int64)
        np.add.at(table, self.place_of, self.counts)
        return table.transpose(1, 0, 2)

    @property
    def means(self) -> Floats:
        """float64 (blocks, models): the share of each block's photos that is right."""
        right = np.take_along_axis(self.counts, self.place_of[:, None, None], axis=2)[:, :, 0]
        return np.asarray(right / self.counts.sum(axis=2))


def count_blocks(labels: Ints, predicted: Sequence[Ints], blocks: Sequence[str], *, places: int) -> BlockTable:
    """The table of blocks for one model or for several on the same photos.

    `labels` and each of `predicted`: int64 (N,); `blocks`: N names.
    """
    _, block_of = np.unique(np.asarray(blocks), return_inverse=True)
    keys, row_of = np.unique(block_of.reshape(-1) * places + labels, return_inverse=True)
    counts = np.zeros((len(keys), len(predicted), places), np.int64)
    for model, guesses in enumerate(predicted):
        np.add.at(counts[:, model], (row_of.reshape(-1), guesses), 1)
    return BlockTable(place_of=keys % places, counts=counts)


def statistic_interval(
    table: BlockTable, statistic: Statistic, *, draws: int, level: float, seed: int
) -> Interval | None:
    """A share (accuracy, balanced accuracy, macro-F1 …) of the first model; None where it is not defined.

    Never narrower than independent photos would bear (the score interval of Wilson 1927): where no block
    holds a mistake, drawing blocks again cannot show one.
    """
    confusion = table.confusions[0].astype(float)
    value = float(statistic(confusion))
    if not np.isfinite(value):
        return None
    if len(table.place_of) < FEW_BLOCKS:
        low, high = _t_bounds(value, table.means[:, 0], level=level, widest=(0.0, 1.0))
    else:
        low, high = _percentiles(draw_confusions(table, draws=draws, seed=seed)[:, 0], statistic, level)
    floor = _wilson(value, float(confusion.sum()), level=level)
    return Interval(value=value, low=max(0.0, min(low, floor[0])), high=min(1.0, max(high, floor[1])))


def difference_interval(
    table: BlockTable, statistic: Statistic, *, draws: int, level: float, seed: int
) -> Interval | None:
    """How much the table's second model is above its first, paired: both are judged on the same drawn blocks."""
    first, second = table.confusions.astype(float)
    value = float(statistic(second) - statistic(first))
    if not np.isfinite(value):
        return None
    if len(table.place_of) < FEW_BLOCKS:
        gains = table.means[:, 1] - table.means[:, 0]
        low, high = _t_bounds(value, gains, level=level, widest=(-1.0, 1.0))
    else:
        drawn = draw_confusions(table, draws=draws, seed=seed)
        low, high = _percentiles(drawn, lambda both: statistic(both[:, 1]) - statistic(both[:, 0]), level)
    return Interval(value=value, low=low, high=high)


def draw_confusions(table: BlockTable, *, draws: int, seed: int) -> Floats:
    """float64 (draws, models, places, places): confusions of blocks drawn with replacement within each place."""
    _, models, places = table.counts.shape
    drawn = np.zeros((draws, models, places, places))
    rng = np.random.default_rng(seed)
    for place in range(places):
        counts = table.counts[table.place_of == place].astype(float)
        if len(counts):
            sums = draw_sums(counts.reshape(len(counts), -1), draws=draws, rng=rng)
            drawn[:, :, place] = sums.reshape(draws, models, places)
    return drawn


def draw_sums(values: Floats, *, draws: int, rng: np.random.Generator) -> Floats:
    """float64 (draws, d): column sums of as many blocks as there are, drawn with replacement.

    `values`: float64 (blocks, d), what each block contributes.
    """
    blocks = len(values)
    sums = np.empty((draws, values.shape[1]))
    step = max(1, _CELLS // blocks)
    for start in range(0, draws, step):
        count = min(step, draws - start)
        picks = rng.integers(blocks, size=(count, blocks)) + np.arange(count)[:, None] * blocks
        times = np.bincount(picks.reshape(-1), minlength=count * blocks).reshape(count, blocks)
        sums[start : start + count] = times @ values
    return sums


def _percentiles(drawn: Floats, statistic: Statistic, level: float) -> tuple[float, float]:
    """The middle `level` of a statistic over the draws."""
    values = statistic(drawn)
    low, high = np.percentile(values[np.isfinite(values)], [50 * (1 - level), 50 * (1 + level)])
    return float(low), float(high)


def _t_bounds(value: float, means: Floats, *, level: float, widest: tuple[float, float]) -> tuple[float, float]:
    """`value` ± Student's t times the standard error of the block means; `widest` for a single block."""
    if len(means) < 2:
        return widest
    half = student.ppf((1 + level) / 2, len(means) - 1) * means.std(ddof=1) / np.sqrt(len(means))
    return max(widest[0], float(value - half)), min(widest[1], float(value + half))


def _wilson(share: float, trials: float, *, level: float) -> tuple[float, float]:
    """The score interval of a share of so many independent trials (Wilson 1927)."""
    z = float(ndtri((1 + level) / 2))
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return float(middle - half), float(middle + half)
