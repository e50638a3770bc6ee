"""The split of many photos: seconds and memory, from rows in the catalogue to split.json. Prints JSON.

    python bench/split.py [--photos 200000] [--check]

The rows are made: photos 4 m apart along streets of two towns, in drives of a few hundred by some hundred contributors
over some days, every street driven several times; a part of them in groups that show nearly the same, most beside each
other and some at opposite ends of town. Laying is timed by the clock and as processor time, memory is the process's
peak. With --check the targets below are looked at, the figure that falls short is printed last, and the exit code is 1.
"""

import argparse
import json
import platform
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from machinami.catalog import Catalog, Photo
from machinami.project import Project
from machinami.split import lay_split, read_split

TARGETS = {"lay_seconds_at_most": 30.0, "peak_memory_mb_at_most": 2000.0, "near_duplicates_across_at_most": 0}
PHOTOS = 200_000
DRIVE = 300  # photos
STEP_M = 4.0
TIMES_A_STREET = 5  # drives on it
CONFIG = '[[places]]\nkey = "machida"\nlabel = "町田市"\n\n[[places]]\nkey = "中央区"\n'
TOWNS = (("machida", 35.54, 139.44), ("中央区", 35.67, 139.77))
METRE_DEG = 1 / 111_195


def made_photos(count: int, *, seed: int = 0) -> Iterator[Photo]:
    """Photos of both towns, drive by drive; the ground grows with their number, so that their density stays."""
    rng = np.random.default_rng(seed)
    size_m = 8_000 * (count / PHOTOS) ** 0.5
    streets = max(1, count // DRIVE // TIMES_A_STREET // len(TOWNS))
    starts, bearings = rng.random((streets, 2)) * size_m, rng.random(streets) * 2 * np.pi
    contributors = max(5, count // 500)
    number = 0
    while number < count:
        place, lat, lon = TOWNS[int(rng.integers(len(TOWNS)))]
        street, creator, day = (int(rng.integers(n)) for n in (streets, contributors, 28))
        along = np.arange(DRIVE) * STEP_M
        way = np.column_stack([np.sin(bearings[street]), np.cos(bearings[street])])
        metres = starts[street] + along[:, None] * way + rng.normal(0, 1.5, (DRIVE, 2))
        near = near_groups(number, rng)
        for step, (east, north) in enumerate(metres.tolist()[: count - number]):
            yield Photo(
                source="made", source_id=f"{place}/{number + step:07d}.jpg", state="fetched", place=place,
                lat=lat + north * METRE_DEG, lon=lon + east * METRE_DEG / np.cos(np.radians(lat)),
                sequence=f"drive {number}", creator=f"contributor {creator}",
                captured_at=f"2024-06-{day + 1:02}T03:25:24Z", captured_precision="second",
                pixels_sha256=f"{number + step:064x}", near_group=near[step],
            )  # fmt: skip
        number += DRIVE


def near_groups(first: int, rng: np.random.Generator) -> list[int | None]:
    """For the photos of a drive: one in five looks like the one before it, one in a hundred like some other."""
    groups: list[int | None] = [None] * DRIVE
    for step, chance in enumerate(rng.random(DRIVE).tolist()):
        if chance < 0.01:
            groups[step] = int(rng.integers(max(1, first + step)))
        elif chance < 0.2 and step:
            groups[step - 1] = groups[step] = groups[step - 1] or first + step
    return groups


def fill(catalog: Catalog, count: int) -> None:
    with catalog.transaction():
        for photo in made_photos(count):
            catalog.add(photo)


def measure(count: int) -> dict[str, Any]:
    """Figures of one split."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "machinami.toml").write_text(CONFIG, encoding="utf-8")
        project = Project.open(Path(folder))
        with project.catalog() as catalog:
            fill(catalog, count)
        before_mb = peak_mb()
        clock, used = time.perf_counter(), time.process_time()
        split = lay_split(project, project.config())
        clock, used = time.perf_counter() - clock, time.process_time() - used
        reading = time.perf_counter()
        assert read_split(project).digest == split.digest
        reading = time.perf_counter() - reading
        report, left_out = split.report, Counter(drop.reason for drop in split.dropped)
        return {
            "photos": count,
            "lay_seconds": round(clock, 2),
            "lay_cpu_seconds": round(used, 2),
            "read_seconds": round(reading, 2),
            "peak_memory_mb": round(peak_mb()),
            "peak_memory_mb_before": round(before_mb),
            "blocks": len(split.blocks),
            "left_out_near_duplicates": left_out["near-duplicate"],
            "left_out_in_buffer": left_out["buffer"],
            "near_duplicates_across": report.near_duplicates_across,
            "cut_sequences": report.cut_sequences,
            "split_json_mb": round(project.split_file.stat().st_size / 1e6, 1),
        }


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform != "darwin" else 1024) / 1024


def shortfalls(found: dict[str, Any]) -> list[str]:
    """What misses its target, in words."""
    figures = {name: found[name.removesuffix("_at_most")] for name in TARGETS}
    return [f"{name} {TARGETS[name]}, but it is {value}" for name, value in figures.items() if value > TARGETS[name]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=PHOTOS)
    parser.add_argument("--check", action="store_true", help="200,000 photos, and exit 1 where a target is missed")
    options = parser.parse_args()
    found = measure(PHOTOS if options.check else options.photos)
    setting = {
        "step_m": STEP_M,
        "drives_a_street": TIMES_A_STREET,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "machine": platform.machine(),
    }
    print(
        json.dumps(
            {"setting": setting, "targets": TARGETS, "results": {f"{found['photos']:,} photos": found}}, indent=1
        )
    )
    short = shortfalls(found) if options.check else []
    for line in short:
        print(line)
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
