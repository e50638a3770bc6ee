"""Keys reach the provider and nothing else: no stream, no file, no process list, whatever the provider does."""

import itertools
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from machinami.cli.keys import read_keys
from tests.servers.projects import environment, write_project

SECRETS = {
    "google": {"GOOGLE_MAPS_API_KEY": "AIzaLEAK7f3Qkey", "GOOGLE_MAPS_SIGNING_SECRET": "TEVBSzlzZWNyZXRzZWNyZXQ="},
    "mapillary": {"MAPILLARY_ACCESS_TOKEN": "MLY|9LEAK|tok5n77"},
    "kartaview": {"KARTAVIEW_ACCESS_TOKEN": "kvLEAKtoken42"},
}
MAIN = "from machinami.cli.main import main; main()"
LOUD = f"import logging; logging.basicConfig(level=logging.DEBUG, format='%(name)s %(message)s'); {MAIN}"


def assert_hidden(secrets, folder, *texts):
    needles = [value.encode() for value in secrets]
    needles += [value.replace("|", "%7C").replace("=", "%3D").encode() for value in secrets]
    for needle, text in itertools.product(needles, texts):
        assert needle not in text.encode(), text
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not any(needle in data for needle in needles), path


def run_loudly(root, *options, keys, loud=True):
    """The command with all log lines and warnings on standard error, and what /proc says of it meanwhile."""
    command = [sys.executable, "-c", LOUD if loud else MAIN, "collect", str(root), "--yes", *map(str, options)]
    environ = environment(PYTHONWARNINGS="default", **keys)
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    proc = Path(f"/proc/{process.pid}/cmdline")
    line = proc.read_bytes().decode() if proc.exists() else ""
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err, err
    return process.returncode, out, err, line


@contextmanager
def echoing(status):
    """A server that answers everything with `status` and all that it was asked, keys included: body and headers."""

    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            length = int(self.headers.get("Content-Length") or 0)
            said = f"{self.path} {dict(self.headers)} {self.rfile.read(length).decode()}"
            seen.append(said)
            keys = [value for secrets in SECRETS.values() for value in secrets.values() if value in said]
            body = f'{{"error": {{"message": "bad key {" ".join(keys)}"}}, "error_message": "{said!r}"}}'.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Location", f"https://login.example.org{self.path}&access_token={' '.join(keys)}")
            self.send_header("X-Echo", " ".join(keys))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the library calls it so

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", seen
        server.shutdown()
        thread.join()


@pytest.fixture(params=SECRETS)
def kind(request):
    return request.param


@pytest.fixture(params=["environment", pytest.param("key-file", marks=pytest.mark.slow)])
def handed(request, kind, tmp_path):
    """(variables, options) that hand a source's keys over, one way or the other."""
    if request.param == "environment":
        return SECRETS[kind], ()
    file = tmp_path / "keys"
    file.write_text("# mine\n" + "\n".join(f'{name} = "{value}"' for name, value in SECRETS[kind].items()) + "\n")
    file.chmod(0o600)
    return {}, ("--key-file", file)


def test_a_collection_that_goes_well_shows_no_key(kind, handed, serve, tmp_path):
    values = list(SECRETS[kind].values())
    options = {
        "google": {"key": values[0], "secret": values[-1]}, "mapillary": {"token": values[0]}, "kartaview": {},
    }  # fmt: skip
    server = serve(kind, **options[kind])
    root = write_project(tmp_path / "p", kind, server.url, sampling={"per_place": 2})
    keys, more = handed
    code, *texts = run_loudly(root, *more, keys=keys)
    assert code == 0, texts
    assert "HTTP Request" in texts[1], "the log lines were there to be looked at"
    assert_hidden(values, root, *texts)


@pytest.mark.parametrize(
    "status", [302, 403, *(pytest.param(status, marks=pytest.mark.slow) for status in (200, 400, 401, 404, 500))]
)
def test_refusals_that_repeat_the_key_are_told_without_it(kind, status, tmp_path):
    with echoing(status) as (url, seen):
        root = write_project(
            tmp_path / "p", kind, url, sampling={"per_place": 2}, collect={"attempts": 1, "deadline_s": 5}
        )
        code, *texts = run_loudly(root, keys=SECRETS[kind])
    assert code in {13, 14, 15, 18}, texts
    sent = next(iter(SECRETS[kind].values()))
    assert any(sent in said or sent.replace("|", "%7C") in said for said in seen), "the key was sent"
    assert_hidden(SECRETS[kind].values(), root, *texts)


