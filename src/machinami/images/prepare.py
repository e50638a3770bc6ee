"""From a decoded photo to what a network sees: the whole photo, squashed to a square, then normalised."""

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["fit_square"]

Pixels = npt.NDArray[np.uint8]


def fit_square(pixels: Pixels, size_px: int) -> Pixels:
    """uint8 (size, size, 3) of the whole photo, uint8 (H, W, 3) RGB; the sides are scaled each by itself (bicubic).

    Every photo passes through this on its way to the network, in training and in predicting alike. Nothing is cut off,
    so positions in the photo, in the network's input and in a region mask are the same fractions of width and height.
    """
    if pixels.shape[:2] == (size_px, size_px):
        return pixels
    resized = Image.fromarray(pixels).resize((size_px, size_px), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.asarray(resized)
