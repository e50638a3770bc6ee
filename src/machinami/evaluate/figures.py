"""All figures of a model on labelled photos, in the form of evaluation.json."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from machinami.config import Config
from machinami.evaluate.calibration import expected_ece, reliability, selective_accuracy
from machinami.evaluate.intervals import BlockTable, count_blocks, statistic_interval
from machinami.evaluate.metrics import (
    accuracy,
    balanced_accuracy,
    brier,
    confusion_matrix,
    expected_calibration_error,
    macro_f1,
    negative_log_likelihood,
    place_figures,
    softmax,
    top_k_accuracy,
)
from machinami.evaluate.similar import Mistakes, place_order, similar_pairs
from machinami.split import Split

__all__ = ["Outcome", "evaluation_figures"]

_SCORES = {"accuracy": accuracy, "balanced_accuracy": balanced_accuracy, "macro_f1": macro_f1}
_LONGEST_TOP = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the network said of labelled photos. Rows belong together across the fields."""

    labels: npt.NDArray[np.int64]  # (N,), index of the true place
    logits: npt.NDArray[np.float32]  # (N, places), not calibrated
    blocks: Sequence[str]  # N names
    photo_id: npt.NDArray[np.int64] | None = None  # (N,); None where the photos are in no catalogue


def evaluation_figures(
    places: Sequence[str],
    outcome: Outcome,
    *,
    temperature: float,
    config: Config,
    split: Split | None = None,
    test_opened: int | None = None,
) -> dict[str, Any]:
    """The content of evaluation.json. What is not defined, or not asked for, is None.

    `split` and `test_opened` are None for photos that are no part of the project.
    """
    labels = outcome.labels
    predicted = outcome.logits.argmax(axis=1).astype(np.int64)
    probabilities = softmax(outcome.logits, temperature=temperature)
    table = count_blocks(labels, predicted, outcome.blocks, places=len(places))
    mistakes = Mistakes(labels=labels, probabilities=probabilities, photo_id=outcome.photo_id)
    return {
        "places": list(places),
        "test": {
            "photos": len(labels),
            "blocks": len(set(outcome.blocks)),
            **_intervals(table, config),
            "nll": negative_log_likelihood(labels, outcome.logits, temperature=temperature),
            "brier": brier(labels, probabilities),
            "ece": expected_calibration_error(labels, probabilities),
            "ece_expected": expected_ece(probabilities, draws=config.evaluate.draws, seed=config.seed),
            "ece_uncalibrated": expected_calibration_error(labels, softmax(outcome.logits)),
        },
        "per_place": _per_place(places, outcome, predicted),
        "confusion": confusion_matrix(labels, predicted, places=len(places)).tolist(),
        "split": None if split is None else _split_facts(split),
        "branded": None if split is None else split.branded,
        "random_split": None,
        "cross_validation": None,
        "baselines": None,
        "confounds": None,
        "test_opened": test_opened,
        "top_k": _top_k(outcome, places=len(places)),
        "reliability": reliability(labels, probabilities),
        "selective": selective_accuracy(labels, probabilities),
        "similar_pairs": similar_pairs(places, table, mistakes, config=config),
        "place_order": place_order(places, table.confusion),
        "learning_curve": None,
        "matched": None,
        "verdict": None,
    }


def _intervals(table: BlockTable, config: Config) -> dict[str, dict[str, float | None] | None]:
    """Each score with its interval over blocks."""
    found: dict[str, dict[str, float | None] | None] = {}
    for name, score in _SCORES.items():
        interval = statistic_interval(
            table, score, draws=config.evaluate.draws, level=config.evaluate.level, seed=config.seed
        )
        found[name] = None if interval is None else asdict(interval)
    return found


def _per_place(places: Sequence[str], outcome: Outcome, predicted: npt.NDArray[np.int64]) -> dict[str, dict[str, Any]]:
    confusion = confusion_matrix(outcome.labels, predicted, places=len(places))
    blocks: list[set[str]] = [set() for _ in places]
    for label, block in zip(outcome.labels.tolist(), outcome.blocks, strict=True):
        blocks[label].add(block)
    return {
        place: {**asdict(figures), "blocks": len(blocks[row])}
        for row, (place, figures) in enumerate(zip(places, place_figures(confusion), strict=True))
    }


def _top_k(outcome: Outcome, *, places: int) -> dict[str, float | None] | None:
    """Share of photos whose place is among the k likeliest, for k from 2; None with two places, where it is 1."""
    if places <= 2:
        return None
    return {
        str(k): top_k_accuracy(outcome.labels, outcome.logits, k=k) for k in range(2, min(_LONGEST_TOP, places - 1) + 1)
    }


def _split_facts(split: Split) -> dict[str, Any]:
    """What a reader of the figures must know of the split."""
    distances = split.report.test_to_train_m
    return {
        "strategy": split.strategy,
        "block_m": split.block_m,
        "buffer_m": split.buffer_m,
        "test_to_train_m": None if distances is None else {"p10": distances.p10, "median": distances.median},
        "near_duplicates_across": split.report.near_duplicates_across,
    }
