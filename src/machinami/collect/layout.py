"""How a folder of photos tells its places: by a table, by its sub-folders, or by EXIF positions and areas."""

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from machinami.config import PlaceConfig
from machinami.config_file import is_key
from machinami.errors import InputError, TableError
from machinami.sources.folder import PHOTO_SUFFIXES, find_photos, list_folders, name_of
from machinami.sources.table import TableRow, check_columns, read_table

__all__ = ["Candidate", "Layout", "by_folders", "by_position", "by_table", "choose_layout"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A photo that may come in."""

    path: Path
    name: str  # relative path, forward slashes, NFC
    place: str | None  # None: its position will tell
    row: TableRow | None = None
    mask: Path | None = None  # where its mask lies, where it has one
    mask_missing: bool = False  # the table names one that is not there


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What will be imported; `candidates` can be asked for again and again."""

    candidates: Callable[[], Iterator[Candidate]]
    total: int | None = None  # photos, where that is known beforehand
    notes: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)  # suffix of files that are no photos -> how many
    links: list[str] = field(default_factory=list)  # names of links to folders that lead out: not followed


def choose_layout(
    photos: Path, places: Sequence[PlaceConfig], areas: Mapping[str, object], *, masks: Path | None
) -> Layout:
    """By sub-folders named like places (all of them places where the config names none), else by position.

    Raises InputError where neither can be, naming the place that a folder may be meant for.
    """
    folders = [folder for folder in list_folders(photos) if not _is_same(folder, masks)]
    if not places:
        if not folders:
            raise InputError(
                f"{photos}: has no sub-folders, so nothing tells which place a photo shows: make a folder for"
                " each place, hand in a table, or give the places an area in machinami.toml"
            )
        return by_folders(photos, _folder_keys(folders), masks=masks)
    named = {unicodedata.normalize("NFC", name): p.key for p in places for name in (p.label, p.key) if name}
    found = {folder: named.get(unicodedata.normalize("NFC", folder.name)) for folder in folders}
    keys = {folder: key for folder, key in found.items() if key is not None}
    if len(keys) == len(folders) > 0:
        return by_folders(photos, keys, masks=masks)
    if not keys and areas and len(areas) == len(places):
        return by_position(photos, masks=masks)
    raise InputError(_unknown_folders(photos, found, list(named)))


def _unknown_folders(photos: Path, found: Mapping[Path, str | None], names: list[str]) -> str:
    strange = [folder.name for folder, key in found.items() if key is None]
    if not strange:
        return (
            f"{photos}: has no sub-folders, and not every place has an area to look positions up in: make a"
            f" folder for each place ({', '.join(names)}), or hand in a table"
        )
    near = difflib.get_close_matches(strange[0], names, n=1, cutoff=0.5)
    meant = f"did you mean {near[0]!r}?" if near else f"the places are {', '.join(names)};"
    return (
        f"{photos}: the folder {strange[0]!r} is no place of machinami.toml: {meant} Rename it, move it away, or"
        " add it as a place"
    )


def _folder_keys(folders: Sequence[Path]) -> dict[Path, str]:
    """A key for each folder: its name, with what a key may not hold replaced by -."""
    keys: dict[Path, str] = {}
    for folder in folders:
        name = unicodedata.normalize("NFC", folder.name)
        shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        key = re.sub(r"[^\w.-]+", "-", shown).strip("-_.")[:64]
        if not key:
            raise InputError(f"{folder}: the name holds no letter or digit, so it cannot be a place: rename it")
        if key in keys.values():
            raise InputError(f"{folder}: another folder gives the same place {key!r}: rename one")
        keys[folder] = key
    return keys


def by_folders(photos: Path, keys: Mapping[Path, str], *, masks: Path | None) -> Layout:
    """Each folder's photos, recursively, are of its place; what links lead to elsewhere is not."""
    loose: list[Path] = []
    left = _LeftOut(photos)

    def candidates() -> Iterator[Candidate]:
        left.clear()
        for folder, key in keys.items():
            for path in find_photos(folder, skip=left.note, without=masks, inside=True):
                yield _candidate(path, photos, key, masks)

    loose.extend(find_photos(photos, deep=False))
    notes = [f"{folder.name!r} became the place {key!r}" for folder, key in keys.items() if folder.name != key]
    if loose:
        notes.append(f"{len(loose)} photos lie directly in {photos.name} and belong to no place: left out")
    return Layout(candidates=candidates, notes=notes, skipped=left.kinds, links=left.links)


