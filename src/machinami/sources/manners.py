"""How a host is asked politely: a pace, bounded repeats with growing waits, a deadline."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from machinami.errors import HostBlocked, SourceError
from machinami.retry import retry_after_s
from machinami.sources.secret import Secret, redact
from machinami.sources.transport import Answer, Request, Transport, TransportError

__all__ = [
    "Asker", "Manners", "Pace", "RequestCount", "Silence", "TryAgain", "Unanswered", "Verdict", "first_words",
    "judge_status", "wait_s",
]  # fmt: skip

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 60.0
_SILENT_AFTER = 20  # questions in a row, each repeated as often as allowed: minutes, not seconds
_SHORTEST_KEY = 8  # what is shorter is no provider's key, and may stand in an answer by chance


class Unanswered(Exception):  # not for the user: it becomes a row's or a cell's state
    """Asked as often and as long as allowed, without an answer that says anything: unknown."""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """The answer says nothing yet; `after_s` is what the provider asked for, if it did."""

    why: str
    after_s: float | None = None


# What an answer says: nothing is wrong with it (None), ask again, or an exception that ends this question
# (SourceError and its kin end the whole run).
Verdict = TryAgain | Exception | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How often and how long one thing is asked for."""

    attempts: int = 6
    deadline_s: float = 300.0


def wait_s(attempt: int, after_s: float | None) -> float:
    """Seconds to wait after the given attempt (from 1): what the provider asked for, else 0.5, 1, 2 … 60.

    >>> [wait_s(n, None) for n in (1, 2, 3, 20)], wait_s(1, 7.0)
    ([0.5, 1.0, 2.0, 60.0], 7.0)
    """
    growing = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(attempt - 1, 20))
    return growing if after_s is None else max(growing, after_s)


class Pace:
    """A token bucket: at most so many requests a second, a second's worth at once. Safe for several threads."""

    def __init__(
        self,
        per_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.per_s, self._clock, self._sleep = per_s, clock, sleep
        self._burst = max(1.0, min(per_s, 10.0))
        self._tokens, self._filled_at, self._quiet_until = self._burst, clock(), 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Come back when the next request may leave."""
        while (delay_s := self._take()) > 0:
            self._sleep(delay_s)

    def rest(self, seconds: float) -> None:
        """Nobody asks for so long: the host said that it has too much to do."""
        with self._lock:
            self._quiet_until = max(self._quiet_until, self._clock() + seconds)

    def _take(self) -> float:
        with self._lock:
            now = self._clock()
            if now < self._quiet_until:
                return self._quiet_until - now
            self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self.per_s)
            self._filled_at = now
            if self._tokens >= 1 - 1e-9:  # rounding must not ask for a sleep too short to matter
                self._tokens -= 1
                return 0.0
            return (1 - self._tokens) / self.per_s


class RequestCount:
    """How many requests have left, by host, repeats included. Safe for several threads."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, host: str) -> None:
        """One more."""
        with self._lock:
            self._counts[host] += 1

    def by_host(self) -> dict[str, int]:
        """The counts now, sorted by host."""
        with self._lock:
            return dict(sorted(self._counts.items()))


class Silence:
    """Which hosts have stopped answering: they are asked no more, so that a run ends soon instead of in hours.

    A host is silent after `after` questions in a row without an answer. Each asker has a silence of its own: a host
    that tells where photos are may still refuse to send them. Safe for several threads.
    """

    def __init__(self, after: int = _SILENT_AFTER) -> None:
        self.after = after
        self._unanswered: Counter[str] = Counter()
        self._lock = threading.Lock()

    def check(self, host: str) -> None:
        """Raises Unanswered for a host that is silent."""
        with self._lock:
            if self._unanswered[host] >= self.after:
                raise Unanswered(f"{host} left {self.after} questions in a row unanswered, so it is asked no more")

    def note(self, host: str, *, answered: bool) -> None:
        """How one question ended."""
        with self._lock:
            self._unanswered[host] = 0 if answered else self._unanswered[host] + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Asks with manners, and counts every request that leaves. Safe for several threads.

    What a provider says can repeat a key, and so can a failed connection: `keys` are hidden before anyone reads it.
    """

    transport: Transport
    manners: Manners
    pace: Pace
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    requests: RequestCount = field(default_factory=RequestCount)
    silence: Silence = field(default_factory=Silence)
    keys: tuple[Secret, ...] = ()

    def ask(
        self,
        request: Request,
        judge: Callable[[Answer], Verdict],
        *,
        before: Callable[[], None] = lambda: None,
    ) -> Answer:
        """The answer that `judge` finds nothing wrong with.

        `before` is called before each attempt leaves, repeats included; what it raises stops the question (a
        budget that is used up). Raises Unanswered when attempts or time run out, or the host has fallen silent, and
        whatever `judge` gives.
        """
        self.silence.check(request.host)
        try:
            return self._ask(request, judge, before)
        except Unanswered:
            self.silence.note(request.host, answered=False)
            raise

    def _ask(self, request: Request, judge: Callable[[Answer], Verdict], before: Callable[[], None]) -> Answer:
        began = self.clock()
        for attempt in range(1, self.manners.attempts + 1):
            self.pace.wait()
            left_s = self.manners.deadline_s - (self.clock() - began)
            if left_s <= 0:
                break
            before()
            self.requests.add(request.host)
            again = self._attempt(request, judge, left_s)
            if isinstance(again, Answer):
                return again
            delay_s = wait_s(attempt, again.after_s)
            if attempt == self.manners.attempts or self.clock() - began + delay_s > self.manners.deadline_s:
                raise Unanswered(f"{again.why} ({attempt} attempts)")
            if again.after_s is not None:
                self.pace.rest(again.after_s)
            self.sleep(delay_s)
        raise Unanswered(f"{request.host}: no time left after {self.manners.deadline_s:g} s")

    def _attempt(self, request: Request, judge: Callable[[Answer], Verdict], left_s: float) -> Answer | TryAgain:
        try:
            answer = self.transport.send(request, deadline_s=left_s)
        except TransportError as error:
            return TryAgain(redact(self._hide_keys(str(error).encode()).decode()))
        verdict = judge(self._without_keys(answer))
        if isinstance(verdict, TryAgain):
            return verdict
        if not isinstance(verdict, Unanswered):
            self.silence.note(request.host, answered=True)
        if verdict is not None:
            raise verdict
        return answer

    def _without_keys(self, answer: Answer) -> Answer:
        return replace(answer, body=self._hide_keys(answer.body))

    def _hide_keys(self, text: bytes) -> bytes:
        for key in self.keys:
            if len(key.value) >= _SHORTEST_KEY:
                text = text.replace(key.value.encode(), b"***")
        return text


def judge_status(answer: Answer, *, host: str, now: datetime) -> Verdict:
    """What the status alone says, the same for every provider: 200 may be read, 429 and 5xx are asked again."""
    status = answer.status
    if status == 200:
        return None
    if status == 429 or status >= 500 or status == 408:
        return TryAgain(f"{host} answers {status}", retry_after_s(answer.headers, now=now))
    if status in {301, 302, 303, 307, 308} or status == 403:
        return HostBlocked(
            f"{host} turns requests away ({status}): stop for today; what was collected is kept, and the same command "
            "goes on from there"
        )
    return SourceError(f"{host} answers {status}: {first_words(answer)}")


def first_words(answer: Answer) -> str:
    """The beginning of an answer's text on one line, for a message; keys in it are hidden."""
    text = " ".join(answer.body[:400].decode("utf-8", "replace").split())
    return redact(text[:160]) or "nothing more"
