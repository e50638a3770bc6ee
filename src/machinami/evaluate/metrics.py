"""Figures of merit from labels, predictions and probabilities; None where a figure is not defined."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = [
    "PlaceFigures",
    "accuracy",
    "balanced_accuracy",
    "brier",
    "confusion_matrix",
    "expected_calibration_error",
    "macro_f1",
    "negative_log_likelihood",
    "place_figures",
    "softmax",
    "top_k_accuracy",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int64] | npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceFigures:
    """One place's row: what is undefined is None, never 0."""

    photos: int
    precision: float | None  # None where nothing was predicted to be this place
    recall: float | None  # None where there are no photos of it
    f1: float | None  # None where there is neither


def confusion_matrix(labels: Ints, predicted: Ints, *, places: int) -> Ints:
    """int64 (places, places): photos, rows = true, columns = predicted. Both inputs: int64 (N,)."""
    cells = np.bincount(labels * places + predicted, minlength=places * places)
    return cells.reshape(places, places).astype(np.int64)


def accuracy(confusion: Numbers) -> Floats:
    """Share of photos that are right. `confusion`: (..., places, places); gives float64 (...), NaN without photos."""
    right = np.diagonal(confusion, axis1=-2, axis2=-1).sum(axis=-1)
    return _divide(right, confusion.sum(axis=(-2, -1)))


def balanced_accuracy(confusion: Numbers) -> Floats:
    """The mean recall of the places that have photos. `confusion`: (..., places, places); gives float64 (...)."""
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    return _mean_of_defined(_divide(right, confusion.sum(axis=-1)))


def macro_f1(confusion: Numbers) -> Floats:
    """The mean F1 = 2 TP / (2 TP + FP + FN) of the places that were there or were predicted.

    `confusion`: (..., places, places); gives float64 (...).
    """
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    return _mean_of_defined(_divide(2 * right, confusion.sum(axis=-1) + confusion.sum(axis=-2)))


def place_figures(confusion: Ints) -> tuple[PlaceFigures, ...]:
    """Precision, recall and F1 of each place. `confusion`: int64 (places, places)."""
    right, true, predicted = np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    precision, recall = _divide(right, predicted), _divide(right, true)
    f1 = _divide(2 * right, true + predicted)
    return tuple(
        PlaceFigures(
            photos=int(true[place]),
            precision=_defined(precision[place]),
            recall=_defined(recall[place]),
            f1=_defined(f1[place]),
        )
        for place in range(len(true))
    )


def softmax(logits: npt.NDArray[np.floating], *, temperature: float = 1.0) -> Floats:
    """float64 (N, places): probabilities. `logits`: floats (N, places)."""
    scaled = np.asarray(logits, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def top_k_accuracy(labels: Ints, scores: npt.NDArray[np.floating], *, k: int) -> float | None:
    """Share of photos whose place is among the `k` highest scores (of equal ones the first place comes first)."""
    if not len(labels):
        return None
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return float((best == labels[:, None]).any(axis=1).mean())


def negative_log_likelihood(labels: Ints, logits: npt.NDArray[np.floating], *, temperature: float) -> float | None:
    """Mean of minus the log of the true place's probability, nats. `logits`: floats (N, places)."""
    if not len(labels):
        return None
    scaled = np.asarray(logits, np.float64) / temperature
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(len(labels)), labels]))


def brier(labels: Ints, probabilities: Floats) -> float | None:
    """Mean over photos of the sum over places of (probability - truth)² (Brier 1950, eq. 2): 0 best, 2 worst."""
    if not len(labels):
        return None
    truth = np.eye(probabilities.shape[1])[labels]
    return float(np.mean(((probabilities - truth) ** 2).sum(axis=1)))


def expected_calibration_error(labels: Ints, probabilities: Floats, *, bins: int = 15) -> float | None:
    """Mean gap between confidence and accuracy, weighted by photos (Naeini 2015), over bins of equal mass.

    Photos of equal confidence share their accuracy, so that the order of rows does not matter.
    """
    if not len(labels):
        return None
    confidence = probabilities.max(axis=1)
    right = (probabilities.argmax(axis=1) == labels).astype(float)
    _, tie, ties = np.unique(confidence, return_inverse=True, return_counts=True)
    right = (np.bincount(tie, weights=right) / ties)[tie]
    order = np.argsort(confidence, kind="stable")
    parts = [part for part in np.array_split(order, min(bins, len(order))) if len(part)]
    gaps = [abs(confidence[part].mean() - right[part].mean()) * len(part) for part in parts]
    return float(sum(gaps) / len(order))


def _divide(numerator: npt.ArrayLike, denominator: npt.ArrayLike) -> Floats:
    """The quotient, NaN where the denominator is 0."""
    below = np.asarray(denominator, np.float64)
    return np.asarray(np.divide(numerator, below, out=np.full(below.shape, np.nan), where=below > 0))


def _mean_of_defined(values: Floats) -> Floats:
    """The mean over the last axis of what is not NaN; NaN where nothing is."""
    defined = np.isfinite(values)
    return _divide(np.where(defined, values, 0.0).sum(axis=-1), defined.sum(axis=-1))


def _defined(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
