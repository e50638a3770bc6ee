"""What was measured of photos, kept by their pixels, so that no photo is decoded twice for it."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from machinami.images.signs import Signs

__all__ = ["Measures"]

FORMAT = 1  # of what is measured: rows of another one are not read
_NAMES = tuple(field.name for field in fields(Signs))
_TABLES = f"""
    CREATE TABLE IF NOT EXISTS signs (
        pixels_sha256 TEXT NOT NULL, format INTEGER NOT NULL, {", ".join(_NAMES)},
        PRIMARY KEY (pixels_sha256, format)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS indoor (
        pixels_sha256 TEXT NOT NULL, format INTEGER NOT NULL, probability REAL NOT NULL,
        PRIMARY KEY (pixels_sha256, format)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS shared (
        sample TEXT NOT NULL, format INTEGER NOT NULL, box TEXT,
        PRIMARY KEY (sample, format)
    ) WITHOUT ROWID;
"""


class Measures:
    """The measures in an SQLite file that may be deleted: all that is lost is time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        try:
            self._open()
        except (sqlite3.DatabaseError, UnicodeDecodeError):
            self._start_anew()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._database.close()

    def find(self, pixels_sha256: str | None) -> Signs | None:
        """What is known of the photo with these pixels, or None."""
        query = f"SELECT {', '.join(_NAMES)} FROM signs WHERE pixels_sha256 = ? AND format = ?"  # noqa: S608
        row = self._first(query, pixels_sha256)
        return None if row is None else Signs(**dict(zip(_NAMES, row, strict=True)))

    def find_indoor(self, pixels_sha256: str | None) -> float | None:
        """How likely the network took the photo to show a room, or None where it was not asked."""
        row = self._first("SELECT probability FROM indoor WHERE pixels_sha256 = ? AND format = ?", pixels_sha256)
        return None if row is None else float(row[0])

    def find_shared(self, sample: str) -> tuple[int, ...] | None:
        """Where the photos of a sample (by digest) share a mark, () where they share none, None where it is unknown."""
        row = self._first("SELECT box FROM shared WHERE sample = ? AND format = ?", sample)
        return None if row is None else tuple(json.loads(str(row[0])))

    def add_shared(self, sample: str, box: Sequence[int]) -> None:
        """Keep where the photos of a sample share a mark; () for none."""
        self._keep("INSERT OR REPLACE INTO shared VALUES (?, ?, ?)", [(sample, FORMAT, json.dumps(box))])

    def add(self, measured: Iterable[tuple[str, Signs]]) -> None:
        """Keep what was measured, by the digests of the pixels."""
        rows = [(digest, FORMAT, *astuple(signs)) for digest, signs in measured]
        marks = ", ".join("?" * (len(_NAMES) + 2))
        self._keep(f"INSERT OR REPLACE INTO signs VALUES ({marks})", rows)  # noqa: S608

    def add_indoor(self, measured: Iterable[tuple[str, float]]) -> None:
        """Keep the network's answers, by the digests of the pixels."""
        rows = [(digest, FORMAT, probability) for digest, probability in measured]
        self._keep("INSERT OR REPLACE INTO indoor VALUES (?, ?, ?)", rows)

    def _first(self, query: str, key: str | None) -> tuple[Any, ...] | None:
        try:
            row: tuple[Any, ...] | None = self._database.execute(query, (key, FORMAT)).fetchone()
        except (sqlite3.DatabaseError, UnicodeDecodeError):  # damaged further in
            self._start_anew()
            return None
        return row

    def _start_anew(self) -> None:
        self._database.close()
        for file in self._path.parent.glob(f"{self._path.name}*"):
            file.unlink()
        self._open()

    def _keep(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        """Write rows; into a new file where the old one proves to be damaged."""
        try:
            with self._database:
                self._database.executemany(statement, rows)
        except sqlite3.DatabaseError:
            self._start_anew()
            with self._database:
                self._database.executemany(statement, rows)

    def _open(self) -> None:
        self._database = sqlite3.connect(self._path)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_TABLES)
