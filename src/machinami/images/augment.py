"""Random crops and colours for whole batches, with each photo's chances drawn from its own seed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["CropChances", "crop_randomly", "resize_plainly"]

ASPECT = 4 / 3  # crops are at most this much wider or taller than the square, as in torchvision's RandomResizedCrop


@dataclass(frozen=True, slots=True, kw_only=True)
class CropChances:
    """How far a random view may lie from the photo."""

    min_crop: float  # smallest share of the area
    colour_jitter: float  # largest change of brightness and of contrast
    flip: bool  # mirror half of the views


def resize_plainly(pixels: Tensor, *, size_px: int) -> Tensor:
    """float32 (N, 3, size, size) in 0 … 1 of whole squares uint8 (N, S, S, 3)."""
    images = pixels.permute(0, 3, 1, 2).float() / 255
    if images.shape[-1] == size_px:
        return images
    return F.interpolate(images, (size_px, size_px), mode="bilinear", antialias=True, align_corners=False)


def crop_randomly(pixels: Tensor, *, size_px: int, chances: CropChances, seeds: Sequence[Sequence[int]]) -> Tensor:
    """float32 (N, 3, size, size) in 0 … 1: a random view of each square of uint8 (N, S, S, 3).

    `seeds` holds some whole numbers a photo, e.g. (seed, photo_id, view): the view depends on nothing else.
    """
    drawn = np.stack([np.random.default_rng(list(seed)).random(7) for seed in seeds]).astype(np.float32)
    grid = F.affine_grid(
        torch.from_numpy(_boxes(drawn, chances)).to(pixels.device),
        [len(seeds), 3, size_px, size_px],
        align_corners=False,
    )
    images = pixels.permute(0, 3, 1, 2).float() / 255
    views = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    change = torch.from_numpy(1 + (drawn[:, 5:7] * 2 - 1) * chances.colour_jitter).to(pixels.device)
    brightness, contrast = change[:, 0].view(-1, 1, 1, 1), change[:, 1].view(-1, 1, 1, 1)
    views = views * brightness
    middle = views.mean(dim=(1, 2, 3), keepdim=True)
    return ((views - middle) * contrast + middle).clamp(0, 1)


def _boxes(drawn: npt.NDArray[np.float32], chances: CropChances) -> npt.NDArray[np.float32]:
    """float32 (N, 2, 3): affine maps from the view's corners (−1 … 1) to the crop's, from seven numbers in 0 … 1."""
    area = drawn[:, 0] * (1 - chances.min_crop) + chances.min_crop
    aspect = np.exp((drawn[:, 1] * 2 - 1) * math.log(ASPECT))
    width, height = np.minimum(np.sqrt(area * aspect), 1), np.minimum(np.sqrt(area / aspect), 1)
    boxes = np.zeros((len(drawn), 2, 3), np.float32)
    mirrored = (drawn[:, 4] < 0.5) & chances.flip
    boxes[:, 0, 0] = np.where(mirrored, -width, width)
    boxes[:, 1, 1] = height
    boxes[:, 0, 2] = (drawn[:, 2] * 2 - 1) * (1 - width)
    boxes[:, 1, 2] = (drawn[:, 3] * 2 - 1) * (1 - height)
    return boxes
