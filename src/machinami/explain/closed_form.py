"""Heatmaps of a pooled linear head: the gradient is known, so one product gives those of all places."""

from typing import Literal

import torch
from torch import Tensor

__all__ = ["Method", "closed_form"]

Method = Literal["gradcam", "hirescam", "layercam", "gradcam++"]


def closed_form(activations: Tensor, weight: Tensor, *, method: Method = "gradcam") -> Tensor:
    """Maps float (N, K, h, w) of y = W · mean over cells of A + b, where ∂y_c / ∂A_k is w_ck / (h w).

    activations: float (N, C, h, w).  weight: float (K, C).  Sums run in float32 at least.

    gradcam, hirescam: signed, logit units; their sum over cells is y − b (Zhou 2016; Selvaraju 2017,
    equations 1, 2). layercam (Jiang 2021, equation 7) and gradcam++ (Chattopadhay 2018, equations 12 and 19):
    positive weights alone, then a ReLU, so never negative and not complete.
    """
    wide = torch.promote_types(activations.dtype, torch.float32)
    activations, weight = activations.to(wide), weight.detach().to(wide)
    cells = activations.shape[-2] * activations.shape[-1]
    if method in ("gradcam", "hirescam"):
        return _project(weight / cells, activations)
    if method == "layercam":
        return _project(weight.relu() / cells, activations).relu()
    denominator = 2 + weight * activations.mean((-2, -1))[:, None, :]  # (N, K, C): equation 19 times 1 / g²
    channels = torch.where(denominator == 0, 0.0, weight.relu() / denominator)
    return _project(channels, activations).relu()


def _project(channels: Tensor, activations: Tensor) -> Tensor:
    """Σ_k channels_k A_k: float (N, K, h, w) from channels (K, C) or (N, K, C)."""
    flat = torch.matmul(channels, activations.flatten(2))
    return flat.reshape(*flat.shape[:2], *activations.shape[-2:])
