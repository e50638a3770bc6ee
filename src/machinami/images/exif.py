"""What a photo's EXIF says of where, when and with what it was taken. Whatever is broken in it is unknown."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from PIL import Image

from machinami.dates import CaptureDate, parse_date
from machinami.geo import LatLon, check_lat_lon
from machinami.images.decode import BROKEN, quiet

__all__ = ["ExifFacts", "read_exif"]

_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_MAKE, _MODEL, _DATE, _ARTIST, _COPYRIGHT = 0x010F, 0x0110, 0x0132, 0x013B, 0x8298
_DATE_ORIGINAL, _DATE_DIGITIZED = 0x9003, 0x9004
_OFFSET_OF = {_DATE: 0x9010, _DATE_ORIGINAL: 0x9011, _DATE_DIGITIZED: 0x9012}
_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ExifFacts:
    """Everything of use in a photo's EXIF; None where it says nothing that can be."""

    position: LatLon | None = None
    heading_deg: float | None = None  # GPSImgDirection, 0 … 360, true or magnetic north as the camera wrote it
    captured: CaptureDate | None = None
    camera_make: str | None = None
    camera_model: str | None = None
    creator: str | None = None  # Artist
    attribution: str | None = None  # Copyright


def read_exif(image: Image.Image, *, now: datetime) -> ExifFacts:
    """The facts in an opened picture's EXIF; never raises for what is written in it.

    The date is DateTimeOriginal, else DateTimeDigitized, else DateTime. With its offset tag it is exact; without,
    the GPS time stamp (which is UTC) is taken where there is one, and else only the local date is kept.
    """
    try:
        with quiet():
            exif = image.getexif()
            main: Mapping[int, object] = dict(exif)
            details: Mapping[int, object] = dict(exif.get_ifd(_EXIF_IFD))
    except BROKEN:
        return ExifFacts()
    try:
        with quiet():
            gps: Mapping[int, object] = dict(exif.get_ifd(_GPS_IFD))
    except BROKEN:
        gps = {}
    return ExifFacts(
        position=_position(gps),
        heading_deg=_heading(gps),
        captured=_captured({**main, **details}, gps, now),
        camera_make=clean_text(main.get(_MAKE)),
        camera_model=clean_text(main.get(_MODEL)),
        creator=clean_text(main.get(_ARTIST)),
        attribution=clean_text(main.get(_COPYRIGHT)),
    )


def clean_text(value: object) -> str | None:
    """A text on one line without control characters, at most 200 characters; None where nothing is left."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    if not isinstance(value, str):
        return None
    shown = "".join(c if c.isprintable() else " " for c in value.partition("\0")[0])
    return " ".join(shown.split())[:_LONGEST_TEXT] or None


def _position(gps: Mapping[int, object]) -> LatLon | None:
    lat = _degrees(gps.get(2), gps.get(1), "N", "S")
    lon = _degrees(gps.get(4), gps.get(3), "E", "W")
    if lat is None or lon is None or check_lat_lon(lat, lon) is not None:
        return None
    return LatLon(lat, lon)


def _degrees(parts: object, reference: object, positive: str, negative: str) -> float | None:
    """Degrees from degrees, minutes and seconds; without its letter the sign is unknown, and so is the position."""
    letter = (clean_text(reference) or "").upper()[:1]
    numbers = _numbers(parts)
    if numbers is None or not 1 <= len(numbers) <= 3 or letter not in {positive, negative}:
        return None
    degrees = math.fsum(number / scale for number, scale in zip(numbers, (1, 60, 3600), strict=False))
    return degrees if letter == positive else -degrees


def _heading(gps: Mapping[int, object]) -> float | None:
    numbers = _numbers(gps.get(17))
    if numbers is None or len(numbers) != 1 or numbers[0] > 360:
        return None
    return numbers[0] % 360


def _numbers(value: object) -> list[float] | None:
    """Finite numbers, none negative, from a rational or several; None where one is not."""
    values = value if isinstance(value, tuple) else (value,)
    numbers = []
    for one in values:
        try:
            number = float(one)
        except (TypeError, ValueError, ZeroDivisionError, OverflowError):
            return None
        if not math.isfinite(number) or number < 0:
            return None
        numbers.append(number)
    return numbers


def _captured(tags: Mapping[int, object], gps: Mapping[int, object], now: datetime) -> CaptureDate | None:
    satellites = _gps_time(gps, now)
    for tag in (_DATE_ORIGINAL, _DATE_DIGITIZED, _DATE):
        text = clean_text(tags.get(tag))
        if text is None:
            continue
        found = _parse(text + (clean_text(tags.get(_OFFSET_OF[tag])) or ""), now) or _parse(text, now)
        if found is None:
            continue
        return satellites if found.precision != "second" and satellites else found
    return satellites


def _gps_time(gps: Mapping[int, object], now: datetime) -> CaptureDate | None:
    day, clock = clean_text(gps.get(29)), _numbers(gps.get(7))
    if day is None or clock is None or len(clock) != 3:
        return None
    hour, minute, second = (int(part) for part in clock)
    return _parse(f"{day} {hour:02}:{minute:02}:{second:02}+00:00", now)


def _parse(text: str, now: datetime) -> CaptureDate | None:
    try:
        return parse_date(text, now=now)
    except (ValueError, OverflowError):
        return None
