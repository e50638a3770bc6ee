"""What a region is filled with when it is blanked out: three pictures, since each has a bias of its own."""

from collections.abc import Callable, Mapping
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["FILLINGS", "blur_of", "fill_blur", "fill_inpaint", "fill_mean"]

BLUR = 1 / 14  # standard deviation of the blur, as a share of the edge: half a cell of a 7 × 7 heatmap

Fill = Callable[[Tensor, Tensor], Tensor]


def fill_blur(image: Tensor, masks: Tensor) -> Tensor:
    """The image, blurred where each mask is, float (M, 3, H, W): the region's own colours stay, its texture goes.

    image: float (3, H, W).  masks: bool (M, H, W).
    """
    return torch.where(masks[:, None], blur_of(image)[None], image[None])


def fill_mean(image: Tensor, masks: Tensor) -> Tensor:
    """The same with the mean colour of all that lies outside the mask (of the whole image where nothing does)."""
    outside = (~masks).flatten(1).to(image.dtype)
    outside = torch.where(outside.sum(1, keepdim=True) > 0, outside, torch.ones_like(outside))
    colours = outside @ image.flatten(1).T / outside.sum(1, keepdim=True)
    return torch.where(masks[:, None], colours[:, :, None, None], image[None])


def fill_inpaint(image: Tensor, masks: Tensor) -> Tensor:
    """The same with colours that spread inwards from the mask's surroundings: smooth, without texture.

    Means of what is known, on ever coarser grids, fill what is unknown on the finer one (pull and push: Gortler et
    al. 1996, *The Lumigraph*, section 3.4). A mask over everything leaves zeros, the network's mean colour.
    """
    known = (~masks[:, None]).to(image.dtype)
    levels = [(image[None] * known, known)]
    while max(levels[-1][1].shape[-2:]) > 1:
        colours, weights = levels[-1]
        levels.append((_halved(colours), _halved(weights)))
    colours, weights = levels[-1]
    filled = torch.where(weights > 0, colours / weights.clamp(min=1e-12), 0.0)
    for colours, weights in reversed(levels[:-1]):
        coarse = functional.interpolate(filled, size=colours.shape[-2:], mode="bilinear", align_corners=False)
        filled = colours + (1 - weights) * coarse
    return filled


def _halved(grid: Tensor) -> Tensor:
    """Means of 2 × 2; odd edges are means of what there is."""
    return functional.avg_pool2d(grid, 2, ceil_mode=True, count_include_pad=False)


def blur_of(image: Tensor) -> Tensor:
    """The image (3, H, W) under a Gaussian whose weights sum to 1 at the borders, too."""
    down, across = (_gaussian(edge).to(image) for edge in image.shape[-2:])
    return down @ image @ across.T


@lru_cache(maxsize=8)
def _gaussian(edge: int) -> Tensor:
    """float64 (edge, edge): the weights of each pixel of a line for each other."""
    place = torch.arange(edge, dtype=torch.float64)
    weights = torch.exp(-0.5 * ((place[:, None] - place) / (BLUR * edge)) ** 2)
    return weights / weights.sum(1, keepdim=True)


FILLINGS: Mapping[str, Fill] = {"blur": fill_blur, "mean": fill_mean, "inpaint": fill_inpaint}
