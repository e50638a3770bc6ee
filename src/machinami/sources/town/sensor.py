"""From linear light to the file: exposure, colour cast, softness, vignette, noise."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from machinami.sources.town.drive import CameraModel

FloatArray = npt.NDArray[np.float32]


def develop(colour: FloatArray, camera: CameraModel, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """The photo that a camera makes of a picture in linear light (3, H, W): uint8 (H, W, 3), RGB."""
    size = colour.shape[1]
    mean = float(colour.mean())
    exposure = (0.40 / max(mean, 0.02)) ** 0.8 * 2.0 ** rng.normal(0.0, 0.12)
    steps = np.linspace(-1.0, 1.0, size, dtype=np.float32)
    radius = steps[:, None] ** 2 + steps[None, :] ** 2
    gain = np.float32(exposure) * (1.0 - np.float32(camera.vignette / 2) * radius)
    warmth = np.float32(camera.warmth * 2.0 ** rng.normal(0.0, 0.025))
    out = np.maximum(colour, np.float32(0.0))
    out *= gain
    out[0] *= warmth
    out[2] /= warmth
    # A soft shoulder keeps the sky from burning out; the square root is the display's gamma of 2.
    out *= (1.0 + out * np.float32(0.16)) / (1.0 + np.float32(0.62) * out)
    np.sqrt(out, out=out)
    out += np.float32(0.55) * out * (1 - out) * (2 * out - np.float32(0.86))  # a little contrast
    if camera.softness:
        out = _soften(out, camera.softness)
    grey = _noise(size, rng) * np.float32(camera.noise)
    tint = np.stack([_noise(size // 2 + 1, rng) for _ in range(3)]) * np.float32(camera.noise * 0.7)
    out += grey + np.repeat(np.repeat(tint, 2, axis=1), 2, axis=2)[:, :size, :size]
    out *= np.float32(255.0)
    out += np.float32(0.5)
    return np.ascontiguousarray(np.clip(out, 0.5, 255.5, out=out).astype(np.uint8).transpose(1, 2, 0))


def _noise(size: int, rng: np.random.Generator) -> FloatArray:
    """Independent normal numbers, as a piece of a sheet that is cut where chance will have it: float32 (size, size)."""
    sheet = _noise_sheet(1 << max(size - 1, 1023).bit_length())
    row, column = rng.integers(0, len(sheet) - size + 1, 2)
    return sheet[row : row + size, column : column + size]


@lru_cache(maxsize=2)
def _noise_sheet(size: int) -> FloatArray:
    return np.random.default_rng(11).standard_normal((size, size), np.float32)


def _soften(colour: FloatArray, amount: float) -> FloatArray:
    """A part of each pixel mixed from its four neighbours."""
    padded = np.pad(colour, ((0, 0), (1, 1), (1, 1)), mode="edge")
    around = padded[:, :-2, 1:-1] + padded[:, 2:, 1:-1] + padded[:, 1:-1, :-2] + padded[:, 1:-1, 2:]
    part = np.float32(amount * 0.5)
    return colour * (1 - part) + around * (part / 4)
