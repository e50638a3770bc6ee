"""Photos decoded once: a memory-mapped file of squares at the size that training needs, cheap to crop from."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from machinami.catalog import Photo
from machinami.errors import InputError
from machinami.files import digest_json, replacing
from machinami.images.decode import PhotoError, decode_photo
from machinami.images.prepare import fit_square
from machinami.progress import Progress, silent

__all__ = ["PixelCache", "Stacked", "cache_pixels", "open_cached"]

FORMAT = 1  # raise when what is stored changes, so that older files are not used


@dataclass(frozen=True, slots=True)
class Stacked:
    """Several arrays (n_i, …) that are read as one of (Σ n_i, …), without being copied together."""

    parts: tuple[npt.NDArray[Any], ...]

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def take(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """A copy of these rows, in the order asked for."""
        taken = np.empty((len(rows), *self.parts[0].shape[1:]), self.parts[0].dtype)
        first = 0
        for part in self.parts:
            inside = (rows >= first) & (rows < first + len(part))
            taken[inside] = part[rows[inside] - first]
            first += len(part)
        return taken


@dataclass(frozen=True, slots=True)
class PixelCache:
    """The squares of groups of photos, in the order asked for."""

    squares: Stacked  # uint8 (N, size, size, 3), RGB, memory-mapped, one part a group
    keys: tuple[str, ...]  # of each group: digest of the photos and of how they were decoded


def cache_pixels(
    folder: Path,
    groups: Sequence[Sequence[Photo]],
    *,
    size_px: int,
    path_of: Callable[[str], Path],
    max_pixels: int,
    progress: Progress = silent,
) -> PixelCache:
    """Squares of the photos, decoded now or found in `folder`, where each group has a file of its own.

    Raises InputError where a photo that passed the check can no longer be read.
    """
    filled = [group for group in groups if group]
    keys = tuple(digest_json([FORMAT, size_px, max_pixels, [photo.sha256 for photo in group]]) for group in filled)
    parts = []
    for key, group in zip(keys, filled, strict=True):
        file = folder / f"pixels-{key[:24]}.npy"
        part = open_cached(file, rows=len(group), dtype=np.uint8)
        if part is None:
            _decode_group(file, group, size_px=size_px, path_of=path_of, max_pixels=max_pixels, progress=progress)
            part = np.load(file, mmap_mode="r")
        parts.append(part)
    return PixelCache(Stacked(tuple(parts)), keys)


def open_cached(file: Path, *, rows: int, dtype: type[np.generic]) -> npt.NDArray[Any] | None:
    """The array (rows, …) of four dimensions in a cache file, memory-mapped; None where it has to be made (again)."""
    try:
        found = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):  # there is none, or it was cut
        return None
    whole = isinstance(found, np.ndarray) and found.ndim == 4 and found.dtype == dtype and len(found) == rows
    return found if whole else None


def _decode_group(
    file: Path,
    photos: Sequence[Photo],
    *,
    size_px: int,
    path_of: Callable[[str], Path],
    max_pixels: int,
    progress: Progress,
) -> None:
    with replacing(file) as aside:
        shape = (len(photos), size_px, size_px, 3)
        squares = np.lib.format.open_memmap(aside, mode="w+", dtype=np.uint8, shape=shape)

        def decode(item: tuple[int, Photo]) -> None:
            row, photo = item
            pixels = decode_photo(path_of(photo.file or ""), max_pixels=max_pixels, shorter_side_px=size_px)
            squares[row] = fit_square(pixels, size_px)

        with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow decodes outside the interpreter's lock
            try:
                done = pool.map(decode, enumerate(photos))
                for _ in progress.track(done, total=len(photos), label="Reading photos"):
                    pass
            except PhotoError as error:
                pool.shutdown(cancel_futures=True)
                raise InputError(f"{error}; it was whole when it was checked: run `machinami check` again") from error
        squares.flush()