def test_a_host_that_is_not_there_gets_no_key_into_the_message(kind, tmp_path):
    root = write_project(tmp_path / "p", kind, "http://127.0.0.1:9", collect={"attempts": 1})
    code, *texts = run_loudly(root, keys=SECRETS[kind])
    assert code == 18
    assert "127.0.0.1:9" in texts[1]
    assert_hidden(SECRETS[kind].values(), root, *texts)


@pytest.fixture
def google(tmp_path):
    return write_project(tmp_path / "p", "google", "http://127.0.0.1:9", collect={"attempts": 1})


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_file_that_others_can_read_is_refused(google, tmp_path, machinami, mode):
    file = tmp_path / "keys"
    file.write_text("GOOGLE_MAPS_API_KEY=AIzaLEAK7f3Qkey\n")
    file.chmod(mode)
    ran = machinami("collect", google, "--yes", "--key-file", file)
    assert ran.code == 15
    assert f"chmod 600 {file}" in ran.err
    assert_hidden(["AIzaLEAK7f3Qkey"], google, ran.out, ran.err)


@pytest.mark.parametrize(
    "text", ["AIzaLEAK7f3Qkey", "GOOGLE_KEY=AIzaLEAK7f3Qkey", "AIzaLEAK7f3Qkey=GOOGLE_MAPS_API_KEY", "\xff\xfe=LEAK"]
)
def test_what_is_wrong_in_a_key_file_is_told_without_its_values(google, tmp_path, machinami, text):
    file = tmp_path / "keys"
    file.write_bytes(b"# a comment\n\n" + text.encode("latin-1"))
    file.chmod(0o600)
    ran = machinami("collect", google, "--yes", "--key-file", file)
    assert ran.code == 15
    assert "LEAK" not in ran.out + ran.err


def test_a_key_file_may_begin_with_the_mark_of_utf8(tmp_path):
    file = tmp_path / "keys"
    file.write_bytes(b"\xef\xbb\xbfMAPILLARY_ACCESS_TOKEN=MLY|1|x\n")
    file.chmod(0o600)
    assert read_keys(file)["mapillary_token"].value == "MLY|1|x"


def test_a_key_file_goes_before_the_environment(serve, tmp_path, machinami, monkeypatch):
    server = serve("google", key="AIzaFromTheFile", secret=None)
    root = write_project(tmp_path / "p", "google", server.url, sampling={"per_place": 1})
    monkeypatch.delenv("GOOGLE_MAPS_SIGNING_SECRET")
    assert machinami("collect", root, "--yes", "-q").code == 15
    file = tmp_path / "keys"
    file.write_text("GOOGLE_MAPS_API_KEY=AIzaFromTheFile\n")
    file.chmod(0o600)
    assert machinami("collect", root, "--yes", "-q", "--key-file", file).code == 0


@pytest.mark.parametrize("spoiled", [" LEAK {}", "{}\nLEAK", "{}\u00e9\u753aLEAK"])
@pytest.mark.parametrize("variable", [name for secrets in SECRETS.values() for name in secrets])
def test_a_malformed_key_is_told_at_once_and_without_its_value(tmp_path, machinami, monkeypatch, variable, spoiled):
    kind = next(kind for kind, secrets in SECRETS.items() if variable in secrets)
    root = write_project(tmp_path / "p", kind, "http://127.0.0.1:9", collect={"attempts": 1})
    for name, value in SECRETS[kind].items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(variable, spoiled.format(SECRETS[kind][variable]))
    ran = machinami("collect", root, "--yes")
    assert ran.code == 15, ran.err
    assert variable in ran.err
    assert "LEAK" not in ran.out + ran.err


def test_a_missing_key_says_how_to_hand_it_over(google, machinami, monkeypatch):
    monkeypatch.delenv("GOOGLE_MAPS_API_KEY")
    ran = machinami("collect", google, "--yes")
    assert ran.code == 15
    assert "GOOGLE_MAPS_API_KEY" in ran.err
    assert "--key-file" in ran.err