@dataclass(frozen=True, slots=True)
class _LeftOut:
    """What a walk through the folders passed by."""

    photos: Path
    kinds: Counter[str] = field(default_factory=Counter)
    links: list[str] = field(default_factory=list)

    def clear(self) -> None:
        self.kinds.clear()
        self.links.clear()

    def note(self, path: Path) -> None:
        if path.is_symlink() and path.is_dir():
            self.links.append(name_of(path, self.photos))
        else:
            self.kinds[_kind(path)] += 1


def by_position(photos: Path, *, masks: Path | None) -> Layout:
    """All photos below the folder; each one's EXIF position will tell its place."""
    left = _LeftOut(photos)

    def candidates() -> Iterator[Candidate]:
        left.clear()
        for path in find_photos(photos, skip=left.note, without=masks):
            yield _candidate(path, photos, None, masks)

    notes = ["no sub-folder is named like a place: places are told by EXIF positions and areas"]
    return Layout(candidates=candidates, notes=notes, skipped=left.kinds, links=left.links)


def by_table(photos: Path, table: Path, places: Sequence[PlaceConfig], *, masks: Path | None, now: datetime) -> Layout:
    """The rows of a table, all checked before this returns. Raises TableError at the first wrong one."""
    list_folders(photos)  # raises where it is no folder
    ignored = check_columns(table)
    root = photos.resolve()
    keys = [place.key for place in places]
    total = missing = impossible = 0
    for row in read_table(table, now=now):
        _check_place(row, keys, table)
        _check_inside(row, "file", row.file, root, table)
        if row.mask is not None:
            _check_inside(row, "mask", row.mask, root, table)
        total += 1
        missing += not _exists(_locate(photos, row.file))
        impossible += row.impossible_date
    if total == 0:
        raise TableError(table.name, "has a header and no rows")
    if missing == total:
        raise InputError(
            f"{table.name}: none of its {total} files is there; `file` is relative to {photos}: hand in the"
            " folder that the paths start from"
        )
    notes = [f"columns left aside: {', '.join(ignored)}"] if ignored else []
    if impossible:
        notes.append(f"{impossible} dates lie before 1990 or in the future: taken as unknown")

    def candidates() -> Iterator[Candidate]:
        for row in read_table(table, now=now):
            path = _locate(photos, row.file)
            mask, gone = _table_mask(row, (photos, table.parent, masks), masks)
            yield Candidate(
                path=path, name=name_of(path, photos), place=row.place, row=row, mask=mask, mask_missing=gone
            )

    return Layout(candidates=candidates, total=total, notes=notes)


def _check_place(row: TableRow, keys: list[str], table: Path) -> None:
    if keys and row.place not in keys:
        near = difflib.get_close_matches(row.place, keys, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"they are {', '.join(keys)}"
        problem = f"{row.place!r} is no place of machinami.toml; {hint}"
        raise TableError(table.name, problem, row=row.row, column="place")
    if not is_key(row.place):
        problem = f"{row.place!r} cannot be a place's key (letters, digits, '.', '-', '_'; 64 at most)"
        raise TableError(table.name, problem, row=row.row, column="place")


def _check_inside(row: TableRow, column: str, name: str, root: Path, table: Path) -> None:
    """A link must not lead out of the folder that was handed in."""
    try:
        inside = (root / name).resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a loop of links, a name too long: the row itself will fail
        return
    if not inside:
        problem = f"{name!r} leads out of the folder of the photos"
        raise TableError(table.name, problem, row=row.row, column=column)


def _locate(root: Path, name: str) -> Path:
    """The file of that name, in whichever Unicode form the disk has it."""
    for form in (name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)):
        if _exists(root / form):
            return root / form
    return root / name


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _table_mask(row: TableRow, roots: Sequence[Path | None], masks: Path | None) -> tuple[Path | None, bool]:
    """The mask of a row, and whether it names one that is not there."""
    if row.mask is not None:
        for root in roots:
            if root is not None and _exists(path := _locate(root, row.mask)):
                return path, False
        return None, True
    mask = masks / Path(row.file).with_suffix(".png") if masks is not None else None
    return (mask if mask is not None and _exists(mask) else None), False


def _candidate(path: Path, photos: Path, place: str | None, masks: Path | None) -> Candidate:
    mask = None
    if masks is not None:
        mask = masks / path.relative_to(photos).with_suffix(".png")
    found = mask if mask is not None and _exists(mask) else None
    return Candidate(path=path, name=name_of(path, photos), place=place, mask=found)


def _kind(path: Path) -> str:
    """What a file that was left out is called in the notes."""
    return path.suffix.lower() if path.suffix and path.suffix.lower() not in PHOTO_SUFFIXES else path.name[:40]


def _is_same(folder: Path, other: Path | None) -> bool:
    return other is not None and other.exists() and folder.samefile(other)
