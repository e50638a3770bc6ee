"""A table of photos, CSV or Parquet: read row by row, each value checked, each error with its row and column."""

import difflib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from machinami.dates import CaptureDate, parse_date
from machinami.errors import TableError
from machinami.geo import LatLon, check_lat_lon
from machinami.images.exif import clean_text
from machinami.sources.cells import read_cells, read_header

__all__ = ["COLUMNS", "TableRow", "check_columns", "read_table"]

COLUMNS = (
    "file", "place", "lat", "lon", "heading_deg", "captured_at", "sequence", "creator", "licence", "attribution",
    "page_url", "camera_make", "camera_model", "camera", "mask", "source", "source_id",
)  # fmt: skip
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One photo as a table describes it; None where it says nothing."""

    row: int  # from 1, the header not counted
    file: str  # relative to the folder of the photos, forward slashes
    place: str
    position: LatLon | None = None
    heading_deg: float | None = None  # 0 … 360
    captured: CaptureDate | None = None
    impossible_date: bool = False  # a date that cannot be, taken as unknown
    mask: str | None = None
    source: str | None = None
    source_id: str | None = None
    texts: Mapping[str, str]  # sequence, creator, licence …, those that are given


_TEXTS = ("sequence", "creator", "licence", "attribution", "page_url", "camera_make", "camera_model")


def check_columns(table: Path) -> list[str]:
    """The columns that mean nothing here, each with the one it may be meant for.

    Raises TableError where `file` or `place` is missing, `lat` comes without `lon`, or a name stands twice.
    """
    header = read_header(table)
    for name in COLUMNS:
        if header.count(name) > 1:
            raise TableError(table.name, "the header names it twice", column=name)
    for name in ("file", "place"):
        if name not in header:
            columns = ", ".join(filter(None, header))
            raise TableError(table.name, f"the column is missing; there are {columns}", column=name)
    if ("lat" in header) != ("lon" in header):
        missing = "lat" if "lon" in header else "lon"
        raise TableError(table.name, "a position needs both lat and lon", column=missing)
    return [name + _meant(name) for name in header if name and name not in COLUMNS]


def _meant(name: str) -> str:
    near = difflib.get_close_matches(name, COLUMNS, n=1, cutoff=0.75)
    known = {
        "latitude": "lat",
        "longitude": "lon",
        "lng": "lon",
        "heading": "heading_deg",
        "license": "licence",
    }
    meant = known.get(name) or (near[0] if near else None)
    return f" (did you mean {meant!r}?)" if meant else ""


def read_table(table: Path, *, now: datetime) -> Iterator[TableRow]:
    """The rows, streamed. Raises TableError at the first that holds something wrong, with row and column."""
    check_columns(table)
    for row, cells in read_cells(table):
        yield _Reader(table.name, row, cells).read(now)


@dataclass(frozen=True, slots=True)
class _Reader:
    """The cells of one row, and the errors that name it."""

    table: str
    row: int
    cells: Mapping[str, str]

    def read(self, now: datetime) -> TableRow:
        captured, impossible = self._date(now)
        texts = {name: text for name in _TEXTS if (text := clean_text(self._cell(name))) is not None}
        camera = clean_text(self._cell("camera"))
        if camera is not None:
            texts.setdefault("camera_model", camera)
        mask = self._cell("mask")
        return TableRow(
            row=self.row,
            file=self._path("file", self._needed("file")),
            place=self._needed("place"),
            position=self._position(),
            heading_deg=self._heading(),
            captured=captured,
            impossible_date=impossible,
            mask=self._path("mask", mask) if mask else None,
            source=self._cell("source").lower() or None,
            source_id=self._cell("source_id") or None,
            texts=texts,
        )

    def _cell(self, column: str) -> str:
        return self.cells.get(column, "")

    def _error(self, column: str, problem: str) -> TableError:
        return TableError(self.table, problem, row=self.row, column=column)

    def _needed(self, column: str) -> str:
        value = self._cell(column)
        if not value:
            raise self._error(column, "is empty, and every row needs it")
        return value

    def _path(self, column: str, text: str) -> str:
        """A relative path that stays below its folder."""
        if "\\" in text:
            raise self._error(column, f"{text!r} holds a backslash: write paths with /")
        if text.startswith("/") or _DRIVE.match(text):
            raise self._error(column, f"{text!r} is absolute: it must be relative to the folder of the photos")
        if ".." in PurePosixPath(text).parts:
            raise self._error(column, f"{text!r} leaves the folder of the photos")
        if "\0" in text:
            raise self._error(column, f"{text!r} holds a NUL")
        return PurePosixPath(text).as_posix()

    def _number(self, column: str) -> float | None:
        text = self._cell(column)
        if not text:
            return None
        try:
            number = float(text)
        except ValueError:
            hint = ": write it with a point" if re.fullmatch(r"[-+]?\d+,\d+", text) else ""
            raise self._error(column, f"{text!r} is not a number{hint}") from None
        if not math.isfinite(number):
            raise self._error(column, f"{text!r} is not a finite number; leave it empty where it is unknown")
        return number

    def _position(self) -> LatLon | None:
        lat, lon = self._number("lat"), self._number("lon")
        if lat is None and lon is None:
            return None
        if lat is None or lon is None:
            raise self._error("lat" if lat is None else "lon", "is empty: a position needs both lat and lon")
        problem = check_lat_lon(lat, lon)
        if problem is not None:
            swapped = abs(lat) > 90 and check_lat_lon(lon, lat) is None
            column = "lat" if abs(lat) > 90 or (lat, lon) == (0, 0) else "lon"
            raise self._error(column, problem + ("; are lat and lon swapped?" if swapped else ""))
        return LatLon(lat, lon)

    def _heading(self) -> float | None:
        heading_deg = self._number("heading_deg")
        if heading_deg is None:
            return None
        if not -360 <= heading_deg <= 360:
            raise self._error("heading_deg", f"{heading_deg:g} is outside -360 … 360")
        return heading_deg % 360

    def _date(self, now: datetime) -> tuple[CaptureDate | None, bool]:
        text = self._cell("captured_at")
        if not text:
            return None, False
        try:
            captured = parse_date(text, now=now)
        except (ValueError, OverflowError):
            problem = f"{text!r} is no date: write 2014, 2014-07, 2014-07-09 or 2014-07-09T12:00:00+09:00"
            raise self._error("captured_at", problem) from None
        return captured, captured is None
