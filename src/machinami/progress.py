"""How long work tells how far it is, without knowing who listens."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

__all__ = ["Progress", "silent"]

T = TypeVar("T")


class Progress(Protocol):
    """Shows rates and remaining time; the command line's draws a bar on standard error."""

    def track(self, items: Iterable[T], *, total: int | None, label: str, unit: str = "photos") -> Iterator[T]:
        """The same items, counted as they pass."""
        ...

    def say(self, text: str) -> None:
        """A line for the reader."""
        ...


class _Silent:
    """Progress that nobody watches."""

    def track(self, items: Iterable[T], *, total: int | None, label: str, unit: str = "photos") -> Iterator[T]:
        del total, label, unit
        return iter(items)

    def say(self, text: str) -> None:
        del text


silent: Progress = _Silent()
