"""A server as a process of its own: `serve` is its main, `spawn` starts one from a test or a benchmark."""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers.faults import Faults
from tests.servers.serving import ProviderServer
from tests.servers.world import BBOX, World

__all__ = ["serve", "spawn"]

_ROOT = Path(__file__).parents[2]


def serve(make: type[ProviderServer], **options: type) -> None:
    """Run a server until SIGTERM or SIGINT; its URL is the first line printed.

    `options` are its own settings and their types: `expiry_s=float` becomes `--expiry-s`.
    """
    parser = argparse.ArgumentParser(prog=f"python -m tests.servers.{make.name}", description=make.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bbox", type=_box, default=BBOX, metavar="WEST,SOUTH,EAST,NORTH")
    parser.add_argument("--dense", type=float, default=0.2, help="share of the photos near the middle")
    parser.add_argument("--picture-size", type=_size, default=(320, 240), metavar="WIDTHxHEIGHT")
    parser.add_argument(
        "--faults", type=json.loads, default={}, metavar="JSON", help="such as '{\"server_error\": 0.1}'"
    )
    parser.add_argument("--log-file", type=Path)
    for name, kind in options.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=argparse.SUPPRESS)
    given = vars(parser.parse_args())
    world = World(**{name: given.pop(name) for name in ("photos", "seed", "bbox", "dense")})
    with make(world, **(given | {"faults": Faults.from_json(given["faults"])})) as server:
        print(server.url, flush=True)  # noqa: T201 - a command's result
        _wait()


@contextmanager
def spawn(name: str, *arguments: object) -> Iterator[str]:
    """The URL of a server (`mapillary`, `kartaview`, `streetview`) that runs in a process of its own meanwhile."""
    command = [sys.executable, "-m", f"tests.servers.{name}", *map(str, arguments)]
    with subprocess.Popen(
        command, cwd=_ROOT, env={**os.environ, "PYTHONPATH": str(_ROOT)}, stdout=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url.startswith("http://"), f"{' '.join(command)} did not start"
            yield url
        finally:
            process.terminate()
            process.wait()


def _wait() -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()


def _box(text: str) -> tuple[Any, ...]:
    return tuple(map(float, text.split(",")))


def _size(text: str) -> tuple[Any, ...]:
    return tuple(map(int, text.split("x")))
