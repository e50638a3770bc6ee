"""The catalogue: the table of all photos known, with their state, in one SQLite file."""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from machinami.errors import ProjectError
from machinami.schema import MIGRATIONS

__all__ = ["Catalog", "Photo", "State"]

State = Literal["found", "rejected", "fetched", "failed", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """One row: a photo with where, when and whence it was taken. All that can be absent is None."""

    photo_id: int = 0  # given by the catalogue
    state: State = "found"
    reason: str | None = None  # code of a rejection or failure, e.g. "exact-duplicate: 17"
    rejected_by: Literal["import", "collect", "check", "user"] | None = None
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
    projection: Literal["flat", "spherical"] | None = None  # of what the provider has; what is stored is flat
    panorama: str | None = None  # id of the 360° photo that this is a view of: views of one stay together
    centre_heading_deg: float | None = None  # where the middle of that 360° photo looks
    field_of_view_deg: float | None = None  # width of the picture, degrees
    sample: int | None = None  # number of the sample that it was found or chosen for
    uploaded_at: str | None = None  # ISO 8601, UTC: when the provider received it, where it says so
    near_group: int | None = None  # photos that show nearly the same bear one number: the lowest photo_id among them


_COLUMNS = tuple(f.name for f in fields(Photo))
_STORED = _COLUMNS[1:]
_OUR_OWN = (sqlite3.IntegrityError, sqlite3.ProgrammingError)  # wrong values and wrong calls: no fault of the file
_NO_RIGHT = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})


