"""How sure a figure is: blocks are drawn again, not photos, since the photos of a block are not independent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from scipy.stats import t as student

from machinami.enough import BLOCKS_FOR_BOOTSTRAP, BLOCKS_OF_A_PLACE
from machinami.evaluate.metrics import accuracy

__all__ = ["BlockTable", "Interval", "count_blocks", "draw_confusions", "has_few_blocks", "statistic_interval"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Statistic = Callable[[Floats], Floats]  # of confusions (..., places, places) -> (...)

_CELLS = 4_000_000  # of a table of draws x blocks, held at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure, and between which two values it lies at the level asked for (about: blocks are few).

    Both ends are None where a place has a single block: nothing tells how much another would differ.
    """

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockTable:
    """What each block contributed. A block that holds photos of two places counts as two."""

    place_of: Ints  # (blocks,)
    counts: Ints  # (blocks, places): photos of the block by predicted place

    @property
    def confusion(self) -> Floats:
        """float64 (places, places): all blocks together."""
        places = self.counts.shape[1]
        table = np.zeros((places, places))
        np.add.at(table, self.place_of, self.counts)
        return table

    def rows_of_places(self) -> list[Ints]:
        """The row numbers of each place that has blocks."""
        return [np.flatnonzero(self.place_of == place) for place in np.unique(self.place_of)]


def count_blocks(labels: Ints, predicted: Ints, blocks: Sequence[str], *, places: int) -> BlockTable:
    """The table of blocks. `labels` and `predicted`: int64 (N,); `blocks`: N names."""
    _, block_of = np.unique(np.asarray(blocks), return_inverse=True)
    keys, row_of = np.unique(block_of.reshape(-1) * places + labels, return_inverse=True)
    counts = np.zeros((len(keys), places), np.int64)
    np.add.at(counts, (row_of.reshape(-1), predicted), 1)
    return BlockTable(place_of=keys % places, counts=counts)


def statistic_interval(
    table: BlockTable, statistic: Statistic, *, draws: int, level: float, seed: int
) -> Interval | None:
    """A share (accuracy, balanced accuracy, macro-F1 …) with its interval; None where it is not defined.

    The bootstrap over blocks, or with few of them the jackknife. Never narrower than independent photos would bear
    (the score interval of Wilson 1927): where no block holds a mistake, drawing blocks again cannot show one.
    """
    confusion = table.confusion
    value = float(statistic(confusion))
    if not np.isfinite(value):
        return None
    if min(len(rows) for rows in table.rows_of_places()) < 2:
        return Interval(value=value, low=None, high=None)
    if has_few_blocks(table.place_of):
        half = _jackknife_half(table, statistic, level)
        low, high = value - half, value + half
    else:
        low, high = _percentiles(draw_confusions(table, draws=draws, seed=seed), statistic, level)
    trials = confusion.sum() if statistic is accuracy else _trials_of_mean(confusion)
    floor = _wilson(value, float(trials), level=level)
    return Interval(value=value, low=max(0.0, min(low, floor[0])), high=min(1.0, max(high, floor[1])))


def has_few_blocks(place_of: Ints) -> bool:
    """Whether blocks, by their place, are too few to be drawn again: in all, or of one place."""
    fewest = int(np.unique(place_of, return_counts=True)[1].min())
    return len(place_of) < BLOCKS_FOR_BOOTSTRAP or fewest < BLOCKS_OF_A_PLACE


def _trials_of_mean(confusion: Floats) -> float:
    """How many independent photos would tell a mean over places as surely: a place with few photos makes it unsure.

    The variance of the mean of K shares of nₖ photos is that of one share of K² / Σ 1/nₖ photos, where the shares are
    alike.
    """
    photos = confusion.sum(axis=1)
    photos = photos[photos > 0]
    return float(len(photos) ** 2 / (1 / photos).sum())


def draw_confusions(table: BlockTable, *, draws: int, seed: int) -> Floats:
    """float64 (draws, places, places): confusions of blocks drawn with replacement within each place."""
    places = table.counts.shape[1]
    drawn = np.zeros((draws, places, places))
    rng = np.random.default_rng(seed)
    for rows in table.rows_of_places():
        drawn[:, table.place_of[rows[0]]] = _draw_sums(table.counts[rows].astype(float), draws=draws, rng=rng)
    return drawn


def _draw_sums(values: Floats, *, draws: int, rng: np.random.Generator) -> Floats:
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


def _jackknife_half(table: BlockTable, statistic: Statistic, level: float) -> float:
    """Half the width of the t interval whose standard error is that of the stratified jackknife.

    One block after the other is left out, and the squared deviations are summed within each place (Rust &
    Rao 1996): the variance of any smooth statistic. The degrees of freedom are Satterthwaite's (1946).
    For balanced accuracy of blocks of one size this is the interval of Welch (1947).
    """
    variances, degrees = [], []
    for rows in table.rows_of_places():
        blocks = len(rows)
        without = np.repeat(table.confusion[None], blocks, axis=0)
        without[:, table.place_of[rows[0]]] -= table.counts[rows]
        values = statistic(without)
        variances.append((blocks - 1) / blocks * ((values - values.mean()) ** 2).sum())
        degrees.append(blocks - 1)
    variance = float(np.sum(variances))
    if variance == 0:
        return 0.0
    freedom = variance**2 / np.sum(np.square(variances) / degrees)
    return float(student.ppf((1 + level) / 2, freedom) * np.sqrt(variance))


def _wilson(share: float, trials: float, *, level: float) -> tuple[float, float]:
    """The score interval of a share of so many independent trials (Wilson 1927)."""
    z = float(ndtri((1 + level) / 2))
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return float(middle - half), float(middle + half)
