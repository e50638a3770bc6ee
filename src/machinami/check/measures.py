"""What was measured of photos, kept by their pixels, so that no photo is decoded twice for it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields

from machinami.check.cache_file import CacheFile
from machinami.images.signs import Signs

__all__ = ["Measures"]

_NAMES = tuple(field.name for field in fields(Signs))


class Measures(CacheFile):
    """What was measured of photos, and of samples of them."""

    TABLES = f"""
        CREATE TABLE IF NOT EXISTS signs (pixels_sha256 TEXT PRIMARY KEY, {", ".join(_NAMES)}) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS indoor (pixels_sha256 TEXT PRIMARY KEY, probability REAL NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS shared (sample TEXT PRIMARY KEY, box TEXT) WITHOUT ROWID;
    """

    def find(self, pixels_sha256: str | None) -> Signs | None:
        """What is known of the photo with these pixels, or None."""
        query = f"SELECT {', '.join(_NAMES)} FROM signs WHERE pixels_sha256 = ?"  # noqa: S608
        row = self.first(query, pixels_sha256)
        return None if row is None else Signs(**dict(zip(_NAMES, row, strict=True)))

    def find_indoor(self, pixels_sha256: str | None) -> float | None:
        """How likely the network took the photo to show a room, or None where it was not asked."""
        row = self.first("SELECT probability FROM indoor WHERE pixels_sha256 = ?", pixels_sha256)
        return None if row is None else float(row[0])

    def find_shared(self, sample: str) -> tuple[int, ...] | None:
        """Where the photos of a sample (by digest) share a mark, () where they share none, None where it is unknown."""
        row = self.first("SELECT box FROM shared WHERE sample = ?", sample)
        return None if row is None else tuple(json.loads(str(row[0])))

    def add_shared(self, sample: str, box: Sequence[int]) -> None:
        """Keep where the photos of a sample share a mark; () for none."""
        self.keep("INSERT OR REPLACE INTO shared VALUES (?, ?)", [(sample, json.dumps(box))])

    def add(self, measured: Iterable[tuple[str, Signs]]) -> None:
        """Keep what was measured, by the digests of the pixels."""
        rows = [(digest, *astuple(signs)) for digest, signs in measured]
        marks = ", ".join("?" * (len(_NAMES) + 1))
        self.keep(f"INSERT OR REPLACE INTO signs VALUES ({marks})", rows)  # noqa: S608

    def add_indoor(self, measured: Iterable[tuple[str, float]]) -> None:
        """Keep the network's answers, by the digests of the pixels."""
        rows = [(digest, probability) for digest, probability in measured]
        self.keep("INSERT OR REPLACE INTO indoor VALUES (?, ?)", rows)
