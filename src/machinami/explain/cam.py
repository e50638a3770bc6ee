"""Heatmaps: what each cell of the feature map adds to each place's score, signed, in logit units."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import get_args

import torch
from torch import Tensor, nn

from machinami.errors import InputError, UsageError
from machinami.explain.closed_form import Method, closed_form
from machinami.explain.gradients import gradient_maps
from machinami.models.network import PlaceModel

__all__ = ["Heatmaps", "Method", "heatmaps"]

COMPLETE_WITHIN = 1e-3  # of the logits; a pooled linear head misses by 1e-6, any other head by far more
COMPLETE_WITHIN_HALF = 5e-2  # where the network itself counts in 16 bits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heatmaps:
    """Heatmaps of a batch, on the device of the images, detached."""

    maps: Tensor  # float32 (N, K, h, w): signed, logit units, not normalised
    logits: Tensor  # float32 (N, K)
    completeness: Tensor  # float32 (N,): largest over the places of |sum of the map + bias − logit|
    places: tuple[str, ...]  # the K places explained
    method: Method
    layer: str  # the stage whose output is explained
    closed_form: bool  # True: from the head's weights; False: by a partial backward pass
    complete: bool  # whether each map and the bias add up to the logit, as measured
    others: Tensor | None = None  # float32 (N, D, h, w): maps of the weights `heads`, where those can be had


def heatmaps(
    model: PlaceModel,
    images: Tensor,
    *,
    method: Method = "gradcam",
    layer: str | None = None,
    places: Sequence[str | int] | None = None,
    heads: Tensor | None = None,
) -> Heatmaps:
    """Heatmaps of all places (or of those named), and the logits, of a batch.

    images: float (N, 3, H, W), normalised, on the model's device.
    method: gradcam and hirescam are signed and, at the last feature map of a pooled linear head, one and the
    same map that sums to logit − bias; layercam and gradcam++ are never negative and sum to nothing in
    particular.
    layer: a stage of the network; the last feature map where None or empty.
    heads: float (D, C), weights of D other linear heads on the same feature map, which cost next to nothing beside
    the network; their maps come in `others`, where the network's own are signed and from its head's weights.

    At the last feature map of a pooled linear head this costs one forward pass. Every batch is checked there:
    where the maps and the bias do not add up to the logits, and everywhere else, a partial backward pass is
    used. It works in training mode (the photos are explained as in eval mode), with frozen parameters, under
    `no_grad`, `inference_mode` and autocast (sums are float32), and leaves modes, gradients and buffers as
    they were.

    Raises UsageError for an unknown method or place, ModelError for an unknown layer, InputError for other
    shapes.
    """
    if method not in get_args(Method):
        raise UsageError(f"no heatmap method {method!r}: choose one of {', '.join(get_args(Method))}")
    if images.ndim != 4:
        raise InputError(f"images have shape {tuple(images.shape)}: hand in a batch (N, 3, H, W)")
    chosen = _indices(model.places, places)
    last = model.stage_names()[-1]
    with torch.inference_mode(mode=False), torch.no_grad(), _evaluating(model):
        activations = model.run_stages(images, stop=layer) if layer else model.features(images)
        if layer in (None, "", last):
            result = _from_head(model, activations, chosen, method=method)
            if result is not None:
                return result if heads is None else replace(result, others=_others(activations, heads, method))
        return _from_gradients(model, activations, chosen, method=method, layer=layer or last)


def _from_head(model: PlaceModel, activations: Tensor, places: Sequence[int], *, method: Method) -> Heatmaps | None:
    """Heatmaps from the head's weights; None where the head is no pooled linear one, whatever it says."""
    head = model.linear_head()
    if head is None or head[0].shape[1] != activations.shape[1]:
        return None
    weight, bias = (tensor.detach()[list(places)] for tensor in head)
    with torch.autocast(activations.device.type, enabled=False):
        complete = closed_form(activations, weight)
        logits = model.classify(activations.to(weight.dtype))[:, list(places)]
        gap = _gap(complete, bias, logits)
        maps = complete if method in ("gradcam", "hirescam") else closed_form(activations, weight, method=method)
    if not _adds_up(gap, logits):
        return None
    gap = gap if maps is complete else _gap(maps, bias, logits)
    return Heatmaps(
        maps=maps.float(),
        logits=logits.float(),
        completeness=gap,
        places=tuple(model.places[index] for index in places),
        method=method,
        layer=model.stage_names()[-1],
        closed_form=True,
        complete=_adds_up(gap, logits),
    )


def _others(activations: Tensor, heads: Tensor, method: Method) -> Tensor | None:
    """Maps of other heads; None for the methods whose maps are not linear in the weights."""
    if method not in ("gradcam", "hirescam"):
        return None
    with torch.autocast(activations.device.type, enabled=False):
        return closed_form(activations, heads.to(activations.device), method=method).float()


def _from_gradients(
    model: PlaceModel, activations: Tensor, places: Sequence[int], *, method: Method, layer: str
) -> Heatmaps:
    """Heatmaps by a backward pass from the logits down to `layer`."""
    if any(parameter.is_inference() for parameter in model.parameters()):
        model = deepcopy(model)  # made in inference mode, its parameters cannot take part in a backward pass
    found = gradient_maps(model, activations, places, method=method, start=layer)
    gap = _gap(found.maps, found.baseline, found.logits)
    return Heatmaps(
        maps=found.maps.float(),
        logits=found.logits.float(),
        completeness=gap,
        places=tuple(model.places[index] for index in places),
        method=method,
        layer=layer,
        closed_form=False,
        complete=_adds_up(gap, found.logits),
    )


def _gap(maps: Tensor, bias: Tensor, logits: Tensor) -> Tensor:
    """float32 (N,): what of the logits the maps and the bias do not account for, at the worst place."""
    return (maps.sum((-2, -1)) + bias - logits).abs().amax(dim=1).float()


def _adds_up(gap: Tensor, logits: Tensor) -> bool:
    """Whether no gap is more than rounding, beside the logits of its photo."""
    within = COMPLETE_WITHIN if torch.finfo(logits.dtype).bits >= 32 else COMPLETE_WITHIN_HALF
    return bool((gap <= within * logits.abs().amax(dim=1).clamp(min=1)).all())


def _indices(known: tuple[str, ...], places: Sequence[str | int] | None) -> list[int]:
    """Positions of the places asked for among those of the model."""
    if places is None:
        return list(range(len(known)))
    if isinstance(places, str) or not places:
        raise UsageError(f"places = {places!r}: give a list of places, at least one of {', '.join(known)}")
    found = []
    for place in places:
        index = known.index(place) if place in known else place
        if not isinstance(index, int) or not 0 <= index < len(known):
            raise UsageError(f"the model does not know the place {place!r}: it knows {', '.join(known)}")
        found.append(index)
    return found


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Eval mode inside; each module's own mode again afterwards."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
