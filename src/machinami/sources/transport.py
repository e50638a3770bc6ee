"""The one seam to the network: a request goes out, an answer comes back, whole or not at all."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Protocol, Self
from urllib.parse import urlencode, urlsplit

from machinami.errors import ConfigError, SourceError
from machinami.sources.secret import Secret, redact

if TYPE_CHECKING:
    import httpx

__all__ = [
    "Answer", "HttpxTransport", "Request", "Transport", "TransportError", "check_base_url", "is_safe_image_url",
    "rebase",
]  # fmt: skip

MAX_BYTES = 64 << 20  # no answer that is of use is larger
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked, without the keys: those are added on the way out, so that no text ever holds them."""

    url: str  # without query
    method: Literal["GET", "POST"] = "GET"
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_query: Mapping[str, Secret] = field(default_factory=dict)
    secret_headers: Mapping[str, Secret] = field(default_factory=dict)
    max_bytes: int = MAX_BYTES

    @property
    def host(self) -> str:
        """Who is asked, e.g. "graph.mapillary.com" or "127.0.0.1:8000"."""
        return urlsplit(self.url).netloc

    def path_and_query(self) -> str:
        """What a signature is made over: the path with the encoded query, keys included, without scheme and host."""
        query = {**self.query, **{name: secret.value for name, secret in self.secret_query.items()}}
        path = urlsplit(self.url).path
        return f"{path}?{urlencode(query)}" if query else path

    def full_url(self) -> str:
        """The URL that goes over the wire; it holds keys, so it is never shown."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}{self.path_and_query()}"

    def __str__(self) -> str:
        query = f"?{urlencode(self.query)}" if self.query else ""
        return redact(f"{self.method} {self.url}{query}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)  # names in small letters
    body: bytes = b""

    @property
    def content_type(self) -> str:
        """Without its parameters, in small letters: "image/jpeg"."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class TransportError(Exception):
    """No whole answer came: refused, reset, silent, cut short, too slow. Asking again may help."""


class Transport(Protocol):
    """Carries requests; safe to use from several threads."""

    def send(self, request: Request, *, deadline_s: float) -> Answer:
        """The whole answer, redirects not followed.

        Raises TransportError; SourceError for an answer that is too large, and for a request that cannot be sent.
        """
        ...


class HttpxTransport:
    """The transport of the real network. Close it, or use it as a context manager."""

    def __init__(self, *, timeout_s: float, connections: int, clock: Callable[[], float] = time.monotonic) -> None:
        import httpx

        logging.getLogger("httpx").addFilter(_redact_record)  # its lines hold whole URLs
        self._clock = clock
        self._client = httpx.Client(
            follow_redirects=False,
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            headers={"User-Agent": f"Machinami/{version('machinami')}"},
            trust_env=False,  # no proxy that the user does not see in the config
        )
        for name in list(logging.getLogger().manager.loggerDict):  # the client has made its own by now
            if name.partition(".")[0] == "httpcore":  # its lines hold all headers; a parent's filter would not hold
                logging.getLogger(name).addFilter(_drop_record)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def send(self, request: Request, *, deadline_s: float) -> Answer:
        """The whole answer, redirects not followed.

        Raises TransportError; SourceError for an answer that is too large, and for a request that cannot be sent.
        """
        import httpx

        headers = {**request.headers, **{name: secret.value for name, secret in request.secret_headers.items()}}
        data = dict(request.form) if request.method == "POST" else None
        try:
            with self._client.stream(request.method, request.full_url(), headers=headers, data=data) as answer:
                body = self._read(answer, request, until=self._clock() + deadline_s)
                return Answer(status=answer.status_code, headers=dict(answer.headers), body=body)
        except (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL, UnicodeEncodeError) as error:
            # No time mends it. The error's own words hold what could not be sent, which may be a key.
            why = type(error).__name__
            raise SourceError(f"{request}: this request cannot be sent ({why})") from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            why = redact(str(error)) or type(error).__name__
            raise TransportError(f"{request.host}: {why}") from None  # the cause may hold the URL with its key

    def _read(self, answer: "httpx.Response", request: Request, *, until: float) -> bytes:
        parts: list[bytes] = []
        size = 0
        for part in answer.iter_bytes():
            size += len(part)
            if size > request.max_bytes:
                raise SourceError(f"{request}: the answer is larger than {request.max_bytes >> 20} MiB")
            if self._clock() > until:
                raise TransportError(f"{request.host}: the answer is too slow, {size} bytes until the deadline")
            parts.append(part)
        return b"".join(parts)


def _redact_record(record: logging.LogRecord) -> bool:
    record.msg, record.args = redact(record.getMessage()), None
    return True


def _drop_record(record: logging.LogRecord) -> bool:
    del record
    return False


def check_base_url(text: str) -> str:
    """The base URL without its last slash. Raises ConfigError for one that is no https (plain http to loopback)."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        raise ConfigError(f"source.base_url: {redact(text)!r} is no URL ({error})") from None
    if not host or parts.scheme not in {"http", "https"} or parts.query or parts.fragment or "@" in parts.netloc:
        raise ConfigError(f"source.base_url: {redact(text)!r} must be like https://example.org, with nothing behind it")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise ConfigError(f"source.base_url: {text!r} must begin with https:// (plain http is for this machine only)")
    return text.rstrip("/")


def rebase(url: str, base_url: str) -> str:
    """`url` with scheme and host of `base_url`, where there is one; the path stays.

    >>> rebase("https://graph.mapillary.com/images", "http://127.0.0.1:8000")
    'http://127.0.0.1:8000/images'
    """
    return f"{base_url}{urlsplit(url).path}" if base_url else url


def is_safe_image_url(url: str, *, base_url: str) -> bool:
    """Whether an address that a provider named may be asked: https, or plain http to a loopback base_url's host."""
    import httpx

    try:
        parts = urlsplit(url)
        host = parts.hostname
        httpx.URL(url)  # one photo's bad address must not become a request that cannot be sent
    except (ValueError, httpx.InvalidURL):
        return False
    if not host or "@" in parts.netloc:
        return False
    if parts.scheme == "https":
        return True
    return parts.scheme == "http" and base_url.startswith("http://") and host == urlsplit(base_url).hostname
