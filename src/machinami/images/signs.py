"""What a small copy of a photo shows of light, sharpness and information, in a few milliseconds."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from machinami.images.decode import decode_photo

__all__ = ["GRID", "SIGNS_SIDE_PX", "Signs", "read_signs", "signs_of"]

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

SIGNS_SIDE_PX = 256  # about what a network sees of a photo: blur that is gone at this size does no harm
GRID = 16  # rows and columns of the coarse picture

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_BLACK, _WHITE = 24, 250  # levels at and beyond which hardly anything can be told apart
_BLUR_PX = 9  # length of the second blur, as in the paper
_LIKE_LEVELS = 1  # what is filled in stays flat in a JPEG; thick fog has more noise
_LIKE_SHARE = 0.97  # of a row's pixels: the row where a file broke off may be half there


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """Measures of one photo, of a copy whose shorter side has at most 256 pixels."""

    brightness: float  # mean luma, 0 … 255
    light: float  # the luma that one pixel in twenty exceeds
    dark_share: float  # share of pixels below 24
    bright_share: float  # share of pixels above 250
    blur: float  # 0 sharp … 1 blurred, see `blur_effect`
    entropy: float  # of the luma's 256 levels, bits, 0 … 8
    still_share: float  # share of the height from below, or of the width, over which nothing changes
    seam: float  # difference of the outer columns over that of the left and the middle one: near 0 all around a sphere
    grid: bytes  # GRID × GRID mean luma, uint8, row by row from the upper left


def read_signs(path: Path | bytes, *, max_pixels: int) -> Signs:
    """The measures of a photo's file. Raises PhotoError."""
    return signs_of(decode_photo(path, max_pixels=max_pixels, shorter_side_px=SIGNS_SIDE_PX))


def signs_of(pixels: Pixels) -> Signs:
    """The measures of a small picture, uint8 (H, W, 3), RGB."""
    luma: Floats = pixels @ _LUMA
    levels = np.minimum(luma, 255).astype(np.uint8)
    shares = np.bincount(levels.ravel(), minlength=256) / levels.size
    filled = shares[shares > 0]
    across = pixels.swapaxes(0, 1)
    small = Image.fromarray(levels).resize((GRID, GRID), Image.Resampling.BOX)
    return Signs(
        brightness=float(luma.mean()),
        light=float(np.searchsorted(np.cumsum(shares), 0.95)),
        dark_share=float(shares[:_BLACK].sum()),
        bright_share=float(shares[_WHITE + 1 :].sum()),
        blur=max(blur_effect(luma), blur_effect(luma.T)),
        entropy=abs(float((filled * np.log2(filled)).sum())),
        still_share=max(map(_still_share, (pixels[::-1], across, across[::-1]))),
        seam=_seam(luma),
        grid=small.tobytes(),
    )


def blur_effect(luma: Floats) -> float:
    """How little a further blur down the columns of float (H, W) changes: 0 sharp … 1 blurred.

    Crété-Roffet, Dolmiere, Ladret and Nicolas 2007, The Blur Effect: Perception and Estimation with a New No-Reference
    Perceptual Blur Metric (Human Vision and Electronic Imaging XII), equations 1–7. Only differences that the blur
    makes smaller count. 1 for a picture without any difference, or one too small for the blur.
    """
    if luma.shape[0] <= _BLUR_PX + 1:
        return 1.0
    sums = np.pad(np.cumsum(luma, axis=0, dtype=np.float64), ((1, 0), (0, 0)))
    blurred = (sums[_BLUR_PX:] - sums[:-_BLUR_PX]) / _BLUR_PX
    margin = _BLUR_PX // 2
    sharp = np.abs(np.diff(luma[margin:-margin], axis=0))
    lost = np.maximum(0, sharp - np.abs(np.diff(blurred, axis=0))).sum(dtype=np.float64)
    whole = sharp.sum(dtype=np.float64)
    return float(1 - lost / whole) if whole > 0 else 1.0


def _still_share(pixels: Pixels) -> float:
    """Share of the rows, from the first on, that are like the first one: what a decoder fills in for lost data."""
    near = np.abs(pixels.astype(np.int16) - pixels[0].astype(np.int16)).max(axis=2) <= _LIKE_LEVELS
    changing = np.flatnonzero(near.mean(axis=1) < _LIKE_SHARE)
    return float(changing[0] / len(near)) if changing.size else 1.0


def _seam(luma: Floats) -> float:
    """How far the right edge is from going on at the left one: about 1 in a flat picture."""
    left, right, middle = luma[:, 0], luma[:, -1], luma[:, luma.shape[1] // 2]
    usual = float(np.abs(left - middle).mean())
    return float(np.abs(left - right).mean()) / usual if usual > 0 else 1.0
