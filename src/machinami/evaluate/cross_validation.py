"""Every fold once the test: as many networks as folds, each thrown away when it has answered."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from machinami.config import Config
from machinami.errors import NotReady
from machinami.evaluate.again import Field, answer_again
from machinami.evaluate.figures import Outcome
from machinami.evaluate.intervals import count_blocks, statistic_interval
from machinami.evaluate.metrics import accuracy, balanced_accuracy, confusion_matrix, macro_f1
from machinami.split import Split, plan_split

__all__ = ["FoldOutcome", "answer_folds", "fold_figures"]

_SCORES = {"accuracy": accuracy, "balanced_accuracy": balanced_accuracy, "macro_f1": macro_f1}


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldOutcome:
    """What the network that never saw a fold says of it."""

    fold: int
    photo_ids: tuple[int, ...]
    outcome: Outcome


def answer_folds(field: Field, split: Split) -> Iterator[FoldOutcome]:
    """Fold after fold, each laid by the settings that `split` was laid by, with its own validation fold and buffer.

    Raises NotReady where settings or photos have changed since the split was laid. A finished fold stays in cache/.
    """
    wheel = [_turn(field, fold) for fold in range(split.folds)]  # all of them first: none fails behind hours of work
    if wheel[split.fold].digest != split.digest:
        raise NotReady(
            "settings or photos have changed since the split was laid, so its other folds cannot be told",
            command=f"machinami split {field.project.root}",
        )
    for fold, laid in enumerate(wheel):
        field.progress.say(f"Fold {fold + 1} of {split.folds}")
        subset_of, block_of, ids = laid.subset_of(), laid.block_of(), field.photos.photo_ids()
        subsets = [subset_of[photo_id] for photo_id in ids]
        rows = np.flatnonzero(np.array(subsets) == "test")
        yield FoldOutcome(
            fold=fold,
            photo_ids=tuple(ids[row] for row in rows),
            outcome=Outcome(
                labels=field.labels()[rows],
                logits=answer_again(field, subsets),
                blocks=[block_of[ids[row]] for row in rows],
            ),
        )


def fold_figures(folds: Sequence[FoldOutcome], *, config: Config) -> dict[str, Any]:
    """The part "cross_validation" of evaluation.json: each fold's figures, and those of all, over all blocks."""
    places = folds[0].outcome.logits.shape[1]
    labels = np.concatenate([fold.outcome.labels for fold in folds])
    predicted = np.concatenate([_predicted(fold.outcome) for fold in folds])
    blocks = [block for fold in folds for block in fold.outcome.blocks]
    table = count_blocks(labels, predicted, blocks, places=places)
    pooled = {}
    for name, score in _SCORES.items():
        interval = statistic_interval(
            table, score, draws=config.evaluate.draws, level=config.evaluate.level, seed=config.seed
        )
        pooled[name] = None if interval is None else asdict(interval)
    return {"folds": [_fold(fold, places) for fold in folds], **pooled}


def _fold(fold: FoldOutcome, places: int) -> dict[str, Any]:
    confusion = confusion_matrix(fold.outcome.labels, _predicted(fold.outcome), places=places)
    return {
        "fold": fold.fold,
        "photos": len(fold.outcome.labels),
        "blocks": len(set(fold.outcome.blocks)),
        "accuracy": float(accuracy(confusion)),
        "balanced_accuracy": float(balanced_accuracy(confusion)),
    }


def _predicted(outcome: Outcome) -> npt.NDArray[np.int64]:
    return np.asarray(outcome.logits.argmax(axis=1), np.int64)


def _turn(field: Field, fold: int) -> Split:
    """The split with another fold as the test."""
    settings = replace(field.config.split, fold=fold)
    return plan_split(field.project, replace(field.config, split=settings))
