"""Everything the catalogue wants to know of a photo's file, in one decoding."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from machinami.images.decode import SUFFIXES, name_of, open_photo, to_rgb
from machinami.images.exif import ExifFacts, read_exif
from machinami.images.flatness import grey_share

__all__ = ["Measured", "digest_pixels", "measure_photo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A photo that could be decoded."""

    suffix: str  # what its bytes are: ".jpg", ".png" …
    width: int  # pixels, upright
    height: int
    pixels_sha256: str
    grey_share: float  # 0 … 1, see machinami.images.flatness
    exif: ExifFacts


def measure_photo(source: Path | bytes, *, max_pixels: int, now: datetime) -> Measured:
    """The photo's size, digest of its pixels, and EXIF. Raises PhotoError with the reason where it has none."""
    with open_photo(source, max_pixels=max_pixels) as image:
        suffix = SUFFIXES[image.format or ""]
        pixels = to_rgb(image, name=name_of(source))
        exif = read_exif(image, now=now)
    height, width = pixels.shape[:2]
    return Measured(
        suffix=suffix,
        width=width,
        height=height,
        pixels_sha256=digest_pixels(pixels),
        grey_share=grey_share(pixels),
        exif=exif,
    )


def digest_pixels(pixels: npt.NDArray[np.uint8]) -> str:
    """SHA-256 over size and pixels, uint8 (H, W, 3): equal where two photos show exactly the same."""
    height, width = pixels.shape[:2]
    digest = hashlib.sha256(f"{width} {height} ".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()
