"""How a photo was taken, not what it shows: the columns that may give a place away by themselves."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from machinami.catalog import Photo

__all__ = ["COLUMNS", "UNKNOWN", "column_values", "metadata_columns", "one_hot"]

UNKNOWN = "unknown"
_SECTORS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
_MOST_VALUES = 40  # of a column; the rarer ones are one value together, so that a column cannot number the photos
_RARE = "other"

Floats = npt.NDArray[np.float32]


def _camera(photo: Photo) -> str | None:
    make, model = ((part or "").strip() for part in (photo.camera_make, photo.camera_model))
    return (model if model.casefold().startswith(make.casefold()) else f"{make} {model}".strip()) or None


def _date_part(first: int, last: int, precisions: tuple[str, ...]) -> Callable[[Photo], str | None]:
    """A stretch of the ISO date, where the date is known so far."""

    def part(photo: Photo) -> str | None:
        known = photo.captured_at is not None and photo.captured_precision in precisions
        return (photo.captured_at or "")[first:last] if known else None

    return part


def _heading(photo: Photo) -> str | None:
    """One of eight directions."""
    return None if photo.heading_deg is None else _SECTORS[round(photo.heading_deg / 45) % 8]


def _size(photo: Photo) -> str | None:
    return f"{photo.width} × {photo.height}" if photo.width and photo.height else None


COLUMNS: Mapping[str, Callable[[Photo], str | None]] = {
    "camera": _camera,
    "size": _size,
    "year": _date_part(0, 4, ("year", "month", "day", "second")),
    "month": _date_part(5, 7, ("month", "day", "second")),
    "hour": _date_part(11, 13, ("second",)),
    "heading": _heading,
    "source": lambda photo: photo.source,
    "creator": lambda photo: photo.creator,
    "sequence_photos": lambda photo: photo.sequence,  # counted below: how long its sequence is
}


def metadata_columns(photos: Sequence[Photo], *, leave_out: Sequence[str] = ()) -> dict[str, list[str]]:
    """The values of every column that has at least two, row by row; what is not known is a value of its own.

    Hours are those of UTC. A heading is one of eight directions, a sequence its number of photos up to the next power
    of two. Values beyond the most frequent ones of a column are "other".
    """
    found = {}
    for name, value_of in COLUMNS.items():
        if name in leave_out:
            continue
        values = [value_of(photo) for photo in photos]
        if name == "sequence_photos":
            values = _lengths(values)
        counts = Counter(value for value in values if value is not None)
        kept = {value for value, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MOST_VALUES]}
        named = [UNKNOWN if value is None else value if value in kept else _RARE for value in values]
        if len(set(named)) > 1:
            found[name] = named
    return found


def column_values(photos: Sequence[Photo], name: str) -> list[str]:
    """The values of one column as they are, row by row; what is not known is "unknown"."""
    values = [COLUMNS[name](photo) for photo in photos]
    values = _lengths(values) if name == "sequence_photos" else values
    return [UNKNOWN if value is None else value for value in values]


def _lengths(sequences: Sequence[str | None]) -> list[str | None]:
    photos = Counter(sequence for sequence in sequences if sequence is not None)
    return [None if sequence is None else str(2 ** math.ceil(math.log2(photos[sequence]))) for sequence in sequences]


def one_hot(columns: Mapping[str, Sequence[str]]) -> Floats:
    """float32 (N, values of all columns): 1 where a row has the value."""
    parts = []
    for values in columns.values():
        names, which = np.unique(np.asarray(values), return_inverse=True)
        parts.append(np.eye(len(names), dtype=np.float32)[which.reshape(-1)])
    return np.concatenate(parts, axis=1)
