"""Collecting thousands of photos from the local servers: completeness under faults, speed, memory, a second run.

    python bench/collect.py [--photos 10000] [--check]

Prints JSON. `machinami collect` runs as a process of its own against a server in another one. What must arrive is told
by the server's world, not by a run: every photo whose told position lies in the areas and whose picture there is.
Speed is compared with a bare loop that asks for the same addresses and pictures over as many connections and drops
them, by turns in the same run, both timed by the server's own journal. The most memory is what the process itself
tells of at its end. With --check the targets below are looked at, what falls short is printed last, and the exit code
is 1: about ten minutes on two busy processors.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from collected import KINDS, PICTURE_PX, ROOT, Truth, audit, make_project  # which finds the servers
from machinami.catalog import Catalog
from tests.servers.process import spawn

TARGETS = {
    "missing_at_most": 0,
    "surplus_at_most": 0,  # rows that should not be: twice, or of what lies outside or is gone
    "wrong_at_most": 0,  # files that are not the photo which their row names
    "fetched_twice_at_most": 0,  # pictures that came whole more than once
    "requests_over_allowed_at_most": 0,  # 1.10 times those of a run without faults, and the faulty answers
    "times_bare_at_least": 0.15,  # of the bare loop's photos a second; it decodes, digests and writes nothing
    "pace_share_at_least": 0.9,  # of a pace of PACE_PER_S
    "memory_growth_at_most": 1.25,  # most memory, many photos beside a thousand; answers of searches get larger
    "second_run_requests_at_most": 0,
}
IN_FLIGHT = 8
PACE_PER_S = 50.0
FEW = 1000  # photos of the runs that are timed, and of the small one for memory
FAULTS = {"server_error": 0.05, "truncated": 0.02, "slow": 0.01, "delay_s": 0.5}
OVERLOAD = 20  # answers in a row; three times
KEYS = {"MAPILLARY_ACCESS_TOKEN": "MLY|123|test", "GOOGLE_MAPS_API_KEY": "AIzaTestKey"}
THUMBS = "thumb_256_url,thumb_1024_url,thumb_2048_url,thumb_original_url"
# The command, which tells at its end how much memory it had at most (wait4 would count what it was forked from).
COMMAND = """
import atexit, os, pathlib
from machinami.cli.main import main
def tell():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    pathlib.Path(os.environ["TOLD"]).write_text(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
atexit.register(tell)
main()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One `machinami collect`."""

    seconds: float
    processor_s: float
    peak_mib: float
    requests: int
    photos_per_s: float | None  # from the first picture asked for to the last
    faults: dict[str, int]


@contextmanager
def serve(kind: str, photos: int) -> Iterator[httpx.Client]:
    """The admin corner of a server in a process of its own."""
    size = "{}x{}".format(*PICTURE_PX)
    name = "streetview" if kind == "google" else kind
    with spawn(name, "--photos", photos, "--picture-size", size) as url, httpx.Client(base_url=url) as admin:
        yield admin


def url_of(admin: httpx.Client) -> str:
    return str(admin.base_url).rstrip("/")


def stats(admin: httpx.Client) -> dict[str, Any]:
    return admin.get("/_admin/stats", timeout=60).json()


def journal(admin: httpx.Client) -> Iterator[dict[str, Any]]:
    """All that was asked since the last reset."""
    since = 0
    while rows := admin.get(f"/_admin/log?since={since}&limit=2000", timeout=60).json():
        yield from rows
        since += len(rows)


def collect(project: Path, admin: httpx.Client, watch: Callable[[int], None] | None = None) -> Run:
    """Run the command; `watch` is told from time to time how many requests have come."""
    admin.post("/_admin/reset")
    told = project.parent / f"{project.name}-peak"
    environment = {**os.environ, **KEYS, "PYTHONPATH": str(ROOT / "src"), "TOLD": str(told)}
    command = [sys.executable, "-c", COMMAND, "collect", str(project), "--yes", "--quiet", "--json"]
    started, before = time.monotonic(), _children_s()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        done = threading.Event()
        watcher = threading.Thread(target=_watch, args=(admin, watch, done)) if watch else None
        if watcher:
            watcher.start()
        output, errors = process.communicate()
        seconds = time.monotonic() - started
        done.set()
        if watcher:
            watcher.join()
    if process.returncode != 0:
        raise SystemExit(f"collect ended with {process.returncode}: {errors.decode()[-2000:]}{output.decode()[-500:]}")
    asked = stats(admin)
    return Run(
        seconds=round(seconds, 2),
        processor_s=round(_children_s() - before, 2),
        peak_mib=round(int(told.read_text()) / 1024, 1),
        requests=asked["requests"],
        photos_per_s=pictures_per_s(admin),
        faults=asked["faults"],
    )


def _children_s() -> float:
    """Processor seconds of all processes that this one started and that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def _watch(admin: httpx.Client, watch: Callable[[int], None], done: threading.Event) -> None:
    while not done.wait(0.3):
        watch(stats(admin)["requests"])


def pictures_per_s(admin: httpx.Client) -> float | None:
    """Pictures a second, from the first asked for to the last answered."""
    times = [(row["time"], row["seconds"]) for row in journal(admin) if row["kind"] in {"photo", "image"}]
    if len(times) < 2:
        return None
    first, last = min(time for time, _ in times), max(time + seconds for time, seconds in times)
    return round(len(times) / (last - first), 1)


def measure_faults(kind: str, photos: int, folder: Path) -> dict[str, Any]:
    """A run without faults, a second one that asks nothing, and one under faults: all there, once, and right."""
    truth = Truth.of(kind, photos)
    wanted = None if kind == "google" else truth.wanted()
    per_place = photos // 10 if kind == "google" else photos  # spots are asked until there are so many
    with serve(kind, photos) as admin:
        calm_project = make_project(
            folder / f"{kind}-calm", kind, url_of(admin), per_place=per_place, in_flight=IN_FLIGHT
        )
        calm = collect(calm_project, admin)
        calm_audit = audit(calm_project, truth, wanted, journal(admin))
        second = collect(calm_project, admin)
        names = _names(calm_project)
        shutil.rmtree(calm_project)
        project = make_project(folder / f"{kind}-faults", kind, url_of(admin), per_place=per_place, in_flight=IN_FLIGHT)
        admin.post("/_admin/faults", json=FAULTS)
        faulty = collect(project, admin, watch=Overloads(admin, calm.requests))
        found = audit(project, truth, wanted, journal(admin))
        same = _names(project) == names
        shutil.rmtree(project)
    faults = sum(count for name, count in faulty.faults.items() if name != "slow")
    return {
        "run": {
            "calm": _figures(calm),
            "under faults": _figures(faulty),
            "second": _figures(second),
        },
        "audit": {"calm": calm_audit, "under faults": found},
        "same_photos": same,
        "faulty_answers": faults,
        "requests_over_allowed": max(0, round(faulty.requests - 1.10 * calm.requests - faults)),
        "second_run_requests": second.requests,
    }


def _names(project: Path) -> frozenset[str]:
    with Catalog(project / "catalog.sqlite") as catalog:
        return frozenset(row.source_id for row in catalog.photos(state="fetched"))


def _figures(run: Run) -> dict[str, Any]:
    return {
        "requests": run.requests,
        "seconds": run.seconds,
        "photos_per_s": run.photos_per_s,
        "peak_mib": run.peak_mib,
    }


class Overloads:
    """Sets a block of overload at a quarter, at half and at three quarters of the requests."""

    def __init__(self, admin: httpx.Client, requests: int) -> None:
        self._admin = admin
        self._at = [requests * quarter // 4 for quarter in (1, 2, 3)]

    def __call__(self, requests: int) -> None:
        """So many requests have come."""
        if self._at and requests >= self._at[0]:
            self._at.pop(0)
            self._admin.post("/_admin/faults", json={"overload": OVERLOAD})


def fetch_bare(url: str, ids: Sequence[str]) -> None:
    """The addresses and pictures, and nothing kept: what the server and httpx can do on so many connections."""
    headers = {"Authorization": f"OAuth {KEYS['MAPILLARY_ACCESS_TOKEN']}"}
    limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
    with httpx.Client(limits=limits, trust_env=False) as client, ThreadPoolExecutor(IN_FLIGHT) as pool:

        def fetch(source_id: str) -> int:
            answer = client.get(f"{url}/{source_id}", params={"fields": THUMBS}, headers=headers).raise_for_status()
            return len(client.get(answer.json()["thumb_1024_url"]).raise_for_status().content)

        assert all(pool.map(fetch, ids))


def measure_speed(rounds: int, folder: Path) -> dict[str, Any]:
    """Photos a second, collected and bare, by turns, with processor time above a bare start; the share of a pace."""
    wanted = list(Truth.of("mapillary", FEW).wanted())
    bare: list[float] = []
    bare_s: list[float] = []
    runs: list[Run] = []
    with serve("mapillary", FEW) as admin:
        for number in range(rounds):
            admin.post("/_admin/reset")
            started = time.process_time()
            fetch_bare(url_of(admin), wanted)
            bare_s.append(time.process_time() - started)
            bare.append(pictures_per_s(admin) or 0.0)
            project = make_project(
                folder / f"speed-{number}", "mapillary", url_of(admin), per_place=FEW, in_flight=IN_FLIGHT
            )
            runs.append(collect(project, admin))
            shutil.rmtree(project)
        project = make_project(
            folder / "paced", "mapillary", url_of(admin), per_place=FEW, in_flight=IN_FLIGHT, pace_per_s=PACE_PER_S
        )
        paced = collect(project, admin)
        nothing = collect(project, admin)
        shutil.rmtree(project)
    collected = [run.photos_per_s or 0.0 for run in runs]
    return {
        "photos": len(wanted),
        "bare_photos_per_s": statistics.median(bare),
        "collected_photos_per_s": statistics.median(collected),
        "times_bare": round(statistics.median(c / b for c, b in zip(collected, bare, strict=True)), 3),
        "bare_processor_ms": round(1000 * statistics.median(bare_s) / len(wanted), 2),
        "collected_processor_ms": round(
            1000 * (statistics.median(run.processor_s for run in runs) - nothing.processor_s) / len(wanted), 2
        ),
        "paced_photos_per_s": paced.photos_per_s,
        "pace_share": round((paced.photos_per_s or 0.0) / PACE_PER_S, 3),
        "peak_mib": statistics.median(run.peak_mib for run in runs),
        "samples": {"bare": bare, "collected": collected},
    }


def shortfalls(results: dict[str, Any]) -> list[str]:
    """What misses its target, in words."""
    figures = [("speed", name, results["speed"][name]) for name in ("times_bare", "pace_share")]
    figures.append(("memory", "memory_growth", results["memory"]["memory_growth"]))
    for kind, found in results["faults"].items():
        figures += [(kind, name, found[name]) for name in ("requests_over_allowed", "second_run_requests")]
        for run, figure in found["audit"].items():
            names = ("missing", "surplus", "wrong", "fetched_twice")
            figures += [(f"{kind}, {run}", name, figure[name]) for name in names]
        if not found["same_photos"]:
            figures.append((f"{kind}, under faults", "missing", "other photos than without faults"))
    return [line for where, name, value in figures if (line := _shortfall(where, name, value))]


def _shortfall(where: str, name: str, value: Any) -> str | None:
    least, most = TARGETS.get(f"{name}_at_least"), TARGETS.get(f"{name}_at_most")
    if isinstance(value, str) or (least is not None and value < least) or (most is not None and value > most):
        target = f"at least {least}" if least is not None else f"at most {most}"
        return f"{where}: {name} {target}, but it is {value}"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=10_000, help="that mapillary has; the others a fifth of it")
    parser.add_argument("--rounds", type=int, default=3, help="of bare loop and collecting")
    parser.add_argument("--check", action="store_true", help="exit 1 where a target is missed")
    options = parser.parse_args()
    photos = options.photos
    with tempfile.TemporaryDirectory(prefix="machinami-bench-") as scratch:
        folder = Path(scratch)
        speed = measure_speed(options.rounds, folder)
        print(f"speed: {speed}", file=sys.stderr, flush=True)
        faults = {}
        for kind in KINDS:
            faults[kind] = measure_faults(kind, photos if kind == "mapillary" else photos // 5, folder)
            print(f"{kind}: {faults[kind]}", file=sys.stderr, flush=True)
    most, few = faults["mapillary"]["run"]["calm"]["peak_mib"], speed["peak_mib"]
    memory = {
        "nothing_to_do_mib": faults["mapillary"]["run"]["second"]["peak_mib"],
        "few_photos_mib": few,
        "many_photos_mib": most,
        "memory_growth": round(most / few, 3),
    }
    setting = {
        "photos": photos,
        "few": FEW,
        "picture_px": "{}x{}".format(*PICTURE_PX),
        "in_flight": IN_FLIGHT,
        "processors": os.cpu_count(),
        "machine": platform.machine(),
    }
    results = {"speed": speed, "faults": faults, "memory": memory}
    print(json.dumps({"setting": setting, "targets": TARGETS, **results}, indent=1))
    short = shortfalls(results) if options.check else []
    for line in short:
        print(line)
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
