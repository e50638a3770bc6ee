"""The ledger: what every image request may cost, written down before it leaves, and the ceilings held against it."""

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Self

from machinami.catalog import Catalog
from machinami.config import BudgetConfig
from machinami.errors import BudgetError, ProjectError
from machinami.sources.prices import billing_month

__all__ = ["Ledger", "LedgerSummary"]

_MICRO = 1_000_000
_WAIT_S = 30.0  # for another process that writes
_GOES_ON = "then run the same command again: it goes on from here"


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSummary:
    """What was asked for until now, and the ceilings."""

    month: str  # that is being billed now, e.g. "2026-11"
    used_this_month: int  # image requests to this source in it
    requests: int  # image requests in all, to all sources
    spent_micro_usd: int  # for all of them, in millionths of a dollar
    unsettled: int  # requests of which no outcome is known; they count like the others
    max_photos: int
    max_cost_usd: float

    @property
    def requests_left(self) -> int:
        """Image requests that max_photos still allows."""
        return max(0, self.max_photos - self.requests)

    @property
    def left_micro_usd(self) -> int:
        """Millionths of a dollar that max_cost_usd still allows."""
        return max(0, to_micro_usd(self.max_cost_usd) - self.spent_micro_usd)


def to_micro_usd(usd: float) -> int:
    """Whole millionths of a dollar in a sum as the user wrote it, never more than it.

    >>> to_micro_usd(0.29), to_micro_usd(0.0069999999)
    (290000, 6999)
    """
    return int(Decimal(repr(usd)) * _MICRO)


class Ledger:
    """The open ledger of a project, in its catalogue file; close it, or use it as a context manager.

    It has a connection of its own and may be used from several threads; another process may have the same ledger
    open, and the ceilings hold for both together. `price` gives the millionths of a dollar that the nth image of a
    month costs; None where the source is free. Raises ProjectError where the file cannot be opened or written.
    """

    def __init__(
        self,
        path: Path,
        *,
        source: str,
        budget: BudgetConfig,
        price: Callable[[int], int] | None = None,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        Catalog(path).close()  # which makes the table
        self.path = path
        self._source, self._budget, self._price, self._now = source, budget, price, now
        self._sums = _Sums()
        self._lock = threading.Lock()
        with _told(path):
            self._db = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            # With FULL a power cut cannot take back what was paid for.
            self._db.execute(f"PRAGMA synchronous = {'NORMAL' if price is None else 'FULL'}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def intend(self, photo_id: int) -> int:
        """Number of the new entry, which is in the file when this returns: only now may the request leave.

        Raises BudgetError, and writes nothing, where the request would exceed a ceiling.
        """
        with self._transaction():
            moment = self._now()
            month = billing_month(moment)
            self._sums.read(self._db)
            cost = 0 if self._price is None else self._price(self._sums.months[self._source, month] + 1)
            self._check(cost)
            row = (self._source, photo_id, month, moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), cost)
            entry = self._db.execute(
                "INSERT INTO ledger (source, photo_id, month, asked_at, cost_micro_usd) VALUES (?, ?, ?, ?, ?)", row
            ).lastrowid
            assert entry is not None
        return entry

    def settle(self, entry: int, outcome: str) -> None:
        """Note how a request ended. It counts as paid for whatever its end was, and without one."""
        self.settle_all({entry: outcome})

    def settle_all(self, outcomes: Mapping[int, str]) -> None:
        """Note how several requests ended, by their entries, in one step. Raises KeyError for one that is not there."""
        with self._transaction():
            for entry, outcome in outcomes.items():
                changed = self._db.execute("UPDATE ledger SET outcome = ? WHERE entry = ?", (outcome, entry)).rowcount
                if changed != 1:
                    raise KeyError(entry)

    def summary(self) -> LedgerSummary:
        """What the file says now, entries of other processes included."""
        with self._lock, _told(self.path):
            self._sums.read(self._db)
            month = billing_month(self._now())
            unsettled = self._db.execute("SELECT count(*) FROM ledger WHERE outcome IS NULL").fetchone()[0]
            return LedgerSummary(
                month=month,
                used_this_month=self._sums.months[self._source, month],
                requests=self._sums.requests,
                spent_micro_usd=self._sums.spent_micro_usd,
                unsettled=unsettled,
                max_photos=self._budget.max_photos,
                max_cost_usd=self._budget.max_cost_usd,
            )

    @property
    def spent_micro_usd(self) -> int:
        """Millionths of a dollar in all, intentions included."""
        return self.summary().spent_micro_usd

    @property
    def used_this_month(self) -> int:
        """Image requests to this source in the month that is being billed."""
        return self.summary().used_this_month

    @property
    def requests_made(self) -> int:
        """Image requests in all, to all sources, intentions included."""
        return self.summary().requests

    def _check(self, cost: int) -> None:
        most, made = self._budget.max_photos, self._sums.requests
        if made >= most:
            raise BudgetError(
                f"{made:,} image requests were made in this project, and budget.max_photos allows {most:,}: raise "
                f"max_photos under [budget] in machinami.toml, or give --max-photos, {_GOES_ON}"
            )
        spent, ceiling = self._sums.spent_micro_usd, to_micro_usd(self._budget.max_cost_usd)
        if cost > 0 and spent + cost > ceiling:
            raise BudgetError(
                f"{spent / _MICRO:,.2f} dollars are spent on {made:,} image requests, the next one costs "
                f"{cost / _MICRO:.4f}, and budget.max_cost_usd allows {ceiling / _MICRO:,.2f} in all: raise "
                f"max_cost_usd under [budget] in machinami.toml, or give --max-cost, {_GOES_ON}; or wait for next "
                "month's free images"
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """No other process or thread writes inside; all of it stays, or nothing."""
        with self._lock, _told(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise


@dataclass(slots=True)
class _Sums:
    """Sums over the entries read so far.

    Entries only ever come behind the others and keep their price, so that none is read twice: otherwise each
    request would read all those before it.
    """

    last: int = 0
    requests: int = 0
    spent_micro_usd: int = 0
    months: Counter[tuple[str, str]] = field(default_factory=Counter)  # (source, month): requests

    def read(self, db: sqlite3.Connection) -> None:
        """Add what came since."""
        query = """
            SELECT source, month, count(*), sum(cost_micro_usd), max(entry) FROM ledger WHERE entry > ?
            GROUP BY source, month
        """
        for source, month, requests, cost, last in db.execute(query, (self.last,)).fetchall():
            self.requests += requests
            self.spent_micro_usd += cost
            self.months[source, month] += requests
            self.last = max(self.last, last)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise ProjectError(
            f"{path}: the ledger of requests cannot be kept ({error}), so nothing more is asked for: make room, check "
            "the file's rights, or wait until the other program that writes to it is done"
        ) from error
