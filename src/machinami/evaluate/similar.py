"""Which places are alike: what is mixed up with what, how often, and in which photos."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from machinami.config import Config
from machinami.evaluate.intervals import BlockTable, statistic_interval
from machinami.evaluate.metrics import balanced_accuracy

__all__ = ["Mistakes", "place_order", "similar_pairs", "similarities"]

PAIRS = 10
PHOTOS = 12

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistakes:
    """The answers to all photos. Rows belong together across the fields."""

    labels: Ints  # (N,)
    probabilities: Floats  # (N, places)
    photo_id: Ints | None  # (N,); None where the photos are in no catalogue


def similarities(confusion: npt.NDArray[Any]) -> Floats:
    """float64 (places, places), 0 … 1: 1 where two places are told apart no better than by a coin.

    Of the photos of two places that were said to be one or the other: twice the share said to be the wrong one, each
    place weighing the same. NaN where there are none of one of them.
    """
    places = len(confusion)
    table = np.eye(places)
    for a, b in combinations(range(places), 2):
        pair = np.asarray(confusion, float)[np.ix_([a, b], [a, b])]
        table[a, b] = table[b, a] = _similarity(pair) if (pair.sum(axis=1) > 0).all() else np.nan
    return table


def _similarity(pair: Floats) -> Floats:
    return np.asarray((2 * (1 - balanced_accuracy(pair))).clip(0, 1))


def place_order(places: Sequence[str], confusion: npt.NDArray[Any]) -> list[str]:
    """The places so that those alike stand together: the leaves of their average-linkage tree."""
    if len(places) < 3:
        return list(places)
    distance = 1 - np.nan_to_num(similarities(confusion), nan=0.0)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average", optimal_ordering=len(places) <= 200)
    return [places[int(leaf)] for leaf in leaves_list(tree)]


def similar_pairs(
    places: Sequence[str], table: BlockTable, mistakes: Mistakes, *, config: Config
) -> list[dict[str, Any]]:
    """The pairs hardest to tell apart, first the most alike, with interval, and the photos that mix them up."""
    alike = similarities(table.confusion)
    pairs = [(a, b) for a, b in combinations(range(len(places)), 2) if np.isfinite(alike[a, b])]
    pairs = sorted(pairs, key=lambda pair: (-alike[pair], pair))[:PAIRS]
    return [_pair(places, table, mistakes, pair, config) for pair in pairs]


def _pair(
    places: Sequence[str], table: BlockTable, mistakes: Mistakes, pair: tuple[int, int], config: Config
) -> dict[str, Any]:
    a, b = pair
    rows = np.isin(table.place_of, [a, b]) & (table.counts[:, [a, b]].sum(axis=1) > 0)
    part = BlockTable(place_of=np.searchsorted([a, b], table.place_of[rows]), counts=table.counts[rows][:, [a, b]])
    confusion = part.confusion
    # The interval is that of the balanced accuracy of the pair, which a similarity mirrors.
    asked = config.evaluate
    told = statistic_interval(part, balanced_accuracy, draws=asked.draws, level=asked.level, seed=config.seed)
    low, high = (None, None) if told is None or told.low is None or told.high is None else (told.low, told.high)
    return {
        "places": [places[a], places[b]],
        "similarity": round(float(_similarity(confusion)), 6),
        "low": None if high is None else round(float(np.clip(2 * (1 - high), 0, 1)), 6),
        "high": None if low is None else round(float(np.clip(2 * (1 - low), 0, 1)), 6),
        "mistakes": int(confusion[0, 1] + confusion[1, 0]),
        "of": int(confusion.sum()),
        "photos": _photos(mistakes, a, b),
    }


def _photos(mistakes: Mistakes, a: int, b: int) -> list[int]:
    """Photos of one that were said to be the other, the surest mistakes first."""
    if mistakes.photo_id is None:
        return []
    said = mistakes.probabilities.argmax(axis=1)
    wrong = ((mistakes.labels == a) & (said == b)) | ((mistakes.labels == b) & (said == a))
    rows = np.flatnonzero(wrong)
    sure = mistakes.probabilities[rows].max(axis=1)
    return [int(photo_id) for photo_id in mistakes.photo_id[rows[np.argsort(-sure, kind="stable")]][:PHOTOS]]
