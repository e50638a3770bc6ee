"""Capture dates that cannot be, or that are the upload's: the photo stays, the date is set aside."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from machinami.catalog import Photo
from machinami.dates import EARLIEST_YEAR

__all__ = ["doubt_date", "without_date"]


def doubt_date(photo: Photo, *, now: datetime) -> Literal["impossible-date", "upload-date"] | None:
    """What is wrong with the date on which a photo is said to be taken; None for nothing.

    Dates are compared as texts, cut to the coarser of the two: a photo may be uploaded on the day on which it was
    taken, but not in the very second, or before.
    """
    taken = photo.captured_at
    if taken is None:
        return None
    tomorrow = (now + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    if taken[:4] < f"{EARLIEST_YEAR}" or taken > tomorrow[: len(taken)]:
        return "impossible-date"
    uploaded = photo.uploaded_at
    if uploaded is None:
        return None
    length = min(len(taken), len(uploaded))
    exact = photo.captured_precision == "second" and length > len("2014-07-09")
    is_upload = taken[:length] >= uploaded[:length] if exact else taken[:length] > uploaded[:length]
    return "upload-date" if is_upload else None


def without_date(photo: Photo) -> Photo:
    """The same photo, not dated."""
    return replace(photo, captured_at=None, captured_precision=None)
