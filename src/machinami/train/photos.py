"""The photos of a split with their pixels, in two groups: those to learn from, and the rest (test and dropped).

Each group is cached by itself, so that training touches no test photo, and fitting again on all blocks decodes none
twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from machinami.catalog import Photo
from machinami.config import Config
from machinami.images.cache import PixelCache, cache_pixels
from machinami.progress import Progress, silent
from machinami.project import Project
from machinami.split import Split, kept_photos

__all__ = ["SplitPixels", "read_learning", "read_rest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPixels:
    """Photos, row by row, with their subset and their pixels."""

    photos: tuple[Photo, ...]
    subsets: tuple[str, ...]
    pixels: PixelCache

    def rows(self, subset: str) -> npt.NDArray[np.int64]:
        """Row numbers of the photos of a subset."""
        return np.flatnonzero(np.array(self.subsets) == subset)

    def labels(self, places: Sequence[str]) -> npt.NDArray[np.int64]:
        """The number of each photo's place."""
        number = {place: index for index, place in enumerate(places)}
        return np.array([number[photo.place or ""] for photo in self.photos], np.int64)

    def photo_ids(self) -> tuple[int, ...]:
        """The catalogue's ids."""
        return tuple(photo.photo_id for photo in self.photos)

    def __add__(self, other: "SplitPixels") -> "SplitPixels":
        """These rows, then the other's."""
        squares = type(self.pixels.squares)(self.pixels.squares.parts + other.pixels.squares.parts)
        return SplitPixels(
            photos=self.photos + other.photos,
            subsets=self.subsets + other.subsets,
            pixels=PixelCache(squares, self.pixels.keys + other.pixels.keys),
        )


def read_learning(project: Project, config: Config, split: Split, *, progress: Progress = silent) -> SplitPixels:
    """The training and validation photos. Raises NotReady where the catalogue no longer matches the split."""
    return _read(project, config, split, ("train", "validation"), progress)


def read_rest(project: Project, config: Config, split: Split, *, progress: Progress = silent) -> SplitPixels:
    """The test photos, and those that the buffer dropped. Raises NotReady likewise."""
    return _read(project, config, split, ("test", "dropped"), progress)


def _read(project: Project, config: Config, split: Split, subsets: Sequence[str], progress: Progress) -> SplitPixels:
    subset_of: dict[int, Any] = split.subset_of()
    photos = kept_photos(project, split, subsets)
    pixels = cache_pixels(
        project.cache,
        [photos],
        size_px=config.train.whole_px,
        path_of=project.path_of,
        max_pixels=config.check.max_pixels,
        progress=progress,
    )
    return SplitPixels(photos=photos, subsets=tuple(subset_of[photo.photo_id] for photo in photos), pixels=pixels)
