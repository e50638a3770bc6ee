"""What can go wrong, as one tree; each class has the exit code that the command line ends with.

MachinamiError                 1   anything below, and nothing else, is meant for the user's eyes
├── UsageError                 2   the call itself makes no sense
├── ConfigError                3   machinami.toml (also a ValueError)
├── ProjectError               4   the project folder: missing, locked, from a newer version
│   └── NotReady               5   a stage was asked for before the one it needs
├── InputError                 6   photos, tables, masks, areas that were handed in (also a ValueError)
│   ├── TableError             7   a table, with its row and column
│   └── AmbiguousArea         20   a name that fits several places, which the message lists
├── SplitError                 8   the photos cannot be split as asked
├── WeightsError               9   pretrained weights that cannot be had or do not fit
├── ModelError                10   a model folder that cannot be read, or that does not fit its use
├── MissingExtra              11   an optional dependency is not installed
├── SomePhotosFailed          12   the work is done but for the photos listed
├── SourceError               13   a provider's answers cannot be used
│   ├── HostBlocked           14   the provider turns this client away: stop, and come back later
│   ├── CredentialError       15   a key or token is missing, refused or not safely kept
│   └── TermsError            16   the provider's terms forbid it, and no permission is stated
├── BudgetError               17   a ceiling of money or requests does not allow it
├── Incomplete                18   the work ended with too much that could not be asked
└── Interrupted              130   Ctrl-C; what was finished is kept
"""

from collections.abc import Sequence

__all__ = [
    "AmbiguousArea",
    "BudgetError",
    "ConfigError",
    "CredentialError",
    "HostBlocked",
    "Incomplete",
    "InputError",
    "Interrupted",
    "MachinamiError",
    "MissingExtra",
    "ModelError",
    "NotReady",
    "ProjectError",
    "SomePhotosFailed",
    "SourceError",
    "SplitError",
    "TableError",
    "TermsError",
    "UsageError",
    "WeightsError",
]


class MachinamiError(Exception):
    """Anything that a user can act upon. The message says what happened to what, and what to do next."""

    exit_code = 1


class UsageError(MachinamiError):
    """The call itself makes no sense."""

    exit_code = 2


class ConfigError(MachinamiError, ValueError):
    """A setting that does not exist or cannot be."""

    exit_code = 3


class ProjectError(MachinamiError):
    """The project folder is missing, locked, damaged, or written by a newer version."""

    exit_code = 4


class NotReady(ProjectError):
    """A stage was asked for before the one it needs."""

    exit_code = 5

    def __init__(self, what: str, *, command: str) -> None:
        super().__init__(f"{what}: run `{command}` first")


class InputError(MachinamiError, ValueError):
    """Photos, tables, masks or areas that were handed in and cannot be used."""

    exit_code = 6


class TableError(InputError):
    """A table that cannot be used, with the row (from 1, the header not counted) and the column."""

    exit_code = 7

    def __init__(self, table: str, problem: str, *, row: int | None = None, column: str | None = None) -> None:
        where = "".join(
            (f", row {row}" if row is not None else "", f", column {column!r}" if column is not None else "")
        )
        super().__init__(f"{table}{where}: {problem}")
        self.row = row
        self.column = column


class AmbiguousArea(InputError):
    """A name that fits several places; the message lists them, and what to write for each."""

    exit_code = 20

    def __init__(self, what: str, candidates: Sequence[str], *, remedy: str, shown: int = 12) -> None:
        lines = list(candidates[:shown])
        if len(candidates) > shown:
            lines.append(f"and {len(candidates) - shown} more")
        super().__init__(f"{what}:\n  " + "\n  ".join(lines) + f"\n{remedy}")
        self.candidates = tuple(candidates)


class SplitError(MachinamiError):
    """The photos cannot be split as asked; the message holds the table and the ways out."""

    exit_code = 8


class WeightsError(MachinamiError):
    """Pretrained weights that cannot be had or do not fit the network."""

    exit_code = 9


class ModelError(MachinamiError):
    """A model folder that cannot be read, or that does not fit what is asked of it."""

    exit_code = 10


class MissingExtra(MachinamiError):
    """An optional dependency is not installed."""

    exit_code = 11

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs more packages: pip install 'machinami[{extra}]'")


class SomePhotosFailed(MachinamiError):
    """The work is done but for some photos."""

    exit_code = 12

    def __init__(self, failures: Sequence[tuple[str, str]], *, shown: int = 5) -> None:
        lines = [f"{file}: {reason}" for file, reason in failures[:shown]]
        if len(failures) > shown:
            lines.append(f"and {len(failures) - shown} more")
        count = "1 photo" if len(failures) == 1 else f"{len(failures)} photos"
        super().__init__(f"{count} failed:\n  " + "\n  ".join(lines))
        self.failures = tuple(failures)


class SourceError(MachinamiError):
    """A provider's answers cannot be used, or it cannot be reached."""

    exit_code = 13


class HostBlocked(SourceError):
    """The provider turns this client away: asking on would make it worse."""

    exit_code = 14


class CredentialError(SourceError):
    """A key or token is missing, refused, or not safely kept."""

    exit_code = 15


class TermsError(SourceError):
    """The provider's terms forbid what is asked, and no permission is stated."""

    exit_code = 16


class BudgetError(MachinamiError):
    """A ceiling of money or requests does not allow it; `report` tells what was done until then, where there is one."""

    exit_code = 17
    report: object | None = None


class Incomplete(MachinamiError):
    """The work ended, but too much of it could not be asked: unknown is not empty. `report` tells what was done."""

    exit_code = 18
    report: object | None = None


class Interrupted(MachinamiError):
    """Stopped by the user; what was finished is kept, and the same command goes on from there."""

    exit_code = 130
