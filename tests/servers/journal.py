"""What a server was asked: every request with its time, counts by kind, and how fast they came."""

import json
import threading
import time
from collections import Counter, defaultdict, deque
from pathlib import Path
from typing import Any

__all__ = ["Journal"]


class Journal:
    """Kept in memory, and in `file` too (a JSON line each) where one is given. Safe for several threads."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._in_flight = 0
        self.clear()

    def clear(self) -> None:
        """Forget all that was asked so far (not what the file holds)."""
        with self._lock:
            self._rows: list[dict[str, Any]] = []
            self._kinds: Counter[str] = Counter()
            self._statuses: Counter[str] = Counter()
            self._faults: Counter[str] = Counter()
            self._recent: dict[str, deque[float]] = defaultdict(deque)
            self._peaks: Counter[str] = Counter()
            self._most_in_flight = 0

    def arrive(self, kind: str) -> None:
        """A request has come."""
        now = time.monotonic()
        with self._lock:
            self._in_flight += 1
            self._most_in_flight = max(self._most_in_flight, self._in_flight)
            self._kinds[kind] += 1
            for name in ("all", kind):
                recent = self._recent[name]
                recent.append(now)
                while recent[0] <= now - 1:
                    recent.popleft()
                self._peaks[name] = max(self._peaks[name], len(recent))

    def leave(self, row: dict[str, Any]) -> None:
        """It was answered; `row` says what was asked and what came of it: method, target, kind, status, fault."""
        with self._lock:
            self._in_flight -= 1
            self._statuses[str(row["status"])] += 1
            if row["fault"]:
                self._faults[row["fault"]] += 1
            self._rows.append(row)
            if self._file is not None:
                with self._file.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps(row) + "\n")

    def rows(self, since: int = 0, limit: int | None = None) -> list[dict[str, Any]]:
        """The requests from number `since` (0 is the first) on, in the order in which they were answered."""
        with self._lock:
            return self._rows[since:][:limit]

    def stats(self) -> dict[str, Any]:
        """Counts so far; `peak_per_s` is the most that came within any one second."""
        with self._lock:
            return {
                "requests": self._kinds.total(),
                "by_kind": dict(self._kinds),
                "by_status": dict(self._statuses),
                "faults": dict(self._faults),
                "peak_per_s": dict(self._peaks),
                "peak_in_flight": self._most_in_flight,
            }
