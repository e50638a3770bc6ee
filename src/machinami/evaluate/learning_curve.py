"""What more photos would bring: linear probes on parts of the training blocks, and a forecast from their figures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from scipy.stats import t as student

from machinami.config import EvaluateConfig
from machinami.evaluate.power_law import fit_power_law
from machinami.train.probe import fit_probe

__all__ = ["BLOCKS_FOR_CURVE", "DRAWS", "Sample", "hard_pairs", "learning_curve"]

SHARES = (1 / 8, 1 / 4, 3 / 8, 1 / 2, 3 / 4, 1.0)  # of each place's training blocks
DRAWS = 8  # orders in which the blocks come in; each gives nested subsets
TIMES = (2, 4)  # how many times the blocks of now are forecast
PAIRS = 3  # pairs of places that are told apart worst
BLOCKS_FOR_CURVE = 8  # training blocks of each place: with fewer the smallest share is no block
TEST_BLOCKS = 2  # of each place: one tells nothing of how much another would differ

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Photos as a frozen trunk sees them. Rows belong together across the fields."""

    vectors: npt.NDArray[np.float32]  # (N, C)
    labels: Ints  # (N,)
    blocks: Sequence[str]  # N; a block holds photos of one place


@dataclass(frozen=True, slots=True)
class _Fit:
    draw: int
    size: int  # index of the share
    blocks: int
    photos: int
    logits: Floats  # (test photos, places)


@dataclass(frozen=True, slots=True)
class _Counts:
    """Right answers by draw, size and test block, and the photos of each block."""

    right: Floats  # (draws, sizes, blocks)
    photos: Floats  # (blocks,)
    place_of: Ints  # (blocks,)


def learning_curve(
    train: Sample, test: Sample, *, places: Sequence[str], strength: float, config: EvaluateConfig, seed: int
) -> dict[str, Any] | None:
    """The part "learning_curve" of evaluation.json: balanced accuracy of the probe on the test photos, by blocks.

    `strength` is the probe's, for all sizes. A pair's figure is of its own photos with only the two to choose from.
    None with fewer than 8 training blocks or 2 test blocks of a place. Intervals: test blocks are drawn again within
    each place, and the orders of the training blocks too; each drawn curve is fitted and forecast by itself. They
    are of the expected figure on such ground, not of one more sample of it.
    """
    numbers = range(len(places))
    enough = all(_count(train, p) >= BLOCKS_FOR_CURVE and _count(test, p) >= TEST_BLOCKS for p in numbers)
    if not enough:
        return None
    fits = list(_fit_parts(train, test, places=len(places), strength=strength, seed=seed))
    draw = _Drawing(fits, test, config=config, seed=seed)
    whole = next(fit for fit in fits if SHARES[fit.size] == 1)
    pairs = hard_pairs(whole.logits, test.labels) if len(places) > 2 else []
    return {
        "of": "probe",
        **draw.curve(list(numbers)),
        "pairs": [{"places": [places[a], places[b]], **draw.curve([a, b])} for a, b in pairs],
    }


def hard_pairs(logits: Floats, labels: Ints) -> list[tuple[int, int]]:
    """The pairs of places with the highest share taken for one another, hardest first, three at most."""
    places, predicted = logits.shape[1], logits.argmax(axis=1)
    confusion = np.zeros((places, places))
    np.add.at(confusion, (labels, predicted), 1)
    rates = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    both = rates + rates.T
    pairs = [(a, b) for a in range(places) for b in range(a + 1, places) if both[a, b] > 0]
    return sorted(pairs, key=lambda pair: (-both[pair], pair))[:PAIRS]


def _count(sample: Sample, place: int) -> int:
    return len({block for block, label in zip(sample.blocks, sample.labels.tolist(), strict=True) if label == place})


def _fit_parts(train: Sample, test: Sample, *, places: int, strength: float, seed: int) -> Iterator[_Fit]:
    """Probes of nested random parts of each place's blocks."""
    names, block_of = np.unique(np.asarray(train.blocks), return_inverse=True)
    block_of = block_of.reshape(-1)
    place_of = np.zeros(len(names), np.int64)
    place_of[block_of] = train.labels
    rng = np.random.default_rng([seed, 0x0DE4])
    for draw in range(DRAWS):
        rank = np.zeros(len(names))  # of a block among those of its place, 0 … 1
        for place in range(places):
            mine = np.flatnonzero(place_of == place)
            rank[rng.permutation(mine)] = np.arange(len(mine)) / len(mine)
        for size, share in enumerate(SHARES):
            if share == 1 and draw:
                continue  # the whole is the same in any order
            chosen = rank < share
            rows = chosen[block_of]
            probe = fit_probe(
                train.vectors[rows], train.labels[rows], places=places, validation=None, strength=strength
            )
            logits = test.vectors @ probe.weight.T + probe.bias
            yield _Fit(draw, size, int(chosen.sum()), int(rows.sum()), np.asarray(logits, np.float64))


