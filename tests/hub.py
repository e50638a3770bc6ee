"""As much of the model hub as a download asks for, on loopback: its address, its files by path, what it was asked."""

import contextlib
import hashlib
import http.server
import threading


class Hub(http.server.BaseHTTPRequestHandler):
    """As much of the hub as a download asks for."""

    files: dict[str, bytes] = {}  # noqa: RUF012
    asked: list[str] = []  # noqa: RUF012
    status = 404  # of what it has not
    sent: int | None = None  # bytes after which a file breaks off

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, *, body):
        self.asked.append(f"{self.command} {self.path}")
        data = self.files.get(self.path)
        self.send_response(200 if data is not None else self.status)
        if data is None:
            self.send_header("X-Error-Code", "EntryNotFound")
        data = data or b""
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", "c" * 40)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.wfile.write(data[: self.sent])

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def running_hub():
    """The address of a hub of one's own, and its class with `files`, `asked` and how it fails."""
    kind = type("OneHub", (Hub,), {"files": {}, "asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", kind
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
