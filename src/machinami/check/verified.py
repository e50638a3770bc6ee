"""Which files held the right bytes when they were last read, so that those unchanged since need not be read again."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from machinami.check.cache_file import CacheFile

__all__ = ["Stamp", "VerifiedFiles", "look_at"]

UNSETTLED_NS = 2_000_000_000  # as coarse as times of files get: within it a file can change and keep its time


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What tells of a file, without reading it, that it is as it was."""

    size_bytes: int
    modified_ns: int
    changed_ns: int  # of the entry in the file system: it moves even where the time of change was set back by hand


def look_at(path: Path) -> Stamp | None:
    """The file's stamp now; None where there is none that says anything: no file, or one that changed just now."""
    try:
        found = path.stat()
    except OSError:
        return None
    if time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns) < UNSETTLED_NS:
        return None
    return Stamp(size_bytes=found.st_size, modified_ns=found.st_mtime_ns, changed_ns=found.st_ctime_ns)


class VerifiedFiles(CacheFile):
    """The stamps that files bore when their bytes were found to be right; `forget` trusts no file any more."""

    TABLES = """
        CREATE TABLE IF NOT EXISTS verified (
            file TEXT PRIMARY KEY,
            sha256 TEXT NOT NULL,
            size_bytes INTEGER NOT NULL,
            modified_ns INTEGER NOT NULL,
            changed_ns INTEGER NOT NULL
        ) WITHOUT ROWID
    """

    def find(self, file: str, sha256: str) -> Stamp | None:
        """The stamp of the file, as the catalogue names it, when it was last found to have this digest."""
        query = "SELECT size_bytes, modified_ns, changed_ns FROM verified WHERE file = ? AND sha256 = ?"
        row = self.first(query, file, sha256)
        return None if row is None else Stamp(size_bytes=row[0], modified_ns=row[1], changed_ns=row[2])

    def add(self, files: Iterable[tuple[str, str, Stamp]]) -> None:
        """Note files by name and digest with the stamps that they had before they were read."""
        rows = [(file, sha256, s.size_bytes, s.modified_ns, s.changed_ns) for file, sha256, s in files]
        self.keep("INSERT OR REPLACE INTO verified VALUES (?, ?, ?, ?, ?)", rows)
