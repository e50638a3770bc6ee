"""An SQLite file in cache/ that may be deleted, or damaged, at any time: all that is lost is time."""

import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

__all__ = ["CacheFile"]

_DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)  # the latter where SQLite quotes damaged names in its message


class CacheFile:
    """The open file, as a context manager; a damaged one, or one of another format, is begun anew."""

    TABLES: ClassVar[str]  # CREATE TABLE IF NOT EXISTS …
    FORMAT: ClassVar[int] = 1  # raised when what stands in the rows is made in another way

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        try:
            self._open()
            if self._format() not in (0, self.FORMAT):
                self.forget()
            self._run(f"PRAGMA user_version = {self.FORMAT}")
        except _DAMAGE:
            self.forget()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    def forget(self) -> None:
        """Begin anew with an empty file."""
        self._close()
        for file in self._path.parent.glob(f"{self._path.name}*"):
            if file.is_dir():
                shutil.rmtree(file)
            else:
                file.unlink()
        self._open()
        self._run(f"PRAGMA user_version = {self.FORMAT}")

    def first(self, query: str, *values: Any) -> tuple[Any, ...] | None:
        """The first row, or None; also where the file proves to be damaged, which is then begun anew."""
        try:
            row: tuple[Any, ...] | None = self._run(query, values).fetchone()
        except _DAMAGE:
            self.forget()
            return None
        return row

    def keep(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write rows; into a new file where the old one proves to be damaged."""
        try:
            self._write(statement, rows)
        except _DAMAGE:
            self.forget()
            self._write(statement, rows)

    def _write(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        assert self._database is not None
        with self._database:
            self._database.executemany(statement, rows)

    def _run(self, query: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        assert self._database is not None
        return self._database.execute(query, values)

    def _format(self) -> int:
        return int(self._run("PRAGMA user_version").fetchone()[0])

    def _open(self) -> None:
        self._database = sqlite3.connect(self._path)
        self._run("PRAGMA journal_mode = WAL")
        self._run("PRAGMA synchronous = NORMAL")
        self._database.executescript(self.TABLES)

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None
