"""Baselines and confounds of a run: whether a place is told from anything but the look of its streets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from machinami.config import Config
from machinami.evaluate.baselines import (
    Baseline,
    Subsets,
    baseline_figures,
    colour_vectors,
    guess_by_columns,
    guess_by_vectors,
    guess_commonest,
)
from machinami.evaluate.confounds import confound_table
from machinami.evaluate.intervals import count_blocks, statistic_interval
from machinami.evaluate.metadata import metadata_columns
from machinami.evaluate.metrics import balanced_accuracy, confusion_matrix
from machinami.train.photos import SplitPixels

__all__ = ["NEAR", "Simpler", "comes_near", "simpler_figures"]

NEAR = 0.05  # balanced accuracy: metadata this close below the network, or above it, may explain all that it reads

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Simpler:
    """The parts "baselines" and "confounds" of evaluation.json, and whether metadata alone comes near the network."""

    baselines: dict[str, Any]
    confounds: list[dict[str, Any]]
    metadata_near: bool


def simpler_figures(
    photos: SplitPixels, network: Ints, blocks: Sequence[str], *, places: Sequence[str], config: Config
) -> Simpler:
    """What simpler means read. `network`: int64 (n,), its answers to the test photos; `blocks`: of all N rows."""
    labels = photos.labels(places)
    subsets = Subsets.thinned(labels, photos.subsets, places=len(places), seed=config.seed)
    columns = metadata_columns(photos.photos, leave_out=config.evaluate.leave_out)
    found = {
        "majority": guess_commonest(subsets),
        "colour": guess_by_vectors(colour_vectors(photos.pixels.squares), subsets),
        "metadata": guess_by_columns(columns, subsets),
    }

    def near(baseline: Baseline) -> bool:
        test = [blocks[row] for row in subsets.test]
        return comes_near(baseline, network, labels[subsets.test], test, places=len(places), config=config)

    alone = {name: near(guess_by_columns({name: values}, subsets)) for name, values in columns.items()}
    confounds = confound_table(columns, labels, blocks, places=places, near=alone, seed=config.seed)
    baselines = baseline_figures(found, subsets, [row["column"] for row in confounds])
    baselines["metadata"]["left_out"] = list(config.evaluate.leave_out)
    return Simpler(
        baselines=baselines,
        confounds=confounds,
        metadata_near=near(found["metadata"]),
    )


def comes_near(
    baseline: Baseline, network: Ints, labels: Ints, blocks: Sequence[str], *, places: int, config: Config
) -> bool:
    """Whether a baseline tells the test photos about as well as the network does, and surely better than by chance.

    All answers int64 (n,), `blocks`: n names. Surely: the interval over blocks lies above chance; where a place has a
    single block and there is none, the figure lies halfway from chance to the network's.
    """
    if baseline.answers is None or not len(labels):
        return False
    chance = 1 / len(np.unique(labels))
    table = count_blocks(labels, baseline.answers, blocks, places=places)
    told = statistic_interval(
        table, balanced_accuracy, draws=config.evaluate.draws, level=config.evaluate.level, seed=config.seed
    )
    reads = float(balanced_accuracy(confusion_matrix(labels, network, places=places)))
    if told is None or told.value < reads - NEAR:
        return False
    least = (chance + reads) / 2
    return told.low > chance if told.low is not None else told.value > least
