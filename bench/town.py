"""The made town: processor time a photo takes, and photos a second from nothing to a catalogue, two processes at work.

Prints JSON. Drawing is timed as processor time of one process, since it bears a busy machine better than the clock
does; photos of both towns are drawn in turns, each round the same ones, and the figures are the median round and the
least, to which other programs add nothing. From end to end, drawing, JPEG, mask and catalogue are timed by the clock,
and processor time is given beside it, that of the processes' start included. With --check, fewer photos are made, the
targets below are looked at, the figure that falls short is printed last, and the exit code is 1.
"""

import argparse
import json
import platform
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import PIL

from machinami.collect.made import collect_town
from machinami.project import Project
from machinami.sources.town import TownSettings, make_photo

# From end to end, 50 ms a photo make 40 photos a second on two processors with nothing else to do. Drawing takes about
# 30 ms on the machine that this was written on; the rest of its target is for machines that are busy.
TARGETS = {"draw_ms_at_224_px_at_most": 36.0, "collect_cpu_ms_at_224_px_at_most": 50.0}
SIZES_PX = (224, 320)
WORKERS = 2
PHOTOS_A_ROUND = 12  # of each town: one from each of as many drives
CONFIG = """\
[[places]]
key = "a"

[[places]]
key = "b"

[source]
kind = "town"

[sampling]
per_place = {per_place}

[town]
size_px = {size_px}
"""


def time_drawing(size_px: int, rounds: int) -> dict[str, Any]:
    """Milliseconds of processor time a photo, the median and the least of the rounds."""
    settings = TownSettings(size_px=size_px)
    shots = [(town, 7 * index) for index in range(PHOTOS_A_ROUND) for town in settings.towns]
    for town, index in shots[:2]:
        make_photo(settings, town, index)  # tiles and plans that are made once
    samples = []
    for _ in range(rounds):
        started = time.process_time()
        for town, index in shots:
            make_photo(settings, town, index)
        samples.append((time.process_time() - started) / len(shots) * 1e3)
    return {
        "draw_ms": round(statistics.median(samples), 1),
        "least_draw_ms": round(min(samples), 1),
        "samples": [round(sample, 2) for sample in samples],
    }


def time_collecting(size_px: int, per_place: int) -> dict[str, float]:
    """Photos a second by the clock, and milliseconds of processor time a photo, of all processes together."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "machinami.toml").write_text(CONFIG.format(per_place=per_place, size_px=size_px))
        project = Project.open(Path(folder))
        started, used = time.perf_counter(), processor_seconds()
        added = collect_town(project, project.config(), workers=WORKERS).added
        seconds = time.perf_counter() - started
    return {
        "photos": added,
        "seconds": round(seconds, 1),
        "photos_a_second": round(added / seconds, 1),
        "collect_cpu_ms": round((processor_seconds() - used) / added * 1e3, 1),
    }


def processor_seconds() -> float:
    """Of this process and those that it has ended."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def shortfalls(results: dict[str, Any]) -> list[str]:
    """What misses its target, in words."""
    found = results["224 px"]
    figures = {
        "draw_ms_at_224_px_at_most": found["least_draw_ms"],
        "collect_cpu_ms_at_224_px_at_most": found["collect_cpu_ms"],
    }
    return [f"{name} {TARGETS[name]}, but it is {value}" for name, value in figures.items() if value > TARGETS[name]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--photos", type=int, default=300, help="of each town, from end to end")
    parser.add_argument("--check", action="store_true", help="fewer photos, and exit 1 where a target is missed")
    options = parser.parse_args()
    rounds, photos = (5, 100) if options.check else (options.rounds, options.photos)
    results = {}
    for size_px in SIZES_PX:
        found = time_drawing(size_px, rounds) | time_collecting(size_px, photos)
        results[f"{size_px} px"] = found
        print(f"{size_px} px: {found}", file=sys.stderr)
    setting = {
        "rounds": rounds,
        "photos_a_town": photos,
        "workers": WORKERS,
        "numpy": np.__version__,
        "pillow": PIL.__version__,
        "machine": platform.machine(),
    }
    print(json.dumps({"setting": setting, "targets": TARGETS, "results": results}, indent=1))
    short = shortfalls(results) if options.check else []
    for line in short:
        print(line)
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
