"""The difference between two sets of answers to the same photos, with the blocks drawn again for both at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from scipy.stats import t as student

from machinami.evaluate.intervals import Interval, count_blocks, has_few_blocks

__all__ = ["Answers", "difference_interval"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_CELLS = 4_000_000  # of a table of draws x blocks, held at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Two answers to each photo. Rows belong together across the fields."""

    labels: Ints  # (N,), the true place
    first: Ints  # (N,), the place that was predicted
    second: Ints  # (N,)
    blocks: Sequence[str]  # N names
    places: int


def difference_interval(answers: Answers, *, balanced: bool, draws: int, level: float, seed: int) -> Interval | None:
    """How much the second's accuracy (or balanced accuracy) exceeds the first's; None without photos.

    The paired bootstrap (Koehn 2004, section 4) over blocks: they are drawn with replacement within each place, and
    both are scored on the same draw (for blocks in place of sentences, Efron & Tibshirani 1993, chapter 8). With few
    blocks Student's t with the error of the stratified jackknife (Rust & Rao 1996) serves, as for single figures.
    Never narrower than independent photos would bear (Agresti & Min 2005): where no block holds two answers that
    differ, drawing blocks again cannot show any. No interval where a place has a single block.
    """
    if not len(answers.labels):
        return None
    table = _Table.of(answers)
    value = float(table.difference(np.ones((1, len(table.photos))), balanced=balanced)[0])
    per_place = [rows for _, rows in table.rows_of_places()]
    if min(len(rows) for rows in per_place) < 2:
        return Interval(value=value, low=None, high=None)
    if has_few_blocks(table.place_of):
        half = _jackknife_half(table, balanced=balanced, level=level)
        low, high = value - half, value + half
    else:
        parts = [table.difference(times, balanced=balanced) for times in _draw(table, draws=draws, seed=seed)]
        ends = np.percentile(np.concatenate(parts), [50 * (1 - level), 50 * (1 + level)])
        low, high = float(ends[0]), float(ends[1])
    floor = _independent(answers, balanced=balanced, level=level)
    return Interval(value=value, low=max(-1.0, min(low, floor[0])), high=min(1.0, max(high, floor[1])))


@dataclass(frozen=True, slots=True)
class _Table:
    """What each block of a place adds: photos, and right answers of the second less those of the first."""

    place_of: Ints  # (blocks,)
    photos: Floats  # (blocks,)
    gained: Floats  # (blocks,)

    @classmethod
    def of(cls, answers: Answers) -> "_Table":
        counted = [
            count_blocks(answers.labels, predicted, answers.blocks, places=answers.places)
            for predicted in (answers.first, answers.second)
        ]
        place_of, rows = counted[0].place_of, np.arange(len(counted[0].place_of))
        first, second = (table.counts[rows, place_of] for table in counted)
        return cls(place_of, counted[0].counts.sum(axis=1).astype(float), (second - first).astype(float))

    def rows_of_places(self) -> list[tuple[int, Ints]]:
        """Each place that has blocks, with their row numbers."""
        return [(int(place), np.flatnonzero(self.place_of == place)) for place in np.unique(self.place_of)]

    def difference(self, times: Floats, *, balanced: bool) -> Floats:
        """float64 (n,): the difference where each block comes so many times, float64 (n, blocks)."""
        if not balanced:
            return np.asarray((times @ self.gained) / (times @ self.photos))
        parts = [(times[:, r] @ self.gained[r]) / (times[:, r] @ self.photos[r]) for _, r in self.rows_of_places()]
        return np.asarray(np.mean(parts, axis=0))


def _draw(table: _Table, *, draws: int, seed: int) -> Iterator[Floats]:
    """How often each block comes, float64 (n, blocks), `draws` rows in all, a part at a time."""
    rng, step = np.random.default_rng(seed), max(1, _CELLS // len(table.photos))
    for start in range(0, draws, step):
        times = np.zeros((min(step, draws - start), len(table.photos)))
        for _, rows in table.rows_of_places():
            times[:, rows] = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=len(times))
        yield times


def _jackknife_half(table: _Table, *, balanced: bool, level: float) -> float:
    """Half the width of the t interval of the stratified jackknife, with Satterthwaite's (1946) degrees of freedom."""
    variances, degrees = [], []
    for _, rows in table.rows_of_places():
        times = np.ones((len(rows), len(table.photos)))
        times[np.arange(len(rows)), rows] = 0
        values = table.difference(times, balanced=balanced)
        variances.append((len(rows) - 1) / len(rows) * float(((values - values.mean()) ** 2).sum()))
        degrees.append(len(rows) - 1)
    variance = float(np.sum(variances))
    if variance == 0:
        return 0.0
    freedom = variance**2 / np.sum(np.square(variances) / degrees)
    return float(student.ppf((1 + level) / 2, freedom) * np.sqrt(variance))


def _independent(answers: Answers, *, balanced: bool, level: float) -> tuple[float, float]:
    """The interval for independent photos: Wald's with half a photo added to each cell (Agresti & Min 2005)."""
    gained = (answers.second == answers.labels).astype(int) - (answers.first == answers.labels)
    groups = [answers.labels == place for place in np.unique(answers.labels)] if balanced else [slice(None)]
    middles, variances = [], []
    for group in groups:
        up, down, photos = (gained[group] > 0).sum() + 0.5, (gained[group] < 0).sum() + 0.5, len(gained[group]) + 2
        middles.append((up - down) / photos)
        variances.append((up + down - (up - down) ** 2 / photos) / photos**2)
    middle = float(np.mean(middles))
    half = float(ndtri((1 + level) / 2)) * float(np.sqrt(np.sum(variances))) / len(groups)
    return middle - half, middle + half
