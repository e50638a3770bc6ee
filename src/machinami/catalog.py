"""The catalogue: the table of all photos known, with their state, in one SQLite file."""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from machinami.errors import ProjectError

__all__ = ["Catalog", "Photo", "State"]

State = Literal["found", "rejected", "fetched", "failed", "unknown"]

# Each entry takes the schema from version i to i + 1. Entries are never edited once released: add a new one.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE photos (
        photo_id INTEGER PRIMARY KEY AUTOINCREMENT,
        state TEXT NOT NULL CHECK (state IN ('found', 'rejected', 'fetched', 'failed', 'unknown')),
        reason TEXT,
        rejected_by TEXT CHECK (rejected_by IN ('import', 'check', 'user')),
        score REAL,
        source TEXT NOT NULL,
        source_id TEXT NOT NULL,
        place TEXT,
        lat REAL CHECK (lat BETWEEN -90 AND 90),
        lon REAL CHECK (lon BETWEEN -180 AND 180),
        heading_deg REAL,
        captured_at TEXT,
        captured_precision TEXT CHECK (captured_precision IN ('year', 'month', 'day', 'second')),
        camera_make TEXT,
        camera_model TEXT,
        sequence TEXT,
        creator TEXT,
        licence TEXT,
        attribution TEXT,
        page_url TEXT,
        width INTEGER,
        height INTEGER,
        sha256 TEXT,
        pixels_sha256 TEXT,
        file TEXT,
        mask TEXT,
        mask_sha256 TEXT,
        grey_share REAL,
        kept_by_user INTEGER NOT NULL DEFAULT 0,
        UNIQUE (source, source_id)
    );
    CREATE INDEX photos_by_state ON photos (state, place);
    CREATE INDEX photos_by_pixels ON photos (pixels_sha256) WHERE pixels_sha256 IS NOT NULL;
    CREATE TABLE areas (
        place TEXT PRIMARY KEY,
        source TEXT NOT NULL,
        code TEXT,
        geojson TEXT NOT NULL,
        digest TEXT NOT NULL
    );
    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    """,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """One row: a photo with where, when and whence it was taken. All that can be absent is None."""

    photo_id: int = 0  # given by the catalogue
    state: State = "found"
    reason: str | None = None  # code of a rejection or failure, e.g. "exact-duplicate: 17"
    rejected_by: Literal["import", "check", "user"] | None = None
    score: float | None = None  # the measure behind the reason
    source: str
    source_id: str  # unique within the source; for a folder the relative path
    place: str | None = None
    lat: float | None = None
    lon: float | None = None
    heading_deg: float | None = None  # 0 = north, clockwise, where the camera looks
    captured_at: str | None = None  # ISO 8601, UTC, cut to its precision
    captured_precision: Literal["year", "month", "day", "second"] | None = None
    camera_make: str | None = None
    camera_model: str | None = None
    sequence: str | None = None
    creator: str | None = None
    licence: str | None = None
    attribution: str | None = None
    page_url: str | None = None
    width: int | None = None  # pixels, after the EXIF orientation
    height: int | None = None
    sha256: str | None = None  # of the file
    pixels_sha256: str | None = None  # of the decoded pixels: equal for exact duplicates
    file: str | None = None  # relative to the project folder, or absolute where photos are linked
    mask: str | None = None  # likewise
    mask_sha256: str | None = None
    grey_share: float | None = None  # share of the pixels that are one flat grey: a "no imagery" card has nearly all
    kept_by_user: int = 0  # 1 where the user took a mark of `check` back: it is not set again


_COLUMNS = tuple(f.name for f in fields(Photo))
_STORED = _COLUMNS[1:]


class Catalog:
    """The open catalogue of a project; close it, or use it as a context manager.

    One process writes at a time (SQLite's own lock, waited for up to 30 s); readers are never blocked (WAL).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._migrate()
        except (sqlite3.DatabaseError, OSError) as error:
            raise ProjectError(f"{path}: the catalogue cannot be opened ({error})") from error

    def _migrate(self) -> None:
        version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if version > len(MIGRATIONS):
            raise ProjectError(
                f"{self.path} was written by a newer Machinami (schema {version}, this one knows "
                f"{len(MIGRATIONS)}): update with `pip install -U machinami`"
            )
        if version == len(MIGRATIONS):
            return
        with self.transaction():
            version = int(self._db.execute("PRAGMA user_version").fetchone()[0])  # another process may have been first
            for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
                for statement in script.split(";"):
                    if statement.strip():
                        self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {number}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes made inside happen together, or not at all."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # --- writing ---------------------------------------------------------------------------------------------

    def add(self, photo: Photo) -> int | None:
        """The new row's photo_id; None where the source already has a row with that source_id (left as it is)."""
        marks = ", ".join("?" * len(_STORED))
        cursor = self._db.execute(
            f"INSERT INTO photos ({', '.join(_STORED)}) VALUES ({marks}) ON CONFLICT DO NOTHING",  # noqa: S608
            [getattr(photo, name) for name in _STORED],
        )
        return cursor.lastrowid if cursor.rowcount == 1 else None

    def update(self, photo_id: int, **changes: object) -> None:
        """Set columns of one row. Raises KeyError for a column that does not exist."""
        unknown = set(changes) - set(_STORED)
        if unknown:
            raise KeyError(f"no such column: {', '.join(sorted(unknown))}")
        assignments = ", ".join(f"{name} = ?" for name in changes)
        self._db.execute(
            f"UPDATE photos SET {assignments} WHERE photo_id = ?",  # noqa: S608
            [*changes.values(), photo_id],
        )

    def set_area(self, place: str, *, source: str, code: str | None, geojson: str) -> None:
        """Freeze a place's polygon (a GeoJSON geometry, WGS84) with where it came from."""
        digest = hashlib.sha256(geojson.encode()).hexdigest()
        self._db.execute("INSERT OR REPLACE INTO areas VALUES (?, ?, ?, ?, ?)", [place, source, code, geojson, digest])

    def set_fact(self, name: str, value: str) -> None:
        """Remember one thing about the whole collection, e.g. the names of the mask's regions."""
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", [name, value])

    # --- reading ---------------------------------------------------------------------------------------------

    def photos(
        self, *, state: State | None = None, place: str | None = None, ids: Iterable[int] | None = None
    ) -> Iterator[Photo]:
        """Rows in the order of their photo_id, streamed; with `ids`, those rows in the order asked."""
        if ids is not None:
            yield from (self.photo(photo_id) for photo_id in ids)
            return
        conditions = {"state": state, "place": place}
        asked = {name: value for name, value in conditions.items() if value is not None}
        where = " AND ".join(f"{name} = ?" for name in asked) or "1"
        query = f"SELECT {', '.join(_COLUMNS)} FROM photos WHERE {where} ORDER BY photo_id"  # noqa: S608
        for row in self._db.execute(query, list(asked.values())):
            yield _photo(row)

    def photo(self, photo_id: int) -> Photo:
        """The row with that id. Raises KeyError."""
        row = self._db.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM photos WHERE photo_id = ?",  # noqa: S608
            [photo_id],
        ).fetchone()
        if row is None:
            raise KeyError(photo_id)
        return _photo(row)

    def find(self, source: str, source_id: str) -> Photo | None:
        """The row of a source's photo, or None."""
        row = self._db.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM photos WHERE source = ? AND source_id = ?",  # noqa: S608
            [source, source_id],
        ).fetchone()
        return None if row is None else _photo(row)

    def counts(self) -> list[tuple[str | None, State, str | None, int]]:
        """(place, state, reason without its details, photos), sorted."""
        query = """
            SELECT place, state,
                   CASE WHEN instr(reason, ':') THEN substr(reason, 1, instr(reason, ':') - 1) ELSE reason END AS why,
                   count(*)
            FROM photos GROUP BY place, state, why ORDER BY place, state, why
        """
        return [tuple(row) for row in self._db.execute(query)]

    def by_pixels(self) -> Iterator[Photo]:
        """Rows whose pixels are known, those that show the same one after the other, streamed."""
        query = f"""
            SELECT {", ".join(_COLUMNS)} FROM photos WHERE pixels_sha256 IS NOT NULL
            ORDER BY pixels_sha256, photo_id
        """  # noqa: S608
        for row in self._db.execute(query):
            yield _photo(row)

    def marks(self, rejected_by: str) -> dict[str, int]:
        """How many photos bear a mark by `import`, `check` or `user`, by the reason without its details."""
        query = """
            SELECT CASE WHEN instr(reason, ':') THEN substr(reason, 1, instr(reason, ':') - 1) ELSE reason END
                   AS why, count(*) FROM photos WHERE state = 'rejected' AND rejected_by = ?
            GROUP BY why ORDER BY why
        """
        return {str(why): int(photos) for why, photos in self._db.execute(query, [rejected_by])}

    def kept_by_user(self) -> int:
        """How many photos the user took a mark off."""
        return int(self._db.execute("SELECT count(*) FROM photos WHERE kept_by_user").fetchone()[0])

    def areas(self) -> dict[str, Mapping[str, Any]]:
        """The frozen areas by place: source, code, geojson, digest."""
        return {row["place"]: dict(row) for row in self._db.execute("SELECT * FROM areas ORDER BY place")}

    def fact(self, name: str) -> str | None:
        """What `set_fact` remembered, or None."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", [name]).fetchone()
        return None if row is None else str(row["value"])

    def digest(self, *columns: str, states: Iterable[State] = ("fetched",)) -> str:
        """SHA-256 over the given columns of all rows in these states: the same rows give the same digest."""
        known = [name for name in columns if name in _COLUMNS]
        if len(known) != len(columns):
            raise KeyError(f"no such column among {columns}")
        wanted = list(states)
        query = f"""
            SELECT {", ".join(known)} FROM photos WHERE state IN ({", ".join("?" * len(wanted))}) ORDER BY photo_id
        """  # noqa: S608
        sha = hashlib.sha256()
        for row in self._db.execute(query, wanted):
            sha.update(repr(tuple(row)).encode())
        return sha.hexdigest()


def _photo(row: sqlite3.Row) -> Photo:
    return Photo(**{name: row[name] for name in _COLUMNS})
