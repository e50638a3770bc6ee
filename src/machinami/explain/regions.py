"""Regions: kinds of things in a photo, given by a mask of region numbers."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from machinami.catalog import Catalog
from machinami.errors import InputError
from machinami.images.decode import BROKEN, quiet

__all__ = ["MaskError", "Regions", "parse_regions", "read_mask", "read_regions"]

FACT = "regions"
ASPECT_WITHIN = 0.03  # a mask whose sides stand in another proportion than the photo's is of another picture
_FORMATS = ["PNG", "TIFF", "BMP", "GIF"]  # those that keep numbers as they are
_NUMBERED = {"1", "L", "P", "I", "I;16", "I;16B"}


@dataclass(frozen=True, slots=True)
class Regions:
    """The regions that masks may show: numbers and names, in the same order; unlabelled numbers left out."""

    numbers: tuple[int, ...]
    names: tuple[str, ...]


class MaskError(InputError):
    """A mask that cannot be used; `reason` is a short code."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: the mask cannot be used ({reason})")
        self.reason = reason


def read_regions(catalog: Catalog) -> Regions | None:
    """The regions that came with the masks, or None where no masks were imported. Raises InputError."""
    text = catalog.fact(FACT)
    return None if text is None else parse_regions(json.loads(text))


def parse_regions(table: Any) -> Regions:
    """Regions from `{"regions": {"1": "building", …}, "unlabelled": [0]}`. Raises InputError."""
    try:
        unlabelled = {int(number) for number in table.get("unlabelled", [0])}
        named = {int(number): str(name) for number, name in table["regions"].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            "the names of the regions are not of the form "
            f'{{"regions": {{"1": "building"}}, "unlabelled": [0]}} ({error!r}): import the masks again'
        ) from error
    numbers = tuple(sorted(set(named) - unlabelled))
    names = tuple(named[number] for number in numbers)
    if len(set(names)) < len(names):
        raise InputError(f"two region numbers have the same name ({', '.join(names)}): import the masks again")
    return Regions(numbers, names)


def read_mask(path: Path, *, photo_size: tuple[int, int] | None, max_pixels: int) -> npt.NDArray[np.uint8]:
    """The region number of every pixel, uint8 (H, W); palette pictures give their indices.

    photo_size: width and height of the photo, upright; the mask may be smaller or larger, in the same
    proportion. Raises MaskError.
    """
    try:
        with quiet(), Image.open(path, formats=_FORMATS) as image:
            reason = _unfit(image, max_pixels)
            pixels = np.zeros((1, 1), np.uint8) if reason else np.asarray(image)
    except FileNotFoundError as error:
        raise MaskError(path, "missing-file") from error
    except (*BROKEN, Image.DecompressionBombError) as error:
        raise MaskError(path, "undecodable") from error
    if reason:
        raise MaskError(path, reason)
    if pixels.min() < 0 or pixels.max() > 255:
        raise MaskError(path, "numbers-above-255")
    if photo_size is not None and not _same_proportion(pixels.shape, photo_size):
        raise MaskError(path, "other-proportions")
    return pixels.astype(np.uint8)


def _unfit(image: Image.Image, max_pixels: int) -> str | None:
    """What a mask's header rules out, before anything is decoded."""
    if image.width * image.height > max_pixels:
        return "too-many-pixels"
    return None if image.mode in _NUMBERED else f"not-numbers: {image.mode} pixels"


def _same_proportion(shape: tuple[int, ...], photo_size: tuple[int, int]) -> bool:
    ratio = (shape[1] / shape[0]) / (photo_size[0] / photo_size[1])
    return abs(ratio - 1) <= ASPECT_WITHIN
