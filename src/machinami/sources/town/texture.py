"""Noise for surfaces: a tile that repeats without a seam, read by position."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

TILE_PX = 512

FloatArray = npt.NDArray[np.float32]


@lru_cache(maxsize=8)
def noise_tile(exponent: float, seed: int) -> FloatArray:
    """Seamless noise with a power-law spectrum, mean 0, standard deviation 1: float32 (512, 512).

    The larger the exponent the softer: about 1 for grain, 1.8 for clouds.
    """
    spectrum = np.fft.rfft2(np.random.default_rng(seed).standard_normal((TILE_PX, TILE_PX)))
    rows = np.fft.fftfreq(TILE_PX)[:, None]
    columns = np.fft.rfftfreq(TILE_PX)[None, :]
    frequency = np.hypot(rows, columns)
    frequency[0, 0] = 1.0
    spectrum *= frequency**-exponent
    spectrum[0, 0] = 0.0
    tile = np.fft.irfft2(spectrum, s=(TILE_PX, TILE_PX))
    return np.asarray(tile / tile.std(), np.float32)


def noise_at(x: FloatArray, y: FloatArray, per_unit: float) -> FloatArray:
    """Soft noise (exponent 1.2) where a tile of 512 steps covers 512 / (40 per_unit) units: float32 (n,)."""
    return _read(noise_tile(1.2, 1), x, y, np.float32(40.0 * per_unit))


def grain_at(x: FloatArray, y: FloatArray, per_unit: float, *, single: int = 0) -> FloatArray:
    """Fine noise (exponent 0.6), 40 per_unit steps to a unit: float32 (n,).

    The first `single` positions are the only ones that their pixels look at: they get the mean of four
    neighbours, as softly as several looks come out.
    """
    steps = np.float32(40.0 * per_unit)
    return np.concatenate(
        [_read(_soft_grain(), x[:single], y[:single], steps), _read(noise_tile(0.6, 2), x[single:], y[single:], steps)]
    )


@lru_cache(maxsize=1)
def _soft_grain() -> FloatArray:
    tile = noise_tile(0.6, 2)
    pairs = tile + np.roll(tile, 1, axis=0)
    return np.asarray((pairs + np.roll(pairs, 1, axis=1)) * np.float32(0.25))


def cloud_at(x: FloatArray, y: FloatArray, per_unit: float) -> FloatArray:
    """Very soft noise (exponent 2.1), 40 per_unit steps to a unit: float32 (n,)."""
    return _read(noise_tile(2.1, 3), x, y, np.float32(40.0 * per_unit))


def _read(tile: FloatArray, x: FloatArray, y: FloatArray, steps: np.float32) -> FloatArray:
    column = np.multiply(x, steps).astype(np.int32) & (TILE_PX - 1)
    row = np.multiply(y, steps).astype(np.int32) & (TILE_PX - 1)
    return tile.ravel().take(row * np.int32(TILE_PX) + column)


def scatter(x: FloatArray, y: FloatArray) -> FloatArray:
    """A number in [0, 1) for each pair, far from its neighbours' (a sine hash): float32 (n,)."""
    value = np.sin(x * np.float32(12.9898) + y * np.float32(78.233)) * np.float32(437.5453)
    return np.asarray(value - np.floor(value), np.float32)


def put(colour: FloatArray, at: npt.NDArray[np.int64], values: FloatArray) -> None:
    """Set colour[:, at] to values, float32 (3, n) or (n,): several times faster than by index."""
    for row, value in zip(colour, np.broadcast_to(values, (len(colour), len(at))), strict=True):
        row[at] = value
