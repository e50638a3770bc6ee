"""Between the cells of a heatmap and the pixels of a photo: half-pixel bilinear, and its adjoint."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

__all__ = ["Crop", "pool_mask", "pooling_matrix", "upsample"]

Floats = npt.NDArray[np.float32]
Crop = tuple[float, float, float, float]  # left, top, right, bottom as shares of the photo, 0 … 1
WHOLE: Crop = (0.0, 0.0, 1.0, 1.0)


@lru_cache(maxsize=256)
def pooling_matrix(cells: int, pixels: int) -> Floats:
    """R, float32 (cells, pixels): how much each pixel takes from each cell; every column sums to 1.

    Half-pixel bilinear (centres at (i + ½) / n, edges repeated), which is torch's `align_corners=False`.
    Upsampling
    multiplies with Rᵀ, pooling with R: they are adjoint, ⟨Rᵀ m, s⟩ = ⟨m, R s⟩.
    """
    position = np.clip((np.arange(pixels) + 0.5) * cells / pixels - 0.5, 0, cells - 1)
    low = np.floor(position).astype(int)
    high = np.minimum(low + 1, cells - 1)
    share = position - low
    matrix = np.zeros((cells, pixels))
    np.add.at(matrix, (low, np.arange(pixels)), 1 - share)
    np.add.at(matrix, (high, np.arange(pixels)), share)
    matrix.setflags(write=False)
    return matrix.astype(np.float32)


def upsample(maps: Floats, *, height: int, width: int, keep_sum: bool = False) -> Floats:
    """Maps float32 (…, height, width) from maps (…, h, w), smooth between the cells' centres.

    With `keep_sum` the values are divided by the number of pixels a cell covers, so that a map still sums to
    its logit (exactly where height and width are multiples of h and w, else within 1e-3).
    """
    rows, columns = maps.shape[-2:]
    grown = pooling_matrix(rows, height).T @ maps.astype(np.float32) @ pooling_matrix(columns, width)
    return grown * np.float32(rows * columns / (height * width)) if keep_sum else grown


def pool_mask(
    mask: npt.NDArray[np.uint8], regions: Sequence[int], *, grid: tuple[int, int], crop: Crop = WHOLE
) -> Floats:
    """Soft share of each cell in each region: float32 (S + 1, h, w), which over the regions sums to 1.

    mask: uint8 (H, W), a region number a pixel, of any size: it covers the same ground as the photo, and the
    network saw the whole photo (or its part `crop`). regions: the S numbers asked for; the last row is all
    other numbers.

    G_s = R_y 1_s R_xᵀ N / (H W), the adjoint of upsampling, so that ⟨M, G_s⟩ is the upsampled map's sum over
    region s.
    """
    part = _enlarged(_cut(mask, crop), grid)
    height, width = part.shape
    down, across = pooling_matrix(grid[0], height), pooling_matrix(grid[1], width)
    rows = [down @ (part == number).astype(np.float32) @ across.T for number in regions]
    everything = np.outer(down.sum(1), across.sum(1))  # a cell's weight; equal for all where the factors are integers
    known = np.stack(rows) if rows else np.zeros((0, *grid), np.float32)
    shares = known / everything
    rest = np.clip(1 - shares.sum(0, keepdims=True), 0, 1)
    return np.concatenate([shares, rest]).astype(np.float32)


def _cut(mask: npt.NDArray[np.uint8], crop: Crop) -> npt.NDArray[np.uint8]:
    """The part of a mask inside `crop`, whole pixels, one at least."""
    if crop == WHOLE:
        return mask
    height, width = mask.shape
    left, top = round(crop[0] * width), round(crop[1] * height)
    right, bottom = round(crop[2] * width), round(crop[3] * height)
    return mask[top : max(bottom, top + 1), left : max(right, left + 1)]


def _enlarged(mask: npt.NDArray[np.uint8], grid: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """A mask with at least a pixel for every cell: each pixel repeated where there are fewer."""
    rows, columns = (-(-cells // pixels) for cells, pixels in zip(grid, mask.shape, strict=True))
    return mask.repeat(rows, axis=0).repeat(columns, axis=1)
