"""The common face of the local servers: HTTP/1.1 with keep-alive, faults, a journal, and an admin corner.

`GET /_admin/stats`, `GET /_admin/log?since=&limit=`, `GET` and `POST /_admin/faults` (JSON, the names of `Faults`),
`POST /_admin/reset`. What is asked there is neither counted nor hit by faults.
"""

import json
import socket
import socketserver
import struct
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, urlsplit

from tests.servers.faults import FaultDraw, Faults
from tests.servers.journal import Journal
from tests.servers.world import World

__all__ = ["Asked", "ProviderServer", "Reply"]

_VARYING = frozenset({"exp", "sig", "signature", "key"})  # differ between two askings of the same thing
_PORTAL = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body>Please accept our terms.</body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it came. Query and form values are strings; of a name that comes twice the last counts."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    raw_query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)  # names in small letters
    body: bytes = b""

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form that was posted."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def target(self) -> str:
        """Path and query, as in the request line."""
        return f"{self.path}?{self.raw_query}" if self.raw_query else self.path

    @property
    def thing(self) -> str:
        """What is asked for: the same for another try, though signatures differ."""
        query = sorted((name, value) for name, value in self.query.items() if name not in _VARYING)
        return f"{self.method} {self.path} {query} {self.body.decode('utf-8', 'replace')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the server says."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json; charset=UTF-8"
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, value: Any, status: int = 200) -> Self:
        """`value` as JSON."""
        return cls(status=status, body=json.dumps(value, ensure_ascii=False).encode())

    @classmethod
    def text(cls, text: str, status: int = 200) -> Self:
        """Plain text."""
        return cls(status=status, body=text.encode(), content_type="text/plain; charset=utf-8")

    @classmethod
    def jpeg(cls, data: bytes, status: int = 200) -> Self:
        """A picture."""
        return cls(status=status, body=data, content_type="image/jpeg")


class ProviderServer(ABC):
    """A provider on a port of this machine: `with MapillaryServer(world) as server: server.url`.

    `port` 0 takes a free one. With `log_file` the journal is also written there, a JSON line a request.
    """

    name: ClassVar[str]

    def __init__(
        self,
        world: World,
        *,
        faults: Faults | None = None,
        port: int = 0,
        log_file: Path | None = None,
        picture_size: tuple[int, int] = (320, 240),
    ) -> None:
        self.world, self.picture_size = world, picture_size
        self.draw = FaultDraw(faults or Faults())
        self.journal = Journal(log_file)
        self._port = port
        self._http: _Http | None = None

    @abstractmethod
    def kind(self, asked: Asked) -> str:
        """What sort of request it is, for the counts: "search", "photo" …"""

    @abstractmethod
    def answer(self, asked: Asked) -> Reply:
        """What the provider says when nothing goes wrong."""

    @abstractmethod
    def overloaded(self, asked: Asked) -> Reply:
        """How the provider says that it has too much to do."""

    def failed(self, asked: Asked) -> Reply:
        """How a fault of the provider's own looks: 500, 502 or 503."""
        return Reply.text("upstream connect error", (500, 502, 503)[len(asked.target) % 3])

    def refused(self, asked: Asked, status: int) -> Reply:
        """How the provider answers with an HTTP status of its own choice."""
        return Reply.text(f"refused with {status}", status)

    def stats(self) -> dict[str, Any]:
        """What was asked so far, as `GET /_admin/stats` tells it."""
        return self.journal.stats()

    def log(self) -> list[dict[str, Any]]:
        """Every request so far, as `GET /_admin/log` tells it."""
        return self.journal.rows()

    def set_faults(self, **changes: Any) -> None:
        """Change some of the faults in force; the others stay."""
        self.draw.set(Faults.from_json(changes, start=self.draw.faults))

    def reset(self) -> None:
        """Set all counts to nought."""
        self.journal.clear()

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        assert self._http is not None, "the server runs only inside `with`"
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        self._http = _Http(self, self._port)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), name=f"{self.name} server")
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        assert self._http is not None
        self._http.stop()
        self._thread.join()
        self._http = None

    def respond(self, asked: Asked) -> tuple[Reply, str | None]:
        """The reply and the name of the fault that it met."""
        fault = self.draw.draw(self.kind(asked), asked.thing)
        spoilt = {
            "server_error": lambda: self.failed(asked),
            "login": lambda: Reply(status=302, headers=(("Location", f"{self.url}/login"),)),
            "html": lambda: Reply(body=_PORTAL, content_type="text/html; charset=utf-8"),
            "overload": lambda: self.overloaded(asked),
            "refuse": lambda: self.refused(asked, self.draw.faults.refuse or 403),
            "reset": lambda: Reply(status=0),
        }
        if fault == "slow":
            self._sleep(self.draw.faults.delay_s)
        return spoilt.get(fault or "", lambda: self.answer(asked))(), fault

    def _sleep(self, seconds: float) -> None:
        """Wait, but no longer than the server runs."""
        assert self._http is not None
        self._http.stopping.wait(seconds)

    def admin(self, asked: Asked) -> Reply:
        """The answer to a request under /_admin/."""
        name = asked.path.removeprefix("/_admin/").rstrip("/")
        if (asked.method, name) == ("GET", "stats"):
            return Reply.of(self.stats())
        if (asked.method, name) == ("GET", "log"):
            limit = asked.query.get("limit")
            return Reply.of(self.journal.rows(int(asked.query.get("since", 0)), int(limit) if limit else None))
        if (asked.method, name) == ("POST", "faults"):
            try:
                self.set_faults(**json.loads(asked.body))
            except (ValueError, TypeError) as error:
                return Reply.of({"error": str(error)}, 400)
        elif (asked.method, name) == ("POST", "reset"):
            self.reset()
        elif (asked.method, name) != ("GET", "faults"):
            return Reply.of({"error": f"no {asked.method} {asked.path}"}, 404)
        return Reply.of(self.draw.as_json())


