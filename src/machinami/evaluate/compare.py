"""Two runs on the photos that are test photos in both: which one tells more of them rightly, and how sure that is."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from machinami.config import EvaluateConfig
from machinami.errors import InputError
from machinami.evaluate.intervals import Interval
from machinami.evaluate.metrics import accuracy, balanced_accuracy, confusion_matrix
from machinami.evaluate.paired import Answers, difference_interval
from machinami.evaluate.predictions import Predictions, read_predictions
from machinami.project import Project

__all__ = ["Comparison", "Score", "compare_answers", "compare_runs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One figure of both runs on the same photos."""

    first: float
    second: float
    difference: Interval  # second less first


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two runs on the photos that were test photos in both."""

    photos: int
    blocks: int
    level: float
    accuracy: Score
    balanced_accuracy: Score

    def to_json(self) -> dict[str, Any]:
        """The fields, as `machinami evaluate A --compare B --json` prints them."""
        return {**asdict(self), "sentence": self.sentence()}

    def sentence(self) -> str:
        """What the balanced accuracies say, in words."""
        difference = self.balanced_accuracy.difference
        points = 100 * difference.value
        what = f"The second run's balanced accuracy is {abs(points):.1f} points {'higher' if points >= 0 else 'lower'}"
        if difference.low is None or difference.high is None:
            return f"{what}; with a single block of a place nothing tells how sure that is."
        between = f"{what} ({100 * difference.low:+.1f} to {100 * difference.high:+.1f})"
        if difference.low > 0 or difference.high < 0:
            return f"{between}: more than other blocks of the same places would explain."
        return f"{between}: no more than other blocks of the same places could bring by chance."


def compare_runs(first: Project, second: Project, *, evaluate: EvaluateConfig, seed: int) -> Comparison:
    """The second run against the first, on the photos that neither network has learned from.

    Photos are matched by their pixels, or by their file where these are not known. The blocks are those of the first
    run. Raises NotReady where one has no predictions, InputError where no test photo is shared, or where the two tell
    other places apart.
    """
    one, other = (read_predictions(project.predictions, split="test") for project in (first, second))
    if set(one.places) != set(other.places):
        raise InputError(
            f"{first.root} tells {', '.join(sorted(one.places))} apart, {second.root} "
            f"{', '.join(sorted(other.places))}: only runs over the same places can be compared"
        )
    rows_of = dict(_digests(second, other))
    matched = {digest: (row, rows_of[digest]) for digest, row in _digests(first, one) if digest in rows_of}
    if not matched:
        raise InputError(
            f"{first.root} and {second.root} share no test photos: compare runs over the same photos, split with the "
            "same seed and [split] settings"
        )
    rows, others = (np.array(side, np.int64) for side in zip(*matched.values(), strict=True))
    moved = next((i for i, (a, b) in enumerate(zip(rows, others, strict=True)) if one.place[a] != other.place[b]), None)
    if moved is not None:
        a, b = int(rows[moved]), int(others[moved])
        raise InputError(
            f"photo {one.photo_id[a]} is of {one.place[a]} in {first.root}, and as photo {other.photo_id[b]} of "
            f"{other.place[b]} in {second.root}: give it one place, and evaluate again"
        )
    number = {place: index for index, place in enumerate(one.places)}
    predicted, of_other = one.predicted, other.predicted
    answers = Answers(
        labels=np.array([number[one.place[row]] for row in rows], np.int64),
        first=np.array([number[predicted[row]] for row in rows], np.int64),
        second=np.array([number[of_other[row]] for row in others], np.int64),
        blocks=[one.block[row] for row in rows],
        places=len(one.places),
    )
    return compare_answers(answers, evaluate=evaluate, seed=seed)


def compare_answers(answers: Answers, *, evaluate: EvaluateConfig, seed: int) -> Comparison:
    """The comparison of two answers to the same photos, of which there is at least one."""
    scores = {}
    for name, figure in (("accuracy", accuracy), ("balanced_accuracy", balanced_accuracy)):
        values = [
            float(figure(confusion_matrix(answers.labels, predicted, places=answers.places)))
            for predicted in (answers.first, answers.second)
        ]
        difference = difference_interval(
            answers, balanced=name != "accuracy", draws=evaluate.draws, level=evaluate.level, seed=seed
        )
        assert difference is not None
        scores[name] = Score(first=values[0], second=values[1], difference=difference)
    return Comparison(photos=len(answers.labels), blocks=len(set(answers.blocks)), level=evaluate.level, **scores)


def _digests(project: Project, predictions: Predictions) -> Iterator[tuple[str, int]]:
    """What tells a photo in any project, and its row; photos that are gone from the catalogue are left out."""
    seen = set()
    with project.catalog() as catalog:
        for row, photo_id in enumerate(predictions.photo_id.tolist()):
            photo = catalog.find_id(photo_id)
            digest = None if photo is None else photo.pixels_sha256 or photo.sha256
            if digest is not None and digest not in seen:
                seen.add(digest)
                yield digest, row
