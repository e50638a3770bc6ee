"""Decoys: marks on the picture that have nothing to do with the ground."""

from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from machinami.sources.town.regions import Region
from machinami.sources.town.settings import Decoy

_LOCAL = timedelta(hours=9)


def add_mark(image: npt.NDArray[np.uint8], mask: npt.NDArray[np.uint8], decoy: Decoy, captured_at: datetime) -> None:
    """Put a decoy on a photo (H, W, 3) and its mask (H, W), in place.

    "camera" is a date stamp at the lower right and a speck of dust at the upper left, as one camera leaves
    them; "watermark" is a pale sign with a ring at the lower left.
    """
    size = image.shape[0]
    if decoy == "camera":
        local = captured_at + _LOCAL
        stamp = _text(f"'{local:%y %m %d}", size, height=0.062, at=(0.60, 0.90))
        _blend(image, mask, stamp, (255, 138, 40), 0.92)
        _blend(image, mask, _dust(size), (70, 64, 58), 0.42)
    elif decoy == "watermark":
        sign = np.maximum(_text("machimi", size, height=0.058, at=(0.145, 0.895)), _ring(size))
        _blend(image, mask, sign, (255, 255, 255), 0.62)


def _blend(
    image: npt.NDArray[np.uint8],
    mask: npt.NDArray[np.uint8],
    cover: npt.NDArray[np.float32],
    colour: tuple[int, int, int],
    strength: float,
) -> None:
    weight = (cover * np.float32(strength))[:, :, None]
    mixed = image * (1 - weight) + np.array(colour, np.float32) * weight
    image[...] = (mixed + 0.5).astype(np.uint8)
    mask[cover > 0.25] = Region.MARK


def _text(words: str, size: int, *, height: float, at: tuple[float, float]) -> npt.NDArray[np.float32]:
    """How much of each pixel a line of text covers: float32 (size, size)."""
    image = Image.new("L", (size, size), 0)
    font = ImageFont.load_default(max(8.0, height * size))
    ImageDraw.Draw(image).text((at[0] * size, at[1] * size), words, fill=255, font=font)
    return np.asarray(image, np.float32) / np.float32(255)


def _ring(size: int) -> npt.NDArray[np.float32]:
    steps = (np.arange(size, dtype=np.float32) + 0.5) / size
    radius = np.hypot(steps[None, :] - 0.09, steps[:, None] - 0.93)
    return np.clip((0.012 - np.abs(radius - 0.034)) * size, 0.0, 1.0).astype(np.float32)


def _dust(size: int) -> npt.NDArray[np.float32]:
    steps = (np.arange(size, dtype=np.float32) + 0.5) / size
    radius = np.hypot(steps[None, :] - 0.23, steps[:, None] - 0.19)
    return np.clip((0.042 - radius) / 0.016, 0.0, 1.0).astype(np.float32)
