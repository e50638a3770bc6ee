"""Cell shares of photos set aside on disk, for a second pass over them that needs no mask again and no memory."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Spill", "SpilledPhoto"]

Floats = npt.NDArray[np.float32]
_AT_ONCE = 256  # photos read back at a time


class SpilledPhoto(NamedTuple):
    """One photo: its place, the number of its block, and what share of each cell each region takes (S + 1, h, w)."""

    place: int
    block: int
    shares: Floats


class Spill(AbstractContextManager["Spill"]):
    """A file without a name in `folder`, gone when it is closed; the shares lie in it as float16."""

    def __init__(self, folder: Path) -> None:
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - closed by __exit__
        self._record: np.dtype[np.void] | None = None

    def add(self, photo: SpilledPhoto) -> None:
        """One photo more; all have the same regions and cells."""
        if self._record is None:
            self._record = np.dtype([("place", "<i4"), ("block", "<i4"), ("shares", "<f2", photo.shares.shape)])
        self._file.write(np.array([tuple(photo)], self._record).tobytes())

    def __iter__(self) -> Iterator[SpilledPhoto]:
        """All of them, in the order in which they came."""
        if self._record is None:
            return
        self._file.seek(0)
        while data := self._file.read(self._record.itemsize * _AT_ONCE):
            for record in np.frombuffer(data, self._record):
                yield SpilledPhoto(int(record["place"]), int(record["block"]), record["shares"].astype(np.float32))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