class _Http(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, provider: ProviderServer, port: int) -> None:
        self.provider = provider
        self.stopping = threading.Event()
        self.to_reset: set[socket.socket] = set()
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        if request in self.to_reset:  # linger of 0 s: close sends RST, and no polite FIN goes before it
            self.to_reset.discard(request)
            request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def stop(self) -> None:
        """Stop, wake all that wait, and wait for all threads."""
        self.stopping.set()
        self.shutdown()
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed meanwhile
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        import sys

        if not isinstance(sys.exception(), ConnectionError):  # a client that was killed is no error here
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        asked = Asked(
            method=self.command,
            path=parts.path,
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            raw_query=parts.query,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length) if length else b"",
        )
        provider = self.server.provider
        if asked.path.startswith("/_admin/"):
            self._write(provider.admin(asked))
        elif asked.path == "/login":
            self._log_and_write(
                asked, "login", lambda: (Reply(body=b"<html>Log in</html>", content_type="text/html"), None)
            )
        else:
            self._log_and_write(asked, provider.kind(asked), lambda: provider.respond(asked))

    def _log_and_write(self, asked: Asked, kind: str, respond: Any) -> None:
        journal = self.server.provider.journal
        came = time.time()
        journal.arrive(kind)
        row = {"time": came, "method": asked.method, "target": asked.target, "kind": kind, "status": 500, "fault": None}
        if asked.body:
            row["form"] = asked.form
        try:
            reply, row["fault"] = respond()
            row["status"] = reply.status
        finally:
            row["seconds"] = time.time() - came
            journal.leave(row)  # before the answer leaves, so that who has it finds it in the log
        if row["fault"] == "reset":
            self.close_connection = True
            self.server.to_reset.add(self.request)
        else:
            self._write(reply, cut=row["fault"] == "truncated")

    def _write(self, reply: Reply, *, cut: bool = False) -> None:
        body = reply.body
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in reply.headers:
            self.send_header(name, value)
        if cut:
            self.close_connection = True
            body = body[: len(body) // 2]
        self._headers_buffer.append(b"\r\n")
        self.wfile.write(b"".join(self._headers_buffer) + body)  # one packet for small answers
        self._headers_buffer = []

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library calls it so
        """Nothing: the journal has it."""
