"""Whether a probability of 80 % is right 80 % of the time, and what the surest answers are worth."""

import numpy as np
import numpy.typing as npt

from machinami.evaluate.metrics import expected_calibration_error

__all__ = ["BINS", "expected_ece", "reliability", "selective_accuracy"]

BINS = 15  # of equal mass
_CELLS = 20_000_000  # draws times photos

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def reliability(labels: Ints, probabilities: Floats) -> list[dict[str, float | int]]:
    """Mean confidence and accuracy of the answers, least sure first, in at most `BINS` bins of equal mass."""
    if not len(labels):
        return []
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    order = np.argsort(confidence, kind="stable")
    return [
        {
            "confidence": round(float(confidence[part].mean()), 6),
            "accuracy": round(float(right[part].mean()), 6),
            "photos": len(part),
        }
        for part in np.array_split(order, min(BINS, len(order)))
        if len(part)
    ]


def selective_accuracy(labels: Ints, probabilities: Floats) -> list[dict[str, float]]:
    """Accuracy of the surest tenth of the answers, of the surest two tenths, and so on to all of them.

    "confidence" is that of the least sure answer among them: the threshold that leaves this share.
    """
    if not len(labels):
        return []
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    order = np.argsort(-confidence, kind="stable")
    rows = []
    for tenth in range(1, 11):
        chosen = order[: max(1, round(len(order) * tenth / 10))]
        rows.append(
            {
                "share": tenth / 10,
                "accuracy": round(float(right[chosen].mean()), 6),
                "confidence": round(float(confidence[chosen[-1]]), 6),
            }
        )
    return rows


def expected_ece(probabilities: Floats, *, draws: int, seed: int) -> dict[str, float] | None:
    """The ECE that a calibrated network with these probabilities would show: its mean, and what 95 % stay below.

    The error is never 0 with few photos. For each draw every answer is right with its own probability, photos
    independent of each other; where mistakes come in blocks, a calibrated network shows somewhat more than this.
    """
    photos = len(probabilities)
    if not photos:
        return None
    rng = np.random.default_rng([seed, 0xECE])
    confidence = probabilities.max(axis=1)
    two = np.stack([confidence, 1 - confidence], axis=1)  # an ECE asks only whether the answer was right
    two[:, 1] = np.minimum(two[:, 1], np.nextafter(two[:, 0], 0))
    found = []
    for _ in range(max(50, min(draws, _CELLS // photos))):
        wrong = (rng.random(photos) >= confidence).astype(np.int64)
        found.append(expected_calibration_error(wrong, two, bins=BINS) or 0.0)
    return {"mean": round(float(np.mean(found)), 6), "high": round(float(np.quantile(found, 0.95)), 6)}
