"""What a random split would have said: the gap between it and the blocks is what is only memory of the ground."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from machinami.config import Config
from machinami.evaluate.again import Field, answer_again
from machinami.evaluate.figures import Outcome
from machinami.evaluate.intervals import Interval, count_blocks, statistic_interval
from machinami.evaluate.metrics import accuracy, balanced_accuracy
from machinami.split import Split

__all__ = ["deal_subsets", "gap_figures", "gap_interval", "random_outcome"]

Ints = npt.NDArray[np.int64]
Numbers = Mapping[str, float | None]  # value, low and high


def deal_subsets(labels: Ints, subsets: Sequence[str], *, seed: int) -> list[str]:
    """For each row test, validation, train or dropped, by chance over single photos.

    Of each place as many photos are dealt to each as in `subsets`, those of the real split.
    It is what is done where nobody thinks of the ground: neighbours, doubles and all. Photos that the buffer dropped
    stay out, so that both splits learn from about as many photos, and the gap is of the ground alone.
    """
    names, rng = np.array(subsets), np.random.default_rng(seed)
    for place in np.unique(labels):
        rows = np.flatnonzero((labels == place) & (names != "dropped"))
        names[rows] = names[rng.permutation(rows)]
    return [str(name) for name in names]


def random_outcome(field: Field, split: Split) -> Outcome:
    """What the recipe says of the test photos of a random split. The blocks are those of the ground.

    Its network learns from photos of the test blocks. That opens no test: nothing is chosen by it for the project's
    own network, and it is thrown away, so that the ledger does not count it.
    """
    subsets = deal_subsets(field.labels(), field.photos.subsets, seed=field.config.seed)
    rows = np.flatnonzero(np.array(subsets) == "test")
    blocks, ids = split.block_of(), field.photos.photo_ids()
    return Outcome(
        labels=field.labels()[rows],
        logits=answer_again(field, subsets),
        blocks=[blocks[ids[row]] for row in rows],
    )


def gap_figures(outcome: Outcome, test: Mapping[str, Any], *, config: Config) -> dict[str, Any]:
    """The part "random_split" of evaluation.json. `test`: its part "test", of the blocks.

    "accuracy" and "balanced_accuracy" are of the random split, "gap" and "balanced_gap" are what they exceed those of
    the blocks by, and gap_low … gap_high is the interval of "gap", balanced_gap_low … that of the other.
    """
    places = outcome.logits.shape[1]
    predicted = outcome.logits.argmax(axis=1).astype(np.int64)
    table = count_blocks(outcome.labels, predicted, outcome.blocks, places=places)
    options = {"draws": config.evaluate.draws, "level": config.evaluate.level, "seed": config.seed}
    found: dict[str, Any] = {"photos": len(outcome.labels)}
    scores: dict[str, tuple[str, Callable[..., Any]]] = {
        "accuracy": ("gap", accuracy),
        "balanced_accuracy": ("balanced_gap", balanced_accuracy),
    }
    for name, (gap, score) in scores.items():
        interval = statistic_interval(table, score, **options)  # type: ignore[arg-type]
        found[name] = None if interval is None else interval.value
        between = None if interval is None else gap_interval(asdict(interval), test[name])
        found[gap] = None if between is None else between.value
        found[f"{gap}_low"] = None if between is None else between.low
        found[f"{gap}_high"] = None if between is None else between.high
    return found


def gap_interval(random: Numbers, blocks: Numbers | None) -> Interval | None:
    """The first figure less the second, with an interval from those of both.

    The squares of the distances to their bounds are added (Zou & Donner 2008, section 2; for two shares Newcombe 1998,
    method 10), as if the two were independent. Both intervals are over blocks. Part of the random split's photos
    lie in test blocks, which makes the two figures rise together and the interval a little too wide.
    """
    if blocks is None or random["value"] is None or blocks["value"] is None:
        return None
    value = random["value"] - blocks["value"]
    ends = (random["low"], random["high"], blocks["low"], blocks["high"])
    if any(end is None for end in ends):
        return Interval(value=value, low=None, high=None)
    low, high, other_low, other_high = (float(end) for end in ends if end is not None)
    down = np.hypot(random["value"] - low, other_high - blocks["value"])
    up = np.hypot(high - random["value"], blocks["value"] - other_low)
    return Interval(value=value, low=float(value - down), high=float(value + up))
