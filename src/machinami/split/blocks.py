"""Runs of neighbouring names: what is never split where positions are unknown."""

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

import numpy as np

__all__ = ["name_runs"]

_NUMBER = re.compile(r"\d+")
_CLOCK_DIGITS = 6  # numbers this long that leap from name to name are times or ids, not a camera's counter


def name_runs(names: Sequence[str], sequences: Sequence[str | None], *, run_photos: int, run_gap: int) -> list[str]:
    """The run of neighbouring photos that each photo belongs to, as a label that sorts naturally.

    Photos form a series when their sequence is the same, else when folder and file name agree but for the
    last number. A series is sorted by that number, cut where it leaps by more than `run_gap`, and each piece
    is cut into runs of nearly equal length, at most `run_photos` long. Names without a number form one series
    a folder. Numbers that are times or ids (long, and mostly leaping) are sorted by, but cut nowhere.

    >>> runs = name_runs(["a/i2.jpg", "a/i1.jpg", "a/i90.jpg"], [None] * 3, run_photos=15, run_gap=20)
    >>> runs[0] == runs[1], runs[0] == runs[2]
    (True, False)
    """
    series: defaultdict[str, list[tuple[int, str, int]]] = defaultdict(list)
    for row, (name, sequence) in enumerate(zip(names, sequences, strict=True)):
        prefix, number = _prefix_and_number(name)
        series[f"sequence {sequence}" if sequence else prefix].append((number, name, row))
    labels = [""] * len(names)
    for prefix, members in series.items():
        for run in _cut(sorted(members), run_photos=run_photos, run_gap=run_gap):
            number, name, _ = run[0]
            for _, _, row in run:
                labels[row] = f"{prefix} {max(number, 0):012d} {name}"
    return labels


def _prefix_and_number(name: str) -> tuple[str, int]:
    """The name with '#' for its last number, and that number; the folder and -1 where there is none."""
    path = PurePosixPath(name.replace("\\", "/"))
    found = list(_NUMBER.finditer(path.stem))
    if not found:
        return f"{path.parent}/", -1
    start, end = found[-1].span()
    return f"{path.parent}/{path.stem[:start]}#{path.stem[end:]}".lower(), int(found[-1].group())


def _cut(members: list[tuple[int, str, int]], *, run_photos: int, run_gap: int) -> Iterable[list[tuple[int, str, int]]]:
    """A sorted series in runs."""
    numbers = [number for number, _, _ in members]
    steps = np.diff(np.array(numbers, dtype=float))
    is_clock = len(steps) > 0 and numbers[-1] >= 10 ** (_CLOCK_DIGITS - 1) and np.median(steps) > run_gap
    cuts = [] if is_clock else (np.flatnonzero(steps > run_gap) + 1).tolist()
    for start, end in zip([0, *cuts], [*cuts, len(members)], strict=True):
        runs = -(-(end - start) // run_photos)
        bounds = [start + (end - start) * part // runs for part in range(runs + 1)]
        yield from (members[low:high] for low, high in itertools.pairwise(bounds))
