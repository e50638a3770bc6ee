"""A real Panoramax server on loopback: GeoVisio from its own environment, over a private database, with photos."""

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.servers.postgres import CannotRun, find_programs, running_database
from tests.servers.uploads import Upload

START_S = 90
PROCESSING_S = 120
LICENCE = ("CC-BY-SA-4.0", "https://creativecommons.org/licenses/by-sa/4.0/")
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A photo that the server took."""

    upload: Upload
    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A running GeoVisio."""

    url: str  # http://127.0.0.1:PORT
    python: Path  # of the environment that has geovisio
    database: str
    storage: Path  # where it keeps the pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class PanoramaxServer:
    """A running server whose photos are all ready."""

    url: str
    uploaded: tuple[Sent, ...]
    instance: Instance


def find_environment():
    """The interpreter that has geovisio: in $MACHINAMI_GEOVISIO, else build/geovisio. Raises CannotRun."""
    folder = Path(os.environ.get("MACHINAMI_GEOVISIO") or _ROOT / "build/geovisio").absolute()
    python = folder / "bin/python"
    if not python.exists():
        raise CannotRun(f"no environment with geovisio in {folder}: run `make geovisio`")
    return python


@contextlib.contextmanager
def running_geovisio():
    """A new Instance without photos. Raises CannotRun where something it needs is missing."""
    python = find_environment()
    # Where PostgreSQL's user may go; and short, as a socket's path has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="machinami-", dir="/tmp"))
    try:
        folder.chmod(0o711)
        storage = folder / "pictures"
        storage.mkdir(mode=0o700)
        with running_database(folder, "geovisio") as database:
            options = _options(database, storage)
            flask = [python, "-m", "flask", "--app", "geovisio"]
            done = subprocess.run([*flask, "db", "upgrade"], stdout=subprocess.PIPE, timeout=START_S, **options)
            assert done.returncode == 0, done.stdout.decode()
            with serving(python, database, storage) as url:
                yield Instance(url=url, python=python, database=database, storage=storage)
    finally:
        shutil.rmtree(folder)


def _options(database, storage, **settings):
    environment = {
        "PATH": os.defpath,
        "HOME": str(storage),
        "LC_ALL": "C.UTF-8",
        "DB_URL": database,
        "FS_URL": str(storage),
        "FLASK_SECRET_KEY": "guards nothing: the server lives for one test run",
        "PICTURE_PROCESS_DERIVATES_STRATEGY": "PREPROCESS",
        "API_PICTURES_LICENSE_SPDX_ID": LICENCE[0],
        "API_PICTURES_LICENSE_URL": LICENCE[1],
        **settings,
    }
    return {"cwd": storage, "env": environment, "stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT}


@contextlib.contextmanager
def serving(python, database, storage, **settings):
    """The address of a GeoVisio over this database and these pictures, with more settings of its own."""
    port = free_port()
    command = [python, "-m", "flask", "--app", "geovisio", "run", "--port", str(port)]
    log = storage.parent / f"geovisio-{port}.log"
    with log.open("wb") as output:
        options = _options(database, storage, **settings)
        server = subprocess.Popen(command, stdout=output, start_new_session=True, **options)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_up(url, server, log)
        yield url
    finally:
        server.kill()  # its workers let it end only after seconds, and nothing of it is kept
        server.wait(20)


def free_port():
    """A port of loopback that nobody listened on a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _wait_until_up(url, server, log):
    end = time.monotonic() + START_S
    while True:
        assert server.poll() is None, f"geovisio ended: {log.read_text()[-4000:]}"
        assert time.monotonic() < end, f"geovisio does not answer: {log.read_text()[-4000:]}"
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/api/configuration", timeout=5).is_success:
                return
        time.sleep(0.2)


def send_photos(instance, uploads):
    """A PanoramaxServer: the photos sent as one set, and all of them ready.

    The set completes itself with the last photo. To say so once more is not harmless: GeoVisio then locks the
    set for a job that its worker, which holds the job, needs the set for, and both wait for ever.
    """
    with httpx.Client(base_url=instance.url, timeout=30) as client:
        upload_set = new_set(client, photos=len(uploads))
        sent = []
        for upload in uploads:
            answer = send_file(client, upload_set, upload)
            assert answer.status_code == 202, f"{upload.name}: {answer.status_code} {answer.text}"
            sent.append(Sent(upload=upload, item_id=answer.json()["picture_id"]))
        _wait_until_ready(client, upload_set, photos=len(sent))
    return PanoramaxServer(url=instance.url, uploaded=tuple(sent), instance=instance)


def new_set(client, *, photos):
    """The address of a new set to send photos to."""
    answer = client.post("/api/upload_sets", json={"title": "tests", "estimated_nb_files": photos})
    return f"/api/upload_sets/{answer.raise_for_status().json()['id']}"


def send_file(client, upload_set, upload):
    """The server's answer to one file."""
    return client.post(f"{upload_set}/files", files={"file": (upload.name, upload.jpeg, "image/jpeg")})


def _wait_until_ready(client, upload_set, *, photos):
    end = time.monotonic() + PROCESSING_S
    while True:
        state = client.get(upload_set).raise_for_status().json()
        counts = state["items_status"]
        assert not counts["broken"], state
        if counts["prepared"] == photos and state["ready"]:
            return
        assert time.monotonic() < end, f"not all photos are ready after {PROCESSING_S} s: {state}"
        time.sleep(0.2)


@contextlib.contextmanager
def waiting(instance, item_id):
    """Within the block the photo waits to be processed, as it does for a moment after it was sent."""
    _set_status(instance, item_id, "waiting-for-process")
    try:
        yield
    finally:
        _set_status(instance, item_id, "ready")


def _set_status(instance, item_id, status):
    command = f"UPDATE pictures SET status = '{status}' WHERE id = '{item_id}'"
    psql = [find_programs() / "psql", "-q", "-d", instance.database, "-v", "ON_ERROR_STOP=1", "-c", command]
    subprocess.run(psql, check=True, cwd=instance.storage, env={"PATH": os.defpath}, timeout=30)


def raw_status(base_url, path):
    """The status code of an answer, an "informational" one (1xx) too: httpx takes such a one for no answer."""
    connection = http.client.HTTPConnection(base_url.host, base_url.port, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()
