"""How much of a picture is one flat grey: next to none of a street, nearly all of a "no imagery" card."""

import numpy as np
import numpy.typing as npt

__all__ = ["grey_share"]

_NEAR_LEVELS = 3  # JPEG noise around a flat colour
_GREY_SPREAD = 12  # largest difference between the channels of what still counts as grey (#E4E3DF has 5)
_SAMPLED_PIXELS = 1 << 14


def grey_share(pixels: npt.NDArray[np.uint8]) -> float:
    """Share (0 … 1) of the pixels within 3 levels of the commonest colour; 0 where that colour is no grey.

    pixels: uint8 (H, W, 3), RGB. Large pictures are counted on an even grid of about 16 000 pixels.
    """
    height, width = pixels.shape[:2]
    step = max(1, int((height * width / _SAMPLED_PIXELS) ** 0.5))
    colours = pixels[::step, ::step].reshape(-1, 3).astype(np.int32)
    packed = (colours[:, 0] << 16) | (colours[:, 1] << 8) | colours[:, 2]
    values, counts = np.unique(packed, return_counts=True)
    commonest = int(values[counts.argmax()])
    colour = np.array([commonest >> 16, (commonest >> 8) & 255, commonest & 255])
    if np.ptp(colour) > _GREY_SPREAD:
        return 0.0
    return float((np.abs(colours - colour).max(axis=1) <= _NEAR_LEVELS).mean())
