"""The linear probe: what a frozen trunk already knows, fitted in seconds. Every longer training starts from it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression

from machinami.models.network import PlaceModel

__all__ = ["Probe", "fit_probe", "install_probe"]

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # inverse weight decay, tried from the strongest to the weakest
STEPS = 1000

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Probe:
    """A linear classifier on pooled features."""

    weight: Floats  # (places, C)
    bias: Floats  # (places,)
    strength: float  # inverse weight decay that validation favoured


def fit_probe(
    vectors: Floats,
    labels: Labels,
    *,
    places: int,
    validation: tuple[Floats, Labels] | None,
    strength: float | None = None,
) -> Probe:
    """Multinomial logistic regression on standardised vectors (n, C), each place weighing the same.

    With `validation` the weight decay is the one with the lowest loss there; without it `strength` is taken.
    """
    mean, scale = vectors.mean(axis=0), vectors.std(axis=0)
    scale = np.where(scale > 1e-6, scale, 1).astype(np.float32)
    standard = ((vectors - mean) / scale).astype(np.float64)

    def fit(c: float) -> Probe:
        model = LogisticRegression(C=c, class_weight="balanced", max_iter=STEPS, tol=1e-3).fit(standard, labels)
        weight, bias = _for_each_place(model, places)
        weight = weight / scale
        return Probe(weight.astype(np.float32), (bias - weight @ mean).astype(np.float32), c)

    if validation is None:
        return fit(strength if strength is not None else STRENGTHS[2])
    probes = [fit(c) for c in STRENGTHS]
    losses = [_loss(probe, *validation) for probe in probes]
    return probes[int(np.argmin(losses))]


def _for_each_place(model: LogisticRegression, places: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Weights (places, C) and biases; scikit-learn gives one row for two classes, the second's minus the first's."""
    weight, bias = np.asarray(model.coef_), np.asarray(model.intercept_)
    if len(weight) == 1:
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    if len(weight) != places:
        raise AssertionError(f"{len(weight)} classes were fitted for {places} places")
    return weight, bias


def _loss(probe: Probe, vectors: Floats, labels: Labels) -> float:
    """Mean over places of the mean negative log-likelihood, so that a large place does not decide alone."""
    logits = vectors @ probe.weight.T + probe.bias
    shifted = logits - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]
    return float(np.mean([losses[labels == place].mean() for place in np.unique(labels)]))


def install_probe(model: PlaceModel, probe: Probe) -> None:
    """Make the probe the model's classifier."""
    with torch.no_grad():
        model.classifier.weight.copy_(torch.from_numpy(probe.weight))
        model.classifier.bias.copy_(torch.from_numpy(probe.bias))
