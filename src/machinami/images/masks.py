"""Masks: pictures that hold a region number for every pixel of a photo. One set of rules, whoever reads them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from machinami.errors import InputError
from machinami.images.decode import BROKEN, PhotoError, one_line, open_photo

__all__ = ["MaskError", "read_mask"]

_NUMBERED = {"P", "L", "1", "I;16", "I"}


class MaskError(InputError):
    """A mask that cannot be used; its photo stays. `reason` is "code: details"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_mask(path: Path, *, size: tuple[int, int] | None, max_pixels: int) -> npt.NDArray[np.uint8]:
    """The region number of every pixel, uint8 (H, W): the raw values of a grey or palette PNG.

    size: width and height of the photo, upright, where they are known; the mask must have that size, or that
    shape at another size. Raises MaskError.
    """
    try:
        with open_photo(path, max_pixels=max_pixels) as image:
            kind, mode = image.format, image.mode
            values = np.array(image) if kind == "PNG" else np.zeros((1, 1))
    except PhotoError as error:
        raise MaskError(f"mask-{error.reason}") from error
    except BROKEN as error:
        raise MaskError(f"mask-undecodable: {one_line(error)}") from error
    if kind != "PNG":
        raise MaskError(f"mask-not-png: {kind}")
    if mode not in _NUMBERED:
        raise MaskError(f"mask-not-numbers: a {mode} picture; wanted is one number per pixel")
    if values.max(initial=0) > 255:
        raise MaskError(f"mask-not-numbers: the value {values.max()} is above 255")
    height, width = values.shape
    if size is not None and not _same_shape((width, height), size):
        raise MaskError(f"mask-size: {width} × {height} for a photo of {size[0]} × {size[1]}")
    return values.astype(np.uint8)


def _same_shape(mask: tuple[int, int], photo: tuple[int, int]) -> bool:
    """Whether both are the same rectangle at some scale, to a pixel of the mask."""
    return (
        abs(mask[0] * photo[1] - mask[1] * photo[0]) <= max(photo)
        and min(mask) * 8 >= min(photo)  # a thumbnail of a mask tells too little
    )
