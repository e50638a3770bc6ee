"""What commands print: results on standard output, progress on standard error."""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import click

from machinami.progress import Progress, silent

__all__ = ["Terminal", "points", "print_brand", "print_json", "print_table", "progress_for", "share"]

T = TypeVar("T")
LINE_EVERY_S = 10.0  # without a terminal, how often a line tells how far the work is


def print_json(value: Any) -> None:
    """The result for machines."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False, default=str))


def print_brand(branded: str | None) -> None:
    """What every result made from a random split must say first; nothing for an honest one."""
    if branded:
        click.echo(f"{branded}\n")


def print_table(headers: Sequence[str], rows: Iterable[Sequence[Any]], *, left: Sequence[int] = (0,)) -> None:
    """A plain table: the columns numbered to the left, the others to the right; dashes for what there is not."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, header in enumerate(headers):
        table.add_column(header, justify="left" if number in left else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text("–" if cell is None else str(cell)) for cell in row))
    console = Console(file=sys.stdout, soft_wrap=not sys.stdout.isatty(), highlight=False)
    if not sys.stdout.isatty():
        console.width = 200
    console.print(table)


def share(figure: Mapping[str, float | None] | None) -> str:
    """A share with its interval, in percent: "96 % (93–98)"; "77 %, too few blocks for an interval"."""
    value, low, high = (None if figure is None else figure[name] for name in ("value", "low", "high"))
    if value is None:
        return "–"
    if low is None or high is None:
        return f"{100 * value:.0f} %, too few blocks for an interval"
    return f"{100 * value:.0f} % ({100 * low:.0f}–{100 * high:.0f})"


def points(value: float, low: float | None, high: float | None) -> str:
    """A difference of shares with its interval, in points: "+2.1 points (-0.4 to +4.6)"."""
    between = "no interval" if low is None or high is None else f"{100 * low:+.1f} to {100 * high:+.1f}"
    return f"{100 * value:+.1f} points ({between})"


def progress_for(*, quiet: bool) -> Progress:
    """A bar on a terminal, a line now and then elsewhere, nothing when quiet."""
    return silent if quiet else Terminal()


class Terminal:
    """Progress with rates and remaining time on standard error."""

    def track(self, items: Iterable[T], *, total: int | None, label: str, unit: str = "photos") -> Iterator[T]:
        """The same items, counted as they pass."""
        if sys.stderr.isatty():
            return self._bar(items, total, label, unit)
        return self._lines(items, total, label, unit)

    def say(self, text: str) -> None:
        """A line for the reader."""
        click.echo(text, err=True)

    def _bar(self, items: Iterable[T], total: int | None, label: str, unit: str) -> Iterator[T]:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        )
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(label, total=total, rate="")
            started = time.monotonic()
            for count, item in enumerate(items, start=1):
                yield item
                rate = count / max(1e-9, time.monotonic() - started)
                bar.update(task, advance=1, rate=f"{rate:.3g} {unit}/s")

    def _lines(self, items: Iterable[T], total: int | None, label: str, unit: str) -> Iterator[T]:
        started = last = time.monotonic()
        count = 0
        for item in items:
            yield item
            count += 1
            now = time.monotonic()
            if now - last >= LINE_EVERY_S:
                last = now
                rate = count / (now - started)
                left = f", {(total - count) / rate:.0f} s left" if total else ""
                click.echo(f"{label}: {count}/{total or '?'} {unit}, {rate:.3g}/s{left}", err=True)
        seconds = time.monotonic() - started
        if count and seconds >= 1:
            click.echo(f"{label}: {count} {unit} in {seconds:.1f} s", err=True)
