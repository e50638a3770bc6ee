"""Files that are either whole or not there: written aside, flushed, renamed. And their digests."""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = [
    "digest_file",
    "digest_json",
    "read_json",
    "replacing",
    "replacing_folder",
    "write_bytes",
    "write_json",
    "write_text",
]


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, which takes its place when the block ends well and goes otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.parent / f".{path.stem[:40]}-{secrets.token_hex(6)}.part{path.suffix}"
    aside.touch(mode=0o666, exist_ok=False)  # as readable as any other file of this user
    try:
        yield aside
        with aside.open("rb+") as file:
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """An empty folder beside `path`, which takes its place when the block ends well and goes otherwise.

    A folder cannot be renamed over another, so the old one steps aside first and goes last.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _clear_up(path)
    mark = secrets.token_hex(6)
    aside = path.parent / f".{path.name[:40]}-{mark}.part"
    former = path.parent / f".{path.name[:40]}-{mark}.old"
    aside.mkdir()
    try:
        yield aside
        for file in aside.rglob("*"):
            if file.is_file():
                with file.open("rb+") as opened:
                    os.fsync(opened.fileno())
        if path.exists():
            path.replace(former)
        aside.replace(path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        if former.exists() and not path.exists():
            former.replace(path)
        shutil.rmtree(former, ignore_errors=True)


def _clear_up(path: Path) -> None:
    """What a killed process left: the old folder goes back where the new one had not come; all else goes."""
    for former in path.parent.glob(f".{path.name[:40]}-*.old"):
        if not path.exists():
            former.replace(path)
    for leftover in [*path.parent.glob(f".{path.name[:40]}-*.part"), *path.parent.glob(f".{path.name[:40]}-*.old")]:
        shutil.rmtree(leftover, ignore_errors=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Put `data` at `path` in one step."""
    with replacing(path) as aside:
        aside.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Put `text` at `path` in one step, UTF-8."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Put `value` at `path` as readable JSON; NaN is refused, since JSON has no such number."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """The value in a JSON file. Raises OSError and json.JSONDecodeError."""
    return json.loads(path.read_text(encoding="utf-8"))


def digest_file(path: Path) -> str:
    """The file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_json(value: Any) -> str:
    """SHA-256 of a JSON-able value, independent of the order of keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
