"""Photos of the catalogue in batches, decoded ahead in threads while the network works on the last ones."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from machinami.catalog import Photo
from machinami.images.decode import PhotoError

__all__ = ["DecodedBatch", "decoded_batches"]

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecodedBatch:
    """Photos that could be read, with their pixels, and those that could not, with the reason."""

    photos: tuple[Photo, ...]
    pixels: tuple[Pixels, ...]
    failures: tuple[tuple[Photo, str], ...]


def decoded_batches(
    photos: Sequence[Photo], read: Callable[[Photo], Pixels], *, size: int, workers: int = 4
) -> Iterator[DecodedBatch]:
    """All photos in their order, `size` at a time; two batches at most are held in memory."""
    with ThreadPoolExecutor(workers) as pool:
        ahead: deque[list[tuple[Photo, Future[Pixels]]]] = deque()
        try:
            for start in range(0, len(photos), size):
                ahead.append([(photo, pool.submit(read, photo)) for photo in photos[start : start + size]])
                if len(ahead) > 1:
                    yield _collected(ahead.popleft())
            while ahead:
                yield _collected(ahead.popleft())
        finally:
            pool.shutdown(cancel_futures=True)


def _collected(submitted: list[tuple[Photo, Future[Pixels]]]) -> DecodedBatch:
    good: list[Photo] = []
    pixels: list[Pixels] = []
    failures: list[tuple[Photo, str]] = []
    for photo, future in submitted:
        try:
            decoded = future.result()
        except PhotoError as error:
            failures.append((photo, error.reason))
            continue
        good.append(photo)
        pixels.append(decoded)
    return DecodedBatch(photos=tuple(good), pixels=tuple(pixels), failures=tuple(failures))
