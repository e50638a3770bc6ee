"""What remains of heatmaps when all that is common to the places is taken away."""

from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:  # `status` reads heatmap files, and answers without torch
    from torch import Tensor

__all__ = ["centred", "contrast"]

Maps = TypeVar("Maps", "Tensor", npt.NDArray[np.float32])


def centred(maps: Maps) -> Maps:
    """M_c − mean over places of M_j, the same shape (…, K, h, w): all places must be there.

    Adding one vector to every place's weights changes no probability, yet it changes every raw map; it does
    not change these. Statements over many photos are made from them.
    """
    middle: Maps = maps.sum(-3)[..., None, :, :] / maps.shape[-3]
    return maps - middle


def contrast(maps: Maps, a: int, b: int) -> Maps:
    """Why place `a` and not place `b`: M_a − M_b, float (…, h, w); it sums to y_a − y_b, biases aside."""
    return maps[..., a, :, :] - maps[..., b, :, :]
