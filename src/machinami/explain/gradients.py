"""Heatmaps by a backward pass that ends at the chosen stage: for any head, and for inner stages."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from machinami.explain.closed_form import Method
from machinami.models.network import PlaceModel

__all__ = ["GradientMaps", "gradient_maps", "weigh"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GradientMaps:
    """Maps (N, K, h, w), their logits (N, K), and the logits (K,) of a last feature map of zeros."""

    maps: Tensor
    logits: Tensor
    baseline: Tensor


def gradient_maps(
    model: PlaceModel, activations: Tensor, places: Sequence[int], *, method: Method, start: str
) -> GradientMaps:
    """Heatmaps of the stage `start`, whose output `activations` is, float (N, C, h, w).

    The gradient goes no further down than `activations`: no parameter gets one, and the graph is gone when
    this returns. Call it outside inference mode, with the model in eval mode.
    """
    wide = torch.promote_types(activations.dtype, torch.float32)
    kind = next((parameter.dtype for parameter in model.parameters()), activations.dtype)
    with torch.autocast(activations.device.type, enabled=False):
        leaf = activations.detach().to(kind).clone().requires_grad_()
        with torch.enable_grad():
            # A clone goes on: a stage that works in place must not change what gradients are multiplied with.
            last = model.run_stages(leaf.clone(), start=start)
            empty = torch.zeros_like(last[:1], requires_grad=False)
            logits = model.classify(last)
            sums = logits.sum(0).unbind()  # photos do not influence each other in eval mode
        amounts = leaf.detach().to(wide)
        maps = []
        for left, index in zip(range(len(places) - 1, -1, -1), places, strict=True):
            (gradient,) = torch.autograd.grad(sums[index], leaf, retain_graph=left > 0)
            maps.append(weigh(amounts, gradient.to(wide), method=method))
        with torch.no_grad():
            baseline = model.classify(empty)[0]
    chosen = list(places)
    return GradientMaps(
        maps=torch.stack(maps, dim=1),
        logits=logits.detach()[:, chosen],
        baseline=baseline[chosen],
    )


def weigh(activations: Tensor, gradient: Tensor, *, method: Method) -> Tensor:
    """One place's map, float (N, h, w), from activations A and gradient g = ∂y/∂A, both float (N, C, h, w).

    gradcam: Σ_k mean(g_k) A_k, before its ReLU (Selvaraju 2017, equations 1 and 2): signed.
    hirescam: Σ_k g_k ⊙ A_k (Draelos & Carin 2020): signed.
    layercam: ReLU Σ_k relu(g_k) ⊙ A_k (Jiang 2021, equation 7): never negative.
    gradcam++: ReLU Σ_k A_k Σ_cells α relu(g_k), α = g² / (2 g² + Σ A g³) (Chattopadhay 2018, equations 12, 15
    and 19): never negative. The fraction is divided through by g², so that no small number need stand in for
    zero.
    """
    if method == "gradcam":
        return torch.einsum("nc,nchw->nhw", gradient.mean((-2, -1)), activations)
    if method == "hirescam":
        return torch.einsum("nchw,nchw->nhw", gradient, activations)
    if method == "layercam":
        return torch.einsum("nchw,nchw->nhw", gradient.relu(), activations).relu()
    denominator = 2 + activations.sum((-2, -1), keepdim=True) * gradient
    alpha = torch.where(denominator == 0, 0.0, 1 / denominator)
    channels = (alpha * gradient.relu()).sum((-2, -1))
    return torch.einsum("nc,nchw->nhw", channels, activations).relu()