class Catalog:
    """The open catalogue of a project; close it, or use it as a context manager.

    One process writes at a time (SQLite's own lock, waited for up to 30 s); readers are never blocked (WAL). Where the
    file or its folder may not be written it is opened for reading. A context that ends in an error of SQLite, be it
    a damaged file or a full disk, raises ProjectError instead.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._db = _connect(path)
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
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, _OUR_OWN):
            raise ProjectError(
                f"{self.path}: the catalogue cannot be read or written ({error}): check its rights and the room on the "
                "disk; a damaged one has to be put back from a copy, or deleted and its photos brought in again"
            ) from error

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
            if self._db.in_transaction:  # some errors have ended it already
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

    def write(self, photo: Photo) -> None:
        """Set every column of the row with the photo's photo_id."""
        self.update(photo.photo_id, **{name: getattr(photo, name) for name in _STORED})

    def forget(self, photo: Photo, *, now: datetime) -> None:
        """Take a row out, and remember that neither its name nor its file may come back."""
        forgotten_at = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for source_id in {photo.source_id, photo.panorama or photo.source_id}:
            self._db.execute(
                "INSERT OR REPLACE INTO forgotten VALUES (?, ?, ?)", [photo.source, source_id, forgotten_at]
            )
        if photo.sha256 is not None:
            self._db.execute("INSERT OR REPLACE INTO forgotten_files VALUES (?)", [photo.sha256])
        self._db.execute("DELETE FROM photos WHERE photo_id = ?", [photo.photo_id])

    def set_area(self, place: str, *, source: str, code: str | None, geojson: str) -> None:
        """Freeze a place's polygon (a GeoJSON geometry, WGS84) with where it came from."""
        digest = hashlib.sha256(geojson.encode()).hexdigest()
        self._db.execute("INSERT OR REPLACE INTO areas VALUES (?, ?, ?, ?, ?)", [place, source, code, geojson, digest])

    def set_fact(self, name: str, value: str) -> None:
        """Remember one thing about the whole collection, e.g. the names of the mask's regions."""
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", [name, value])

    def drop_fact(self, name: str) -> None:
        """Take back what `set_fact` remembered."""
        self._db.execute("DELETE FROM facts WHERE name = ?", [name])

    def note_cell(  # noqa: PLR0913  the columns of a row
        self,
        source: str,
        place: str,
        area: str,
        name: str,
        state: str,
        *,
        found: int,
        reason: str | None,
        now: datetime,
    ) -> None:
        """Remember what a source said of one cell of a search: done, split (asked again in parts) or unknown."""
        asked_at = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._db.execute(
            "INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [source, place, area, name, state, found, reason, asked_at],
        )

    def forget_cells(self, source: str) -> None:
        """Take back what a source said, so that all is asked anew."""
        self._db.execute("DELETE FROM cells WHERE source = ?", [source])

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

    def find_id(self, photo_id: int) -> Photo | None:
        """The row with that id, or None."""
        try:
            return self.photo(photo_id)
        except KeyError:
            return None

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

    def has_masks(self) -> bool:
        """Whether any photo that is there has a region mask."""
        query = "SELECT 1 FROM photos WHERE state = 'fetched' AND mask IS NOT NULL LIMIT 1"
        return self._db.execute(query).fetchone() is not None

    def sharing(self, column: Literal["sequence", "creator"]) -> Iterator[tuple[str, str, str]]:
        """(source, value, pixels_sha256) of fit photos, those with one value one after the other, streamed.

        Those that `check` marked for what other photos show, or at a second look, are there too: they are fit by
        themselves, and whether they bear such a mark must not change what their fellows show.
        """
        query = f"""
            SELECT DISTINCT source, {column}, pixels_sha256 FROM photos
            WHERE {column} IS NOT NULL AND pixels_sha256 IS NOT NULL
              AND (state = 'fetched' OR (state = 'rejected' AND rejected_by = 'check' AND
                    substr(reason, 1, instr(reason, ':') - 1)
                    IN ('overlay', 'indoor', 'exact-duplicate', 'near-duplicate', 'label-conflict')))
            ORDER BY source, {column}, pixels_sha256
        """  # noqa: S608
        for row in self._db.execute(query):
            yield row[0], row[1], row[2]

    def marks_by_place(self, rejected_by: str) -> dict[str, dict[str, int]]:
        """How many photos of each place bear a mark, place → reason without its details → photos; "" for no place."""
        query = """
            SELECT coalesce(place, '') AS at,
                   CASE WHEN instr(reason, ':') THEN substr(reason, 1, instr(reason, ':') - 1) ELSE reason END AS why,
                   count(*)
            FROM photos WHERE state = 'rejected' AND rejected_by = ? GROUP BY at, why ORDER BY at, why
        """
        found: dict[str, dict[str, int]] = {}
        for place, why, photos in self._db.execute(query, [rejected_by]):
            found.setdefault(str(place), {})[str(why)] = int(photos)
        return found

    def marked(self, rejected_by: str, reason: str) -> Iterator[Photo]:
        """The photos that bear a mark with this code, streamed, in the order of their photo_id."""
        query = f"""
            SELECT {", ".join(_COLUMNS)} FROM photos WHERE state = 'rejected' AND rejected_by = ?
              AND (reason = ? OR substr(reason, 1, ?) = ?) ORDER BY photo_id
        """  # noqa: S608
        for row in self._db.execute(query, [rejected_by, reason, len(reason) + 1, f"{reason}:"]):
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

    def cell_state(self, source: str, place: str, area: str, name: str) -> str | None:
        """What `note_cell` remembered; None for a cell that was never asked."""
        row = self._db.execute(
            "SELECT state FROM cells WHERE source = ? AND place = ? AND area = ? AND name = ?",
            [source, place, area, name],
        ).fetchone()
        return None if row is None else str(row["state"])

    def is_forgotten(self, source: str, source_id: str) -> bool:
        """Whether this photo was taken out for good."""
        query = "SELECT 1 FROM forgotten WHERE source = ? AND source_id = ?"
        return self._db.execute(query, [source, source_id]).fetchone() is not None

    def forgotten_files(self) -> frozenset[str]:
        """The digests of all files that were taken out for good."""
        return frozenset(row["sha256"] for row in self._db.execute("SELECT sha256 FROM forgotten_files"))

    def find_file(self, file: str) -> Photo | None:
        """The first row with that file, or None."""
        row = self._db.execute("SELECT photo_id FROM photos WHERE file = ? ORDER BY photo_id", [file]).fetchone()
        return None if row is None else self.photo(row["photo_id"])

    def users_of(self, file: str) -> list[int]:
        """The rows whose photo or mask is that file."""
        rows = self._db.execute("SELECT photo_id FROM photos WHERE file = ? OR mask = ?", [file, file])
        return [int(row["photo_id"]) for row in rows]

    def views(self, source: str, panorama: str) -> list[Photo]:
        """The rows of the views of one 360° photo."""
        query = f"SELECT {', '.join(_COLUMNS)} FROM photos WHERE source = ? AND panorama = ?"  # noqa: S608
        return [_photo(row) for row in self._db.execute(query, [source, panorama])]

    def candidates(self, source: str, place: str) -> Iterator[sqlite3.Row]:
        """What choosing needs of a place's photos: the panoramas, not their further views.

        All are there that were ever fit to be asked for, whatever became of them, so that choosing goes the same way
        again; what the search itself rejected is not.
        """
        query = """
            SELECT photo_id, lat, lon, heading_deg, centre_heading_deg, projection, sequence, creator, sample,
                   file IS NOT NULL AS stored
            FROM photos
            WHERE source = ? AND place = ? AND lat IS NOT NULL AND (panorama IS NULL OR panorama = source_id)
              AND (state != 'rejected' OR rejected_by != 'collect' OR file IS NOT NULL
                   OR photo_id IN (SELECT photo_id FROM ledger WHERE source = ?))
            ORDER BY source_id
        """
        yield from self._db.execute(query, [source, place, source])

    def rejected_for(self, source: str, reason: str) -> Iterator[Photo]:
        """The rows of a source that were rejected for a reason, by its code."""
        query = f"""
            SELECT {", ".join(_COLUMNS)} FROM photos
            WHERE source = ? AND state = 'rejected' AND (reason = ? OR substr(reason, 1, ?) = ?) ORDER BY photo_id
        """  # noqa: S608
        for row in self._db.execute(query, [source, reason, len(reason) + 1, f"{reason}:"]):
            yield _photo(row)

    def kept(self, source: str, place: str) -> int:
        """Photos of a source that are there and fit, as far as is known."""
        query = "SELECT count(*) FROM photos WHERE source = ? AND place = ? AND state = 'fetched'"
        return int(self._db.execute(query, [source, place]).fetchone()[0])

    def areas(self) -> dict[str, Mapping[str, Any]]:
        """The frozen areas by place: source, code, geojson, digest."""
        return {row["place"]: dict(row) for row in self._db.execute("SELECT * FROM areas ORDER BY place")}

    def fact(self, name: str) -> str | None:
        """What `set_fact` remembered, or None."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", [name]).fetchone()
        return None if row is None else str(row["value"])

    def facts(self, prefix: str) -> dict[str, str]:
        """All that `set_fact` remembered under names that begin so."""
        rows = self._db.execute("SELECT name, value FROM facts WHERE substr(name, 1, ?) = ?", [len(prefix), prefix])
        return {row["name"]: row["value"] for row in rows}

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


def _connect(path: Path) -> sqlite3.Connection:
    """A connection to write and read; to read alone where the file is there and the rights allow no more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=30, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # opens the log, which lies beside the file
    except sqlite3.OperationalError as error:
        db.close()
        if error.sqlite_errorcode & 0xFF not in _NO_RIGHT or not path.is_file():
            raise
        db = _connect_to_read(path)
    except sqlite3.DatabaseError:
        db.close()
        raise
    db.row_factory = sqlite3.Row
    return db


def _connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that leaves no file beside the catalogue; where a writer has a log open, it reads that too."""
    log = path.with_name(f"{path.name}-wal")
    mode = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
    return sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, timeout=30, isolation_level=None)


def _photo(row: sqlite3.Row) -> Photo:
    return Photo(**{name: row[name] for name in _COLUMNS})
