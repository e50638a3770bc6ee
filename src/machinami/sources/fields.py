"""What stands in a provider's JSON, where any field can be absent or of any type."""

import json
import math
import re
from datetime import datetime

from machinami.errors import HostBlocked
from machinami.geo import LatLon, check_lat_lon
from machinami.images.exif import clean_text
from machinami.sources.manners import TryAgain, Verdict, judge_status
from machinami.sources.transport import Answer

__all__ = [
    "heading_of", "id_of", "judge_json", "number_of", "position_of", "read_object", "table_of", "text_of", "whole_of",
]  # fmt: skip

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")  # it becomes a part of addresses
_LARGEST_COUNT = 10**9
_PAGE = (b"<!", b"<h", b"<H")  # how a web page begins


def read_object(body: bytes) -> dict[str, object] | None:
    """The JSON object that an answer is; None where it is none."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def judge_json(answer: Answer, *, host: str, now: datetime) -> Verdict:
    """What an answer says that must be a JSON object; None where it is one. A web page in its place is a block."""
    verdict = judge_status(answer, host=host, now=now)
    if verdict is not None or read_object(answer.body) is not None:  # some servers call their JSON text/html
        return verdict
    if answer.content_type == "text/html" or answer.body.lstrip().startswith(_PAGE):
        return HostBlocked(
            f"{host} sends a web page where data should be: it turns requests away, or this network asks for a login; "
            "what was collected is kept, and the same command goes on from there"
        )
    return TryAgain(f"{host} sends no JSON object")


def table_of(value: object) -> dict[str, object]:
    """The value where it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def text_of(value: object) -> str | None:
    """A text on one line, or a whole number as text; None for anything else, and where nothing is left."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**30 else None
    return clean_text(value) if isinstance(value, str) else None


def number_of(value: object) -> float | None:
    """A finite number, also one that is written as a text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def whole_of(value: object) -> int | None:
    """A whole number from 0 to a thousand million."""
    number = number_of(value)
    return int(number) if number is not None and number.is_integer() and 0 <= number <= _LARGEST_COUNT else None


def id_of(value: object) -> str | None:
    """An id that can stand in an address; None for anything else."""
    text = text_of(value)
    return text if text is not None and _ID.fullmatch(text) else None


def heading_of(value: object) -> float | None:
    """Degrees, 0 … 360 (360 becomes 0)."""
    number = number_of(value)
    return number % 360 if number is not None and 0 <= number <= 360 else None


def position_of(lat: object, lon: object) -> LatLon | None:
    """A point that can be; None for anything else."""
    lat_deg, lon_deg = number_of(lat), number_of(lon)
    if lat_deg is None or lon_deg is None or check_lat_lon(lat_deg, lon_deg) is not None:
        return None
    return LatLon(lat_deg, lon_deg)
