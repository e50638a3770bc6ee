"""One temperature that makes a network's confidence mean what it says."""

import math

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

__all__ = ["TEMPERATURES", "fit_temperature"]

TEMPERATURES = (0.1, 20.0)  # nothing outside is believed, however few or easy the validation photos are


def fit_temperature(labels: npt.NDArray[np.int64], logits: npt.NDArray[np.floating]) -> float:
    """The temperature T of softmax(logits / T) with the least loss on validation photos (Guo 2017, section 4.2).

    The loss is the negative log likelihood with the targets of Platt (1999, section 2.2), here for several places:
    one photo more of each place is imagined, so that photos which are all right do not ask for boundless
    confidence. 1 where there are no photos. `labels`: int64 (N,); `logits`: floats (N, places), finite.
    """
    count, places = np.shape(logits)
    if count == 0 or places < 2:
        return 1.0
    scores = np.asarray(logits, np.float64)
    targets = np.full((count, places), 1 / (count + places))
    targets[np.arange(count), labels] = (count + 1) / (count + places)
    expected = (targets * scores).sum(axis=1)

    def loss(log_temperature: float) -> float:
        sharpness = np.exp(-log_temperature)
        return float(np.mean(logsumexp(scores * sharpness, axis=1) - expected * sharpness))

    found = minimize_scalar(
        loss, bounds=(math.log(TEMPERATURES[0]), math.log(TEMPERATURES[1])), method="bounded", options={"xatol": 1e-6}
    )
    return float(np.exp(found.x))
