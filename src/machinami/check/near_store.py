"""Perceptual hashes and pooled features of photos that were decoded once, by the digest of their pixels."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

__all__ = ["NearStore"]

FORMAT = 1  # raise when hashes or features are made in another way
_TABLES = """
    CREATE TABLE IF NOT EXISTS hashes (
        pixels_sha256 TEXT PRIMARY KEY, dhash BLOB NOT NULL, phash BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS features (pixels_sha256 TEXT PRIMARY KEY, vector BLOB NOT NULL);
"""

Vector = npt.NDArray[np.float32]


class NearStore:
    """An SQLite file that may be deleted at any time; all that is lost is time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        try:
            self._open()
            if self._format() not in (0, FORMAT):
                self.forget()
            self._database.execute(f"PRAGMA user_version = {FORMAT}")
        except (sqlite3.DatabaseError, UnicodeDecodeError):  # damaged
            self.forget()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._database.close()

    def forget(self) -> None:
        """Begin anew with an empty store."""
        self._database.close()
        for file in self._path.parent.glob(f"{self._path.name}*"):
            file.unlink()
        self._open()
        self._database.execute(f"PRAGMA user_version = {FORMAT}")

    def hashes(self, pixels_sha256: str) -> tuple[int, int] | None:
        """The dHash and the pHash, or None where they are not known."""
        row = self._find("SELECT dhash, phash FROM hashes WHERE pixels_sha256 = ?", pixels_sha256)
        return None if row is None else (int.from_bytes(row[0], "big"), int.from_bytes(row[1], "big"))

    def add_hashes(self, rows: Iterable[tuple[str, tuple[int, int]]]) -> None:
        """Note the hashes of photos by the digest of their pixels."""
        packed = [(digest, dhash.to_bytes(8, "big"), phash.to_bytes(8, "big")) for digest, (dhash, phash) in rows]
        self._keep("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?)", packed)

    def vector(self, pixels_sha256: str) -> Vector | None:
        """The pooled features float32 (C,), or None where they are not known."""
        row = self._find("SELECT vector FROM features WHERE pixels_sha256 = ?", pixels_sha256)
        return None if row is None else np.frombuffer(row[0], np.float16).astype(np.float32)

    def add_vectors(self, rows: Iterable[tuple[str, Vector]]) -> None:
        """Note features of length 1, which half precision holds well enough."""
        packed = [(digest, vector.astype(np.float16).tobytes()) for digest, vector in rows]
        self._keep("INSERT OR REPLACE INTO features VALUES (?, ?)", packed)

    def _find(self, query: str, digest: str) -> tuple[bytes, ...] | None:
        try:
            row: tuple[bytes, ...] | None = self._database.execute(query, (digest,)).fetchone()
        except (sqlite3.DatabaseError, UnicodeDecodeError):  # damaged further in
            self.forget()
            return None
        return row

    def _format(self) -> int:
        return int(self._database.execute("PRAGMA user_version").fetchone()[0])

    def _keep(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        """Write rows; into a new file where the old one proves to be damaged."""
        try:
            with self._database:
                self._database.executemany(statement, rows)
        except sqlite3.DatabaseError:
            self.forget()
            with self._database:
                self._database.executemany(statement, rows)

    def _open(self) -> None:
        self._database = sqlite3.connect(self._path)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_TABLES)
