"""A private PostgreSQL with PostGIS: a cluster in a folder, reached by a socket file in it, gone afterwards."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path

START_S = 60
_VERSIONS = Path("/usr/lib/postgresql")  # where Debian keeps one folder a version


class CannotRun(Exception):
    """Something that a server needs is not on this machine; the text says what, and what to do."""


def find_programs():
    """The folder of the newest PostgreSQL that PostGIS is installed for. Raises CannotRun."""
    for folder in sorted(_VERSIONS.glob("*"), key=lambda path: (len(path.name), path.name), reverse=True):
        extension = Path("/usr/share/postgresql", folder.name, "extension/postgis.control")
        if (folder / "bin/postgres").is_file() and extension.is_file():
            return folder / "bin"
    raise CannotRun("no PostgreSQL with PostGIS on this machine: install the Debian package postgresql-postgis")


def server_user():
    """What subprocess wants to become the user that PostgreSQL runs as: it refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        raise CannotRun("root cannot run PostgreSQL, and there is no user called postgres") from None
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextlib.contextmanager
def running_database(folder, name):
    """The URL of a new, empty database with PostGIS; `folder` must be one that everyone may enter.

    There is no network port and no password: who may enter the cluster's own folder may use it.
    """
    programs, user = find_programs(), server_user()
    home = folder / "postgres"
    home.mkdir(mode=0o700)
    if user:
        shutil.chown(home, user["user"], user["group"])
    quiet = {"cwd": home, "env": {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}, "stdin": subprocess.DEVNULL, **user}
    data, log = home / "data", home / "log"

    def run(program, *arguments):
        done = subprocess.run(
            [programs / program, *arguments], capture_output=True, text=True, timeout=START_S, **quiet
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    run("initdb", "-D", data, "-U", "geovisio", "-E", "UTF8", "-A", "trust", "--no-sync")
    settings = ["listen_addresses=", f"unix_socket_directories={home}", "fsync=off", "timezone=UTC", "jit=off"]
    options = [part for setting in settings for part in ("-c", setting)]
    with log.open("wb") as output:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, *options], stdout=output, stderr=output, start_new_session=True, **quiet
        )
    try:
        _wait_until_ready([programs / "pg_isready", "-q", "-h", home], server, log, quiet)
        run("createdb", "-h", home, "-U", "geovisio", name)
        run("psql", "-q", "-h", home, "-U", "geovisio", "-c", "CREATE EXTENSION postgis", name)
        yield f"postgresql://geovisio@/{name}?host={home}"
    finally:
        server.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
        server.wait(20)


def _wait_until_ready(question, server, log, options):
    end = time.monotonic() + START_S
    while subprocess.run(question, check=False, **options).returncode != 0:
        assert server.poll() is None, f"PostgreSQL ended: {log.read_text()}"
        assert time.monotonic() < end, f"PostgreSQL does not answer: {log.read_text()}"
        time.sleep(0.1)
