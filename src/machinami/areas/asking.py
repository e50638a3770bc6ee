"""How Nominatim is asked: a request a second at most, none that is in the cache, again when busy, not for ever."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from filelock import FileLock

from machinami.areas.nominatim import BadAnswer, Fetch, Relation, Reply, build_url, parse_answer, user_agent
from machinami.config import AreaConfig
from machinami.errors import InputError, ProjectError
from machinami.files import write_json, write_text
from machinami.retry import retry_after_s

__all__ = ["Gazetteer", "wait_for_turn"]

_INTERVAL_S = 1.0  # the usage policy: one request a second for the whole application
_ATTEMPTS = 4
_BUSY = frozenset({429, 503, 504})
_FIRST_WAIT_S = 2.0
_LONGEST_WAIT_S = 60.0  # a server that asks for more is told of instead
_REDIRECTS = range(300, 400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gazetteer:
    """Asks a Nominatim server for areas. Good answers are kept in `cache`, bad ones never."""

    fetch: Fetch
    base_url: str
    cache: Path  # folder of answers
    pace: Path  # folder with the time of the last request: one for all projects of a user
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def relations(self, config: AreaConfig) -> list[Relation]:
        """The relations that fit `osm` or `query`.

        Raises InputError where the server gives no answer, or one that is of no use; ProjectError where the cache
        cannot be written.
        """
        url = build_url(config, self.base_url)
        kept = self.cache / f"{sha256(url.encode()).hexdigest()}.json"
        found = _cached(kept)
        if found is not None:
            return found
        body = self._ask(url)
        try:
            relations = parse_answer(body)
        except BadAnswer as error:
            raise self._failure(f"the answer {error}") from error
        if relations:  # "nothing found" may be true no longer tomorrow
            try:
                write_json(kept, {"url": url, "answer": json.loads(body)})
            except OSError as error:
                raise ProjectError(f"{self.cache}: cannot be written ({error.strerror})") from error
        return relations

    def _ask(self, url: str) -> bytes:
        headers = {"User-Agent": user_agent(), "Accept": "application/json"}
        problem = ""
        for attempt in range(_ATTEMPTS):
            wait_for_turn(self.pace, clock=self.clock, sleep=self.sleep)
            try:
                reply = self.fetch(url, headers)
            except OSError as error:
                problem, delay_s = f"no answer came ({error or type(error).__name__})", None
            else:
                if reply.status == 200:
                    return reply.body
                problem = f"it answers {reply.status}"
                if reply.status not in _BUSY:
                    raise self._failure(problem + _reason(reply))
                delay_s = retry_after_s(reply.headers, now=datetime.fromtimestamp(self.clock(), UTC))
                if delay_s is not None and delay_s > _LONGEST_WAIT_S:
                    raise self._failure(f"{problem} and asks to come back in {delay_s:.0f} s")
            if attempt + 1 < _ATTEMPTS:
                self.sleep(_FIRST_WAIT_S * 2**attempt if delay_s is None else delay_s)
        raise self._failure(f"{problem}, {_ATTEMPTS} times")

    def _failure(self, problem: str) -> InputError:
        return InputError(
            f"{self.base_url}: {problem}; try again later, or save the polygon as GeoJSON and name it with file = …"
        )


def _cached(path: Path) -> list[Relation] | None:
    """A kept answer; None where there is none, or one that cannot be read."""
    try:
        return parse_answer(json.dumps(json.loads(path.read_bytes())["answer"]).encode())
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _reason(reply: Reply) -> str:
    if reply.status in _REDIRECTS:
        return f" (a redirect to {reply.headers.get('location', 'nowhere')!r}, which is not followed)"
    text = " ".join(reply.body[:400].decode("utf-8", "replace").split())
    return f" ({text[:120]})" if text else ""


def wait_for_turn(folder: Path, *, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
    """Come back when the next request may leave, a second after the last of any process that uses `folder`.

    Where nothing can be written there, every request waits for a second.
    """
    try:
        _wait_for_turn(folder, clock=clock, sleep=sleep)
    except OSError:
        sleep(_INTERVAL_S)


def _wait_for_turn(folder: Path, *, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    last = folder / "last-request"
    with FileLock(folder / "last-request.lock"):
        try:
            since_s = clock() - float(last.read_text())
        except (OSError, ValueError):
            since_s = _INTERVAL_S
        if since_s < _INTERVAL_S:  # a clock that was set back must not make it wait for long
            sleep(min(_INTERVAL_S, _INTERVAL_S - since_s))
        write_text(last, repr(clock()))