class _Drawing:
    """Test blocks and orders drawn again, the same for every curve."""

    def __init__(self, fits: Sequence[_Fit], test: Sample, *, config: EvaluateConfig, seed: int) -> None:
        self.fits, self.test, self.config = fits, test, config
        _, block_of = np.unique(np.asarray(test.blocks), return_inverse=True)
        self.block_of: Ints = block_of.reshape(-1)
        self.place_of = np.zeros(int(self.block_of.max()) + 1, np.int64)
        self.place_of[self.block_of] = test.labels
        rng = np.random.default_rng([seed, 0x7E57])
        self.times = np.zeros((config.draws, len(self.place_of)), np.int32)  # a test block comes in each draw
        for place in np.unique(self.place_of):
            mine = np.flatnonzero(self.place_of == place)
            self.times[:, mine] = rng.multinomial(len(mine), np.full(len(mine), 1 / len(mine)), size=config.draws)
        self.orders = rng.multinomial(DRAWS, np.full(DRAWS, 1 / DRAWS), size=config.draws) / DRAWS
        self.shifts = rng.standard_normal((config.draws, 1))

    def curve(self, places: Sequence[int]) -> dict[str, Any]:
        """The parts "points" and "forecast": of the photos of these places, with these places to choose from."""
        counts = self._count(places)
        each = _balanced(counts, np.ones((1, len(self.place_of)), np.int32), places)[0]
        values = each.mean(axis=0)
        # Other training blocks would give another curve: halves of them differ from each other by as much as wholes
        # would (delete-half jackknife: Shao & Wu 1989).
        shifts = self.shifts * each[:, SHARES.index(1 / 2)].std(ddof=1)
        drawn = np.einsum("nds,nd->ns", _balanced(counts, self.times, places), self.orders) + shifts
        stretch = self._stretch(places)
        of_first = sorted((fit for fit in self.fits if fit.draw == 0), key=lambda fit: fit.size)
        sizes = [fit.blocks for fit in of_first]
        law, laws = fit_power_law(sizes, values), fit_power_law(sizes, drawn)
        return {
            "points": [
                {"blocks": fit.blocks, "photos": fit.photos, **self._interval(values[i], drawn[:, i], stretch)}
                for i, fit in enumerate(of_first)
            ],
            "forecast": [
                {"blocks": size, **self._interval(law.at(size), laws.at(size), stretch)}
                for size in (times * sizes[-1] for times in TIMES)
            ],
        }

    def _count(self, places: Sequence[int]) -> _Counts:
        inside = np.isin(self.test.labels, places)
        labels, block_of = self.test.labels[inside], self.block_of[inside]
        right = np.zeros((DRAWS, len(SHARES), len(self.place_of)))
        for fit in self.fits:
            answers = np.asarray(places)[fit.logits[inside][:, list(places)].argmax(axis=1)]
            told = np.bincount(block_of, weights=answers == labels, minlength=len(self.place_of))
            right[fit.draw if SHARES[fit.size] < 1 else slice(None), fit.size] = told
        return _Counts(right, np.bincount(block_of, minlength=len(self.place_of)).astype(float), self.place_of)

    def _stretch(self, places: Sequence[int]) -> float:
        """By how much the draws of few blocks scatter too little: Student's t for the normal, n / (n − 1) for n."""
        blocks = np.array([(self.place_of == place).sum() for place in places])
        share = (1 + self.config.level) / 2
        wider = student.ppf(share, (blocks - 1).sum()) / ndtri(share)
        return float(wider * np.sqrt(np.mean(blocks / (blocks - 1))))

    def _interval(self, value: Any, drawn: Floats, stretch: float) -> dict[str, float]:
        level = self.config.level
        low, high = value + stretch * (np.percentile(drawn, [50 * (1 - level), 50 * (1 + level)]) - value)
        return {"value": float(value), "low": float(max(0, min(low, value))), "high": float(min(1, max(high, value)))}


def _balanced(counts: _Counts, times: npt.NDArray[np.int32], places: Sequence[int]) -> Floats:
    """float64 (n, draws, sizes): balanced accuracy where each test block comes so many times, int32 (n, blocks)."""
    recalls = []
    for place in places:
        mine = np.flatnonzero(counts.place_of == place)
        weights = times[:, mine].astype(float)
        told = np.einsum("nb,dsb->nds", weights, counts.right[:, :, mine], optimize=True)
        recalls.append(told / (weights @ counts.photos[mine])[:, None, None])
    return np.asarray(np.mean(recalls, axis=0))
