"""Perceptual hashes: 64 bits that stay nearly the same when a photo is resized, compressed or brightened."""

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.fft import dctn

__all__ = ["HASHED_SIDE_PX", "hash_pixels"]

HASHED_SIDE_PX = 128  # decode photos no larger than this for hashing: four pixels for each that the larger hash sees

Pixels = npt.NDArray[np.uint8]


def hash_pixels(pixels: Pixels) -> tuple[int, int]:
    """The dHash and the pHash of a picture, uint8 (H, W, 3) RGB: two numbers of 64 bits.

    dHash (Krawetz 2013, "Kind of Like That"): whether each cell of an 8 × 8 grid is darker than its right neighbour.
    pHash (Krawetz 2011, "Looks Like It"): whether each of the 8 × 8 lowest frequencies of the cosine transform of the
    picture at 32 × 32 is above their median.
    """
    grey = Image.fromarray(pixels).convert("L")
    cells = np.asarray(grey.resize((9, 8), Image.Resampling.BOX), np.int16)
    small = np.asarray(grey.resize((32, 32), Image.Resampling.BOX), np.float64)
    lowest = dctn(small, norm="ortho")[:8, :8]
    return _pack(cells[:, 1:] > cells[:, :-1]), _pack(lowest > np.median(lowest))


def _pack(bits: npt.NDArray[np.bool_]) -> int:
    return int.from_bytes(np.packbits(bits).tobytes(), "big")
