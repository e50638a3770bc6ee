"""What simpler means read from the same photos: the commonest place, colours alone, or how the photos were taken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from machinami.evaluate.metadata import one_hot
from machinami.evaluate.metrics import accuracy, balanced_accuracy, confusion_matrix
from machinami.images.cache import Stacked
from machinami.train.probe import fit_probe

__all__ = [
    "Baseline",
    "Subsets",
    "baseline_figures",
    "colour_vectors",
    "guess_by_columns",
    "guess_by_vectors",
    "guess_commonest",
]

THUMBNAIL_PX = 8
LEVELS = 8  # of the histogram of each colour
MOST_PHOTOS = 20_000  # learned from: more would tell a linear classifier of some hundred numbers no more
BATCH = 256

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subsets:
    """Row numbers of a split, and the places of all rows by number."""

    labels: Ints  # (N,)
    places: int
    train: Ints
    validation: Ints
    test: Ints

    @classmethod
    def thinned(cls, labels: Ints, subsets: Sequence[str], *, places: int, seed: int) -> "Subsets":
        """With `MOST_PHOTOS` at most to learn from and to choose by, drawn at random; all test photos."""
        rng, names = np.random.default_rng([seed, 0xBA5E]), np.asarray(subsets)

        def rows(subset: str) -> Ints:
            found = np.flatnonzero(names == subset)
            many = subset != "test" and len(found) > MOST_PHOTOS
            return np.sort(rng.choice(found, MOST_PHOTOS, replace=False)) if many else found

        return cls(labels=labels, places=places, train=rows("train"), validation=rows("validation"), test=rows("test"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What a simpler means says of the test photos, int64 (n,); or None, and why."""

    answers: Ints | None
    reason: str | None = None


def guess_commonest(subsets: Subsets) -> Baseline:
    """The place with most training photos, always."""
    commonest = int(np.bincount(subsets.labels[subsets.train], minlength=subsets.places).argmax())
    return Baseline(answers=np.full(len(subsets.test), commonest))


def guess_by_vectors(vectors: Floats, subsets: Subsets) -> Baseline:
    """Logistic regression on vectors (N, d) of all rows, its weight decay chosen on the validation photos."""
    if not vectors.shape[1]:
        return Baseline(answers=None, reason="there is nothing to tell by")
    labels, train, validation = subsets.labels, subsets.train, subsets.validation
    if len(np.unique(labels[train])) < subsets.places:
        return Baseline(answers=None, reason="a place has no training photos")
    if not len(validation):
        return Baseline(answers=None, reason="there are no validation photos to choose by")
    probe = fit_probe(
        vectors[train], labels[train], places=subsets.places, validation=(vectors[validation], labels[validation])
    )
    return Baseline(answers=(vectors[subsets.test] @ probe.weight.T + probe.bias).argmax(axis=1).astype(np.int64))


def guess_by_columns(columns: Mapping[str, Sequence[str]], subsets: Subsets) -> Baseline:
    """The same on columns of metadata. A value that no training photo has tells nothing."""
    if not columns:
        return Baseline(answers=None, reason="no column of metadata has two values")
    vectors = one_hot(columns)
    vectors = vectors[:, vectors[subsets.train].any(axis=0)]
    return guess_by_vectors(vectors, subsets)


def colour_vectors(squares: Stacked) -> Floats:
    """float32 (N, 216) of squares uint8 (N, S, S, 3): a thumbnail of 8 × 8, and eight levels of each colour."""
    parts = []
    for start in range(0, len(squares), BATCH):
        pixels = squares.take(np.arange(start, min(start + BATCH, len(squares))))
        parts.append(np.concatenate([_thumbnails(pixels), _histograms(pixels)], axis=1))
    return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)


def _thumbnails(pixels: npt.NDArray[np.uint8]) -> Floats:
    """float32 (n, 192), 0 … 1: means over 8 × 8 fields of nearly one size."""
    edges = np.linspace(0, pixels.shape[1], THUMBNAIL_PX + 1).round().astype(int)
    sums = np.add.reduceat(np.add.reduceat(pixels, edges[:-1], axis=1, dtype=np.float32), edges[:-1], axis=2)
    fields = np.diff(edges)[:, None] * np.diff(edges)
    return np.asarray((sums / fields[..., None] / 255).reshape(len(pixels), -1), np.float32)


def _histograms(pixels: npt.NDArray[np.uint8]) -> Floats:
    """float32 (n, 24): the share of each of eight levels of red, green and blue."""
    level = pixels.reshape(len(pixels), -1, 3) // (256 // LEVELS)
    return np.concatenate([(level == step).mean(axis=1, dtype=np.float32) for step in range(LEVELS)], axis=1)


def baseline_figures(found: Mapping[str, Baseline], subsets: Subsets, columns: Sequence[str]) -> dict[str, Any]:
    """The part "baselines" of evaluation.json. `columns`: what "metadata" looked at, the most telling first."""
    labels = subsets.labels[subsets.test]
    plain: dict[str, float | None] = {}
    balanced: dict[str, float | None] = {}
    for name, baseline in found.items():
        if baseline.answers is None or not len(labels):
            plain[name] = balanced[name] = None
            continue
        confusion = confusion_matrix(labels, baseline.answers, places=subsets.places)
        plain[name] = round(float(accuracy(confusion)), 6)
        balanced[name] = round(float(balanced_accuracy(confusion)), 6)
    return {
        "majority": plain["majority"],
        "colour": plain["colour"],
        "metadata": {"accuracy": plain["metadata"], "columns": list(columns)},
        "balanced_accuracy": balanced,
        "reasons": {name: baseline.reason for name, baseline in found.items() if baseline.reason},
    }
