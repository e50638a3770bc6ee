"""What can go wrong with any provider, in given shares: seeded, and to be changed while the server runs."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

from tests.servers.chance import chance

__all__ = ["FaultDraw", "Faults"]

_SHARES = ("server_error", "truncated", "slow", "html", "login", "reset", "overload_share")


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Shares are of all requests of the kinds named; one request meets at most one fault."""

    server_error: float = 0.0  # 500, 502 or 503
    truncated: float = 0.0  # Content-Length says more than is sent
    slow: float = 0.0  # answered rightly, after `delay_s`
    html: float = 0.0  # a web page with status 200, as of a captive portal
    login: float = 0.0  # 302 to /login: 1.0 is a host that has blocked the caller
    reset: float = 0.0  # the connection is reset before an answer
    overload_share: float = 0.0  # "too much to do" in the provider's own words
    overload: int = 0  # the next so many requests are told the same
    block_after: int | None = None  # once so many more requests were answered, all are sent to /login
    refuse: int | None = None  # each request gets this HTTP status: 401, 403, 404, 301 …
    duplicate: float = 0.0  # share of the rows of a list that come twice
    delay_s: float = 0.5
    kinds: tuple[str, ...] = ()  # only requests of these kinds ("search", "photo" …); () is all
    seed: int = 0

    def __post_init__(self) -> None:
        if any(getattr(self, name) < 0 for name in _SHARES) or sum(getattr(self, name) for name in _SHARES) > 1 + 1e-9:
            raise ValueError(f"the shares {', '.join(_SHARES)} must be positive and add up to at most 1")

    @classmethod
    def from_json(cls, values: Mapping[str, Any], *, start: Self | None = None) -> Self:
        """`start` (or no faults) with the values given. Raises ValueError for an unknown name."""
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}")
        given = {name: tuple(value) if name == "kinds" else value for name, value in values.items()}
        return replace(start or cls(), **given)


class FaultDraw:
    """Draws the fault of each request: by what is asked and how often it was asked before, so whatever the order
    in which threads come, the same requests meet the same faults. Safe for several threads."""

    def __init__(self, faults: Faults) -> None:
        self._lock = threading.Lock()
        self._faults = faults
        self._asked: Counter[str] = Counter()
        self._answered = 0

    @property
    def faults(self) -> Faults:
        """Those in force."""
        return self._faults

    def set(self, faults: Faults) -> None:
        """From now on these."""
        with self._lock:
            self._faults, self._answered = faults, 0

    def as_json(self) -> dict[str, Any]:
        """Those in force, as a table."""
        return asdict(self._faults)

    def draw(self, kind: str, target: str) -> str | None:
        """The name of the fault that a request meets, or None."""
        with self._lock:
            faults = self._faults
            if faults.kinds and kind not in faults.kinds:
                return None
            self._answered += 1
            if faults.refuse is not None:
                return "refuse"
            if faults.block_after is not None and self._answered > faults.block_after:
                return "login"
            if faults.overload > 0:
                self._faults = replace(faults, overload=faults.overload - 1)
                return "overload"
            if not any(getattr(faults, name) for name in _SHARES):
                return None  # and what is asked need not be remembered
            self._asked[target] += 1
            lot = chance(faults.seed, "fault", target, self._asked[target])
        return _named(faults, lot)

    def repeat_some(self, rows: Iterable[Any], key: Callable[[Any], object]) -> list[Any]:
        """The rows, with a share `duplicate` of them twice."""
        rows = list(rows)
        faults = self._faults
        if not faults.duplicate:
            return rows
        return rows + [row for row in rows if chance(faults.seed, "duplicate", key(row)) < faults.duplicate]


def _named(faults: Faults, lot: float) -> str | None:
    for name in _SHARES:
        lot -= getattr(faults, name)
        if lot < 0:
            return "overload" if name == "overload_share" else name
    return None
