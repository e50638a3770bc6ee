"""A small mark that all photos of a source and place bear: a name, a logo, a date. It is told, not judged."""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from machinami.images.decode import PhotoError, decode_photo
from machinami.images.signs import SIGNS_SIDE_PX

__all__ = ["SAMPLED", "SharedMark", "Smallest", "find_shared_mark"]

Floats = npt.NDArray[np.float32]

SAMPLED = 48  # photos looked at, of each source and place
_FEWEST = 32
_SIDE = 128  # rows and columns that all photos are brought to
_NOISE = 4.0  # levels squared: edges fainter than two levels agree by chance, or by the camera's own pattern
_AGREEMENT = 0.7  # of an edge over the photos: at most 0.61 in 32 photos of Barcelona and 0.51 in 64 of Boston
_FEWEST_EDGES = 40  # of 32 258; the made town's watermark has 379


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedMark:
    """Where the same edges are in nearly all photos, in percent of width and height from the upper left."""

    left: int
    top: int
    right: int
    bottom: int

    def __str__(self) -> str:
        return f"{self.left}–{self.right} % from the left, {self.top}–{self.bottom} % from the top"


class Smallest:
    """The smallest of the digests handed in: an even sample that does not depend on the order."""

    def __init__(self, size: int = SAMPLED) -> None:
        self._size = size
        self._heap: list[tuple[int, str, str]] = []  # the largest first

    def add(self, digest: str, file: str) -> None:
        """Take a photo in, if its digest is among the smallest so far."""
        item = (-int(digest, 16), digest, file)
        if (len(self._heap) == self._size and item < self._heap[0]) or any(
            digest == other for _, other, _ in self._heap
        ):
            return
        if len(self._heap) < self._size:
            heapq.heappush(self._heap, item)
        else:
            heapq.heappushpop(self._heap, item)

    def items(self) -> list[tuple[str, str]]:
        """(digest, file), by digest."""
        return sorted((digest, file) for _, digest, file in self._heap)


def find_shared_mark(files: Sequence[Path], *, max_pixels: int) -> SharedMark | None:
    """The mark that these photos share, or None. Files that cannot be read are left out.

    At each point of 128 × 128, brightness changes from one pixel to the next are averaged over the photos, signed;
    of what changes from photo to photo little is left, of what is drawn into each of them nearly all (the mean
    gradient of Dekel, Rubinstein, Liu and Freeman 2017, On the Effectiveness of Visible Watermarks, CVPR, section 3).
    """
    return shared_mark(_edges(files, max_pixels))


def shared_mark(edges: Iterable[Floats]) -> SharedMark | None:
    """The same, of the changes to the right and downwards: float32 (2, 127, 127), one a photo."""
    count, total, squares = 0, np.zeros((2, _SIDE - 1, _SIDE - 1)), np.zeros((2, _SIDE - 1, _SIDE - 1))
    for edge in edges:
        count += 1
        total += edge
        squares += np.square(edge)
    if count < _FEWEST:
        return None
    agreeing = np.abs(total / count) / np.sqrt(squares / count + _NOISE) > _AGREEMENT
    if int(agreeing.sum()) < _FEWEST_EDGES:
        return None
    rows, columns = np.nonzero(agreeing.any(axis=0))
    left, right = np.percentile(columns, (2, 98))
    top, bottom = np.percentile(rows, (2, 98))
    left, top, right, bottom = (round(100 * float(edge) / _SIDE) for edge in (left, top, right + 1, bottom + 1))
    return SharedMark(left=left, top=top, right=right, bottom=bottom)


def _edges(files: Iterable[Path], max_pixels: int) -> Iterable[Floats]:
    for file in files:
        try:
            pixels = decode_photo(file, max_pixels=max_pixels, shorter_side_px=SIGNS_SIDE_PX)
        except PhotoError:
            continue
        small = Image.fromarray(pixels).convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
        luma = np.asarray(small, np.float32)
        yield np.stack([np.diff(luma, axis=1)[:-1], np.diff(luma, axis=0)[:, :-1]])
