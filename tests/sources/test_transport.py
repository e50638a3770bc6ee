import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from machinami.errors import ConfigError, SourceError
from machinami.sources.secret import Secret, redact
from machinami.sources.transport import (
    HttpxTransport,
    Request,
    TransportError,
    check_base_url,
    is_safe_image_url,
    rebase,
)

SECRET = "tHe-SeCrEt-Key"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers)))
        if self.path.startswith("/redirect"):
            self.send_response(302)
            self.send_header("Location", "/login")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        length = 1000 if self.path.startswith("/cut") else 4
        self.send_response(200)
        self.send_header("Content-Type", "Image/JPEG; q=1")
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.path.startswith("/slow"):
            self.wfile.flush()
            self.server.released.wait(5)
        self.wfile.write(b"data")
        if self.path.startswith("/cut"):
            self.close_connection = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.seen, server.released = [], threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def transport():
    with HttpxTransport(timeout_s=0.5, connections=2) as transport:
        yield transport


def test_an_answer_comes_whole(server, transport):
    answer = transport.send(Request(url=f"{server.url}/a", query={"q": "町 田"}), deadline_s=5)
    assert (answer.status, answer.body, answer.content_type) == (200, b"data", "image/jpeg")
    path, headers = server.seen[0]
    assert path == "/a?q=%E7%94%BA+%E7%94%B0"
    assert headers["User-Agent"].startswith("Machinami/")


def test_a_form_is_posted(server, transport):
    request = Request(url=f"{server.url}/list", method="POST", form={"lat": "35.5", "page": "1"})
    assert transport.send(request, deadline_s=5).body == b"lat=35.5&page=1"


def test_redirects_are_not_followed(server, transport):
    answer = transport.send(Request(url=f"{server.url}/redirect"), deadline_s=5)
    assert (answer.status, answer.headers["location"]) == (302, "/login")
    assert len(server.seen) == 1


@pytest.mark.parametrize("path", ["/cut", "/slow"])
def test_half_an_answer_is_none(server, transport, path):
    with pytest.raises(TransportError, match="127.0.0.1"):
        transport.send(Request(url=server.url + path), deadline_s=5)


def test_too_large_an_answer_is_refused(server, transport):
    with pytest.raises(SourceError, match="larger than"):
        transport.send(Request(url=f"{server.url}/a", max_bytes=3), deadline_s=5)


def test_keys_travel_but_do_not_show(server, transport, caplog):
    caplog.set_level(logging.DEBUG)
    request = Request(
        url=f"{server.url}/a",
        query={"size": "640x640"},
        secret_query={"key": Secret(SECRET)},
        secret_headers={"Authorization": Secret(f"OAuth {SECRET}")},
    )
    transport.send(request, deadline_s=5)
    path, headers = server.seen[0]
    assert path == f"/a?size=640x640&key={SECRET}"
    assert headers["Authorization"] == f"OAuth {SECRET}"
    assert caplog.records, "httpx logs its requests"
    for text in (str(request), repr(request), f"{request}", caplog.text):
        assert SECRET not in text


def test_a_failure_does_not_show_keys_either(transport, caplog):
    caplog.set_level(logging.DEBUG)
    request = Request(url="http://127.0.0.1:1/a", secret_query={"access_token": Secret(SECRET)})
    with pytest.raises(TransportError) as caught:
        transport.send(request, deadline_s=5)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert SECRET not in caplog.text


def test_a_header_that_cannot_be_sent_is_not_worth_another_try(server, transport):
    request = Request(url=f"{server.url}/a", secret_headers={"Authorization": Secret("OAuth a b\ntHe-KeY")})
    with pytest.raises(SourceError, match="cannot be sent") as caught:
        transport.send(request, deadline_s=5)
    assert "KeY" not in str(caught.value)
    assert server.seen == []


@pytest.mark.parametrize(
    "request_",
    [
        Request(url="http://127.0.0.1:1/a", secret_headers={"Authorization": Secret("OAuth tHe-KeY\u00e9\u753a")}),
        Request(url="http://127.0.0.1:1/a", secret_query={"key": Secret("tHe-KeY\udc80")}),
        Request(url="https://-\u2603.example.org/a", secret_query={"key": Secret("tHe-KeY")}),
        Request(url="ftp://127.0.0.1:1/a", secret_query={"key": Secret("tHe-KeY")}),
    ],
)
def test_a_request_that_cannot_be_sent_is_not_worth_another_try(transport, request_):
    with pytest.raises(SourceError, match="cannot be sent") as caught:
        transport.send(request_, deadline_s=5)
    assert "KeY" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a?key=abc&b=1", "a?key=***&b=1"), ("a?b=1&access_token=x.y|z", "a?b=1&access_token=***"),
        ("Authorization: OAuth MLY|1|x", "Authorization: OAuth ***"), ("bearer abc", "bearer ***"),
        ("signature=a-b_c=", "signature=***"), ("monkey=abc is no key", "monkey=abc is no key"),
    ],
)  # fmt: skip
def test_redacting(text, shown):
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    ["ftp://a.b", "http://example.org", "example.org", "https://", "https://u:p@example.org", "https://a.b/?key=x",
     "http://[::1", "https://a.b:99999", "http://127.0.0.1.example.org"],
)  # fmt: skip
def test_base_urls_that_are_none(text):
    with pytest.raises(ConfigError, match=r"source\.base_url"):
        check_base_url(text)


def test_base_urls():
    assert check_base_url("http://127.0.0.1:8000/") == "http://127.0.0.1:8000"
    assert check_base_url("https://mirror.example.org/street") == "https://mirror.example.org/street"
    assert rebase("https://a.b/c/d", "") == "https://a.b/c/d"
    assert rebase("https://a.b/c/d", "http://localhost:1") == "http://localhost:1/c/d"


@pytest.mark.parametrize(
    ("url", "base", "safe"),
    [
        ("https://images.example.org/a.jpg", "", True), ("http://images.example.org/a.jpg", "", False),
        ("http://127.0.0.1:9/a.jpg", "", False), ("http://127.0.0.1:9/a.jpg", "http://127.0.0.1:8", True),
        ("http://10.0.0.1/a.jpg", "http://127.0.0.1:8", False), ("file:///etc/passwd", "", False),
        ("https://user@example.org/", "", False), ("https://[", "", False),
        ("https://-\u2603.example.org/a.jpg", "", False), ("https://a.example.org/" + "a" * 70_000, "", False),
    ],
)  # fmt: skip
def test_where_pictures_may_be_asked_for(url, base, safe):
    assert is_safe_image_url(url, base_url=base) is safe
