"""When a photo was taken, as far as it is known: the date in UTC, cut to its precision."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

__all__ = ["EARLIEST_YEAR", "CaptureDate", "parse_date"]

EARLIEST_YEAR = 1990  # before digital cameras: what a camera with an empty clock battery writes

Precision = Literal["year", "month", "day", "second"]
_EXIF = re.compile(r"(\d{4}):(\d\d):(\d\d)(?:[ T](\d\d:\d\d:\d\d.*))?")
_YEAR_MONTH = re.compile(r"(\d{4})(?:-(\d{1,2}))?")
_FAR_FUTURE = re.compile(r"\d{5,}-\d\d?-\d\d?.*")  # the year 318857 has been served


@dataclass(frozen=True, slots=True)
class CaptureDate:
    """A date as the catalogue holds it, e.g. ("2014-07", "month")."""

    text: str  # ISO 8601: 2014, 2014-07, 2014-07-09 or 2014-07-09T03:25:24Z
    precision: Precision


def parse_date(text: str, *, now: datetime) -> CaptureDate | None:
    """The date that a table, or a camera, wrote; None for one that cannot be (before 1990, or after `now`).

    Understood are a year, a year and a month, ISO 8601 dates and times, and EXIF's ``2014:07:09 12:00:00``. A
    time with its offset becomes UTC; of a time without one only the date is kept, since the hour in UTC is not
    known (and the date is the local one). Raises ValueError where the text is no date.

    >>> from datetime import UTC, datetime
    >>> parse_date("2014-07-09 01:00:00+09:00", now=datetime(2026, 1, 1, tzinfo=UTC))
    CaptureDate(text='2014-07-08T16:00:00Z', precision='second')
    >>> parse_date("2014:07:09 01:00:00", now=datetime(2026, 1, 1, tzinfo=UTC))
    CaptureDate(text='2014-07-09', precision='day')
    """
    text = text.strip()
    if _FAR_FUTURE.fullmatch(text):
        return None
    partial = _YEAR_MONTH.fullmatch(text)
    if partial:
        return _partial_date(partial, now)
    exif = _EXIF.fullmatch(text)
    if exif:
        year, month, day, clock = exif.groups()
        if (year, month, day) == ("0000", "00", "00"):
            return None
        text = f"{year}-{month}-{day}" + (f"T{clock}" if clock else "")
    return _full_date(datetime.fromisoformat(text), now)


def _partial_date(match: re.Match[str], now: datetime) -> CaptureDate | None:
    year, month = match.groups()
    if month is None:
        return CaptureDate(year, "year") if EARLIEST_YEAR <= int(year) <= now.year else None
    if not 1 <= int(month) <= 12:
        raise ValueError(f"month {month} is outside 1 … 12")
    if not (EARLIEST_YEAR, 1) <= (int(year), int(month)) <= (now.year, now.month):
        return None
    return CaptureDate(f"{year}-{int(month):02}", "month")


def _full_date(moment: datetime, now: datetime) -> CaptureDate | None:
    if not EARLIEST_YEAR <= moment.year <= now.year + 1:
        return None
    if moment.tzinfo is None:
        a_day_ahead = (now + timedelta(hours=14)).date()  # the largest offset there is (Kiribati)
        return CaptureDate(moment.date().isoformat(), "day") if moment.date() <= a_day_ahead else None
    moment = moment.astimezone(UTC)
    if moment > now + timedelta(days=1):  # clocks are a little wrong
        return None
    return CaptureDate(moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "second")
