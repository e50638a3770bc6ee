"""A folder of folders: each first-level folder is a place, everything below it are its photos."""

import os
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

from machinami.errors import InputError

__all__ = ["PHOTO_SUFFIXES", "find_photos", "list_folders", "name_of"]

# Names that promise a photo. What cannot be decoded among them becomes a row that says so.
PHOTO_SUFFIXES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".mpo",
        ".png",
        ".webp",
        ".tif",
        ".tiff",
        ".bmp",
        ".gif",
        ".avif",
        ".heic",
        ".heif",
        ".dng",
        ".cr2",
        ".cr3",
        ".nef",
        ".arw",
    ]
)
_NEVER = frozenset({"__MACOSX", "@eaDir", "Thumbs.db", "desktop.ini"})


def list_folders(root: Path) -> list[Path]:
    """The folders directly in `root`, sorted by name; hidden ones and those of operating systems are left out.

    Raises InputError where `root` is no folder that can be read.
    """
    try:
        entries = sorted(root.iterdir(), key=lambda path: path.name)
    except OSError as error:
        raise InputError(f"{root}: cannot be read as a folder of photos ({error.strerror})") from error
    return [path for path in entries if not _is_hidden(path.name) and path.is_dir()]


def find_photos(
    folder: Path,
    *,
    skip: Callable[[Path], None] = lambda _: None,
    deep: bool = True,
    without: Path | None = None,
    inside: bool = False,
) -> Iterator[Path]:
    """Files below `folder` that are named like photos, sorted; `skip` is told of the others.

    Links to folders are followed, each folder once, so that a loop ends; with `inside` one that leads out of `folder`
    is told to `skip` instead. The folder `without` is not entered; with `deep` off none is. A folder that cannot be
    read is told to `skip`.
    """
    root = folder.resolve()
    entered = {_identity(folder), _identity(without)} - {None}
    pending = _entries(folder, skip)
    while pending:
        path = pending.pop()
        if _is_hidden(path.name):
            skip(path)
        elif _is_folder(path):
            identity = _identity(path)
            if inside and path.is_symlink() and not path.resolve().is_relative_to(root):
                skip(path)
            elif deep and identity not in entered:
                entered.add(identity)
                pending.extend(_entries(path, skip))
        elif path.suffix.lower() in PHOTO_SUFFIXES:
            yield path
        else:
            skip(path)


def _entries(folder: Path, skip: Callable[[Path], None]) -> list[Path]:
    """What lies in a folder, the last name first: the end of a list is where the next is taken from."""
    try:
        return sorted(map(Path, _full_names(folder)), reverse=True)
    except OSError:
        skip(folder)
        return []


def _full_names(folder: Path) -> list[str]:
    with os.scandir(folder) as scan:
        return [entry.path for entry in scan]


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name in _NEVER


def _identity(path: Path | None) -> tuple[int, int] | None:
    """What tells one folder from another, whatever it is called."""
    if path is None:
        return None
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def name_of(path: Path, root: Path) -> str:
    """The path below `root`, with forward slashes, NFC; bytes that are no UTF-8 are escaped."""
    text = path.relative_to(root).as_posix()
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return unicodedata.normalize("NFC", text)
