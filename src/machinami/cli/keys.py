"""Keys of providers, from the environment or a file that only the user can read."""

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from machinami.errors import CredentialError

if TYPE_CHECKING:
    from machinami.sources.secret import Secret

__all__ = ["read_keys"]


def read_keys(key_file: Path | None) -> "dict[str, Secret]":
    """The keys that are given, by the library's names; a file's go before the environment's. Raises CredentialError.

    The file holds lines like MAPILLARY_ACCESS_TOKEN=…; what begins with # is a comment.
    """
    from machinami.sources.secret import Secret
    from machinami.sources.setup import KEY_NAMES

    given = {variable: os.environ.get(variable, "") for variable in KEY_NAMES.values()}
    if key_file is not None:
        given |= _read_file(key_file, known=list(given))
    return {name: Secret(given[variable].strip()) for name, variable in KEY_NAMES.items() if given[variable].strip()}


def _read_file(path: Path, *, known: list[str]) -> dict[str, str]:
    """The names and values in a key file. No value ever stands in a message."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8-sig")  # some editors put a mark at the start
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialError(f"{path}: the key file cannot be read ({type(error).__name__})") from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise CredentialError(f"{path}: others can read this key file: run `chmod 600 {path}`, and think of a new key")
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        name, equals, value = line.strip().partition("=")
        if not name or name.startswith("#"):
            continue
        if not equals or name.strip() not in known:
            raise CredentialError(f"{path}, line {number}: write NAME=VALUE with one of {', '.join(known)}")
        found[name.strip()] = value.strip().strip("\"'")
    return found
