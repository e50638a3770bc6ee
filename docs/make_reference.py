"""Writes the pages of docs/reference that follow from the code: commands, config, errors. `make docs` runs it."""

import inspect
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click

from machinami import errors
from machinami.cli.main import cli
from machinami.config import AreaConfig, Config, PlaceConfig

REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- Made by docs/make_reference.py: run `make docs` after a change in the code. -->"


def commands_page() -> str:
    """The help text of every command."""
    top = click.Context(cli, info_name="machinami", terminal_width=80, **cli.context_settings)
    parts = [
        "# Commands",
        NOTE,
        (
            "Results go to standard output, progress to standard error; `--json` prints the result for machines. "
            "The exit code tells what went wrong: see [errors](errors.md)."
        ),
        _block(cli.get_help(top)),
    ]
    for name, command in cli.commands.items():
        context = click.Context(command, info_name=name, parent=top)
        parts += [f"## machinami {name}", _block(command.get_help(context))]
    return "\n\n".join(parts) + "\n"


def _block(text: str) -> str:
    return f"```text\n{text}\n```"


def config_page() -> str:
    """Every key of machinami.toml with its default and what it means."""
    parts = [
        "# machinami.toml",
        NOTE,
        (
            "Every key may be left out: the defaults are the advice. A key that does not exist is an error that names "
            "the nearest one. Paths are relative to the file."
        ),
        "`machinami new` writes a file that holds every key, those not asked for as comments.",
    ]
    sections = [f for f in fields(Config) if is_dataclass(f.default_factory)]
    rest = [f for f in fields(Config) if f not in sections and f.name != "places"]
    parts += ["## Top of the file", _table(Config, rest)]
    for heading, kind in (("[[places]], one for each place", PlaceConfig), ("area = { … } of a place", AreaConfig)):
        parts += [f"## {heading}", _summary(kind), _table(kind, list(fields(kind)))]
    hints = get_type_hints(Config)
    for section in sections:
        kind = hints[section.name]
        parts += [f"## [{section.name}]", _summary(kind), _table(kind, list(fields(kind)))]
    return "\n\n".join(parts) + "\n"


def _summary(kind: type) -> str:
    return (inspect.getdoc(kind) or "").splitlines()[0]


def _table(kind: type, shown: list[Field[Any]]) -> str:
    hints = get_type_hints(kind)
    lines = ["| key | default | values | meaning |", "| --- | --- | --- | --- |"]
    for f in shown:
        cells = (f"`{f.name}`", _default(f), _values(hints[f.name]), _comment(kind, f))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def _default(f: Field[Any]) -> str:
    if f.default is MISSING and f.default_factory is MISSING:
        return "needed"
    value = f.default if f.default is not MISSING else None
    return "–" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"


def _values(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(hint))
    if get_origin(hint) is tuple:
        return "[[…]] tables" if is_dataclass(get_args(hint)[0]) else f"list of {_values(get_args(hint)[0])}"
    words = {int: "whole number", float: "number", str: "text", bool: "true or false", date: "date"}
    given = get_args(hint)[0] if NoneType in get_args(hint) else hint  # what stands there where it is not left out
    return words.get(given, "table")


def _comment(kind: type, f: Field[Any]) -> str:
    """What the field says of itself, or what is written behind it in the code."""
    if "comment" in f.metadata:
        return str(f.metadata["comment"])
    behind = re.search(rf"^\s+{f.name}: [^#\n]*# (.+)$", inspect.getsource(kind), re.MULTILINE)
    return behind.group(1) if behind else _summary(AreaConfig)


def errors_page() -> str:
    """The exception tree with its exit codes."""
    parts = [
        "# Errors and exit codes",
        NOTE,
        (
            "Every error that a user can act upon is a `machinami.errors.MachinamiError`; its message says what "
            "happened to which thing, and what to do next. On the command line the class decides the exit code."
        ),
        "\n".join(["| class | exit code | meaning |", "| --- | --- | --- |", *_error_rows(errors.MachinamiError, 0)]),
        (
            "Success is 0. A call that the command line cannot read (an unknown option, a missing argument) ends with "
            "2, and a closed pipe (`machinami … | head`) with 141."
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _error_rows(kind: type[errors.MachinamiError], depth: int) -> Iterator[str]:
    yield f"| {'· ' * depth}`{kind.__name__}` | {kind.exit_code} | {_summary(kind)} |"
    for below in sorted(kind.__subclasses__(), key=lambda error: error.exit_code):
        if below.__module__ == errors.__name__:
            yield from _error_rows(below, depth + 1)


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands_page,
    "config.md": config_page,
    "errors.md": errors_page,
}

if __name__ == "__main__":
    for page, write in PAGES.items():
        (REFERENCE / page).write_text(write(), encoding="utf-8")
        print(f"docs/reference/{page}")
