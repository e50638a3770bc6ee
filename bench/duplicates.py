"""Near duplicates: seconds that 100,000 hashes take, and how many planted copies of real photos are found.

Prints JSON. Hashes are random, with pairs planted up to the radius; what is found is compared with comparing each with
each on a sample. With --million a million hashes are joined too. With --photos FOLDER, every photo below it (of so many
as --every says, one) gets four copies: half the size, JPEG quality 40, cropped by 5 % of width and height, brightened
by 30 %. Recall is over the pairs of a photo with its copy. Precision counts each pair of two different photos as false;
pairs that were found among the originals are listed, to be looked at, and `precision_without_them` leaves them and
their copies out. With --check the targets below are looked at, the figure that falls short is printed last, and the
exit code is 1.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance

from machinami.check.hash_index import near_pairs
from machinami.check.near_features import INPUT_PX, pooled_features
from machinami.check.near_stage import confirm
from machinami.config import CheckConfig
from machinami.images.decode import decode_photo
from machinami.images.hashes import HASHED_SIDE_PX, hash_pixels

TARGETS = {"seconds_at_100000_at_most": 60.0, "recall_at_least": 0.98, "precision_at_least": 0.98}
SAMPLE = 2000  # rows that are compared with all others
CONFIG = CheckConfig()


def half(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC)


def crop(image: Image.Image) -> Image.Image:
    x, y = round(image.width * 0.025), round(image.height * 0.025)
    return image.crop((x, y, image.width - x, image.height - y))


def brighten(image: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(1.3)


KINDS: dict[str, tuple[Callable[[Image.Image], Image.Image], int]] = {
    "resized": (half, 90),
    "recompressed": (lambda image: image, 40),
    "cropped": (crop, 90),
    "brightened": (brighten, 90),
}


def time_join(count: int) -> dict[str, Any]:
    """Seconds, memory and recall of the join of so many hashes, a tenth of which have a planted neighbour."""
    random = np.random.default_rng(0)
    hashes = random.integers(0, 2**64, count, dtype=np.uint64)
    planted = count // 10
    flips = np.zeros(planted, np.uint64)
    for _ in range(CONFIG.near_hash_bits):
        flips |= np.uint64(1) << random.integers(0, 64, planted, dtype=np.uint64)
    hashes[:planted] = hashes[planted : 2 * planted] ^ flips
    started, cpu = time.monotonic(), time.process_time()
    pairs = near_pairs(hashes, radius=CONFIG.near_hash_bits)
    seconds, cpu = time.monotonic() - started, time.process_time() - cpu
    found = set((pairs.first * count + pairs.second).tolist())
    true = set()
    for row in range(SAMPLE):
        near = np.flatnonzero(np.bitwise_count(hashes ^ hashes[row]) <= CONFIG.near_hash_bits)
        true |= {min(row, int(other)) * count + max(row, int(other)) for other in near if other != row}
    return {
        "hashes": count,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "pairs": len(found),
        "recall_of_sample": round(len(true & found) / len(true), 6),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "crowded": pairs.crowded,
    }


def judge_photos(folder: Path, every: int) -> dict[str, Any]:
    """Recall by kind of copy, and precision, of what `check` calls near duplicates."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})[::every]
    names: list[str] = []
    hashes, pixels = [], []
    with tempfile.TemporaryDirectory() as aside:
        for number, file in enumerate(files):
            image = Image.open(file).convert("RGB")
            for kind in ("original", *KINDS):
                path = file
                if kind != "original":
                    change, quality = KINDS[kind]
                    path = Path(aside) / "copy.jpg"
                    change(image).save(path, quality=quality)
                data = path.read_bytes()
                hashes.append(hash_pixels(decode_photo(data, max_pixels=10**9, shorter_side_px=HASHED_SIDE_PX)))
                pixels.append(data)
                names.append(f"{number} {kind}")
    table = np.array(hashes, np.uint64)
    count = len(names)
    both = [near_pairs(table[:, column].copy(), radius=CONFIG.near_hash_bits) for column in (0, 1)]
    codes = np.union1d(*(pairs.first * count + pairs.second for pairs in both))
    first, second = codes // count, codes % count
    wanted = np.union1d(first, second)
    decoded = (
        (str(row), decode_photo(pixels[row], max_pixels=10**9, shorter_side_px=INPUT_PX)) for row in wanted.tolist()
    )
    vectors = {int(name): vector for batch in pooled_features(decoded) for name, vector in batch}
    cosines = np.array([vectors[a] @ vectors[b] for a, b in zip(first.tolist(), second.tolist(), strict=True)])
    bits = np.bitwise_count(table[first] ^ table[second]).max(axis=1).astype(np.int64)
    near = confirm(cosines, bits, CONFIG)
    first, second, cosines = first[near], second[near], cosines[near]
    return figures(files, first, second, cosines)


def figures(files: list[Path], first: Any, second: Any, cosines: Any) -> dict[str, Any]:
    copies = 1 + len(KINDS)
    pairs = set(zip(first.tolist(), second.tolist(), strict=True))
    recall = {
        kind: sum((row, row + step) in pairs for row in range(0, len(files) * copies, copies)) / len(files)
        for step, kind in enumerate(KINDS, start=1)
    }
    originals = [
        (int(a) // copies, int(b) // copies, float(c))
        for a, b, c in zip(first, second, cosines, strict=True)
        if a % copies == 0 and b % copies == 0
    ]
    alike = {(a, b) for a, b, _ in originals}
    across = [
        (int(a) // copies, int(b) // copies) for a, b in zip(first, second, strict=True) if a // copies != b // copies
    ]
    strange = sum(pair not in alike for pair in across)
    return {
        "photos": len(files),
        "recall_by_kind": {kind: round(value, 4) for kind, value in recall.items()},
        "recall": round(sum(recall.values()) / len(recall), 4),
        "precision": round(1 - len(across) / max(1, len(pairs)), 4),
        "precision_without_them": round(1 - strange / max(1, len(pairs) - len(across) + strange), 4),
        "samples": [[files[a].name, files[b].name, round(c, 3)] for a, b, c in sorted(originals, key=lambda o: o[2])],
        "pairs_among_originals": len(originals),
    }


def main() -> None:
    """Measure, print, and with --check compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    found: dict[str, Any] = {"join": {"100000": time_join(100_000)}}
    if options.million:
        found["join"]["1000000"] = time_join(1_000_000)
    if options.photos:
        found["photos"] = judge_photos(options.photos, options.every)
    print(json.dumps(found, indent=2))
    if options.check:
        falls_short(found)


def falls_short(found: dict[str, Any]) -> None:
    join, photos = found["join"]["100000"], found.get("photos")
    problems = []
    if join["seconds"] > TARGETS["seconds_at_100000_at_most"]:
        problems.append(f"100,000 hashes took {join['seconds']} s")
    if join["recall_of_sample"] < 1:
        problems.append(f"only {join['recall_of_sample']} of the sample's pairs were found")
    if photos and photos["recall"] < TARGETS["recall_at_least"]:
        problems.append(f"recall {photos['recall']}")
    if photos and photos["precision_without_them"] < TARGETS["precision_at_least"]:
        problems.append(f"precision {photos['precision_without_them']}")
    if problems:
        sys.exit("falls short: " + "; ".join(problems))


if __name__ == "__main__":
    main()
