"""Which of the photos found are wanted: the samples decide, within a distance and caps that nobody may exceed."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from machinami.config import SamplingConfig
from machinami.sampling import Sample

__all__ = ["Candidates", "Choice", "choose_by_samples", "choose_in_turn", "keep_room"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_MISSES = 500  # samples in a row without a photo near them, after which what is left is taken in seeded order
_WANTED_WITHIN_DEG = 45.0  # a flat photo that looks this near to the wanted direction is as good as exact
_PLANE_SLACK = 1.01  # distances on the sphere and in the plane differ by less
_GOLDEN_DEG = 360 * (3 - math.sqrt(5)) / 2  # steps of the golden angle cover a circle evenly at any count


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The photos found in one place, column by column, all (N,)."""

    photo_ids: Ints
    east_north_m: Floats  # (N, 2), in the place's local plane
    heading_deg: Floats  # NaN where unknown; of the centre where spherical
    spherical: npt.NDArray[np.bool_]
    sequence: Ints  # a number for each sequence; -1 where there is none
    creator: Ints
    sample: Ints  # the sample it was found for; -1 where the whole area was searched
    stored: npt.NDArray[np.bool_]  # whether it is there already

    def __len__(self) -> int:
        return len(self.photo_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A photo that is wanted."""

    photo_id: int
    sample: int | None  # the sample it stands for; None where it was left over
    heading_deg: float | None  # where the view of a 360° photo shall look; None for a flat photo


@dataclass(slots=True)
class _Room:
    """Whether there is room for one more: a minimum distance, and caps a sequence and contributor."""

    candidates: Candidates
    limits: SamplingConfig
    taken: npt.NDArray[np.bool_] = field(init=False)
    _near: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    _sequences: Counter[int] = field(default_factory=Counter)
    _creators: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.taken = np.zeros(len(self.candidates), bool)

    def take(self, row: int) -> bool:
        """Take it, if there is room."""
        sequence, creator = int(self.candidates.sequence[row]), int(self.candidates.creator[row])
        if self.taken[row] or self._is_crowded(row):
            return False
        if sequence >= 0 and self._sequences[sequence] >= self.limits.per_sequence:
            return False
        if creator >= 0 and self._creators[creator] >= self.limits.per_creator:
            return False
        self.fill(row)
        return True

    def fill(self, row: int) -> None:
        """Take it, room or not."""
        self.taken[row] = True
        self._sequences[int(self.candidates.sequence[row])] += 1
        self._creators[int(self.candidates.creator[row])] += 1
        self._near.setdefault(self._square(row), []).append(row)

    def _is_crowded(self, row: int) -> bool:
        if self.limits.min_distance_m <= 0:
            return False
        points = self.candidates.east_north_m
        column, line = self._square(row)
        around = ((column + i, line + j) for i in (-1, 0, 1) for j in (-1, 0, 1))
        return any(
            math.dist(points[row], points[other]) < self.limits.min_distance_m
            for square in around
            for other in self._near.get(square, ())
        )

    def _square(self, row: int) -> tuple[int, int]:
        edge_m = max(self.limits.min_distance_m, 1e-9)
        east_m, north_m = self.candidates.east_north_m[row]
        return math.floor(east_m / edge_m), math.floor(north_m / edge_m)


def choose_by_samples(
    candidates: Candidates,
    samples: Iterator[tuple[Sample, tuple[float, float]]],
    *,
    limits: SamplingConfig,
    generator: np.random.Generator,
) -> Iterator[Choice]:
    """Photos in the order in which they are wanted; the same for the same photos, samples and generator.

    Each sample (with its place in metres east and north) takes the best photo within `match_m` that has room: one
    that looks nearly where the sample wants it, then the nearest. Where samples stand for an area and hardly meet
    a photo any more, what is left comes in random order; points of a grid or along streets stand for themselves, so
    that nothing is added to them. What is chosen counts against distance and caps even if it cannot be had later.
    """
    room = _Room(candidates, limits)
    if not len(candidates):
        return
    tree = cKDTree(candidates.east_north_m)
    misses = 0
    for sample, point in samples:
        row = _best(room, tree, sample, point)
        misses = 0 if row is not None else misses + 1
        if row is not None:
            yield _choice(candidates, row, sample, limits, generator)
        elif misses >= _MISSES and limits.method in {"area", "blocks"}:
            break
    if limits.method in {"area", "blocks"}:
        turn_deg = generator.uniform(0, 360)
        for count, row in enumerate(generator.permutation(len(candidates)).tolist()):
            if room.take(row):
                spare = Sample(number=-1, lat=0, lon=0, heading_deg=(turn_deg + count * _GOLDEN_DEG) % 360)
                yield _choice(candidates, row, spare, limits, generator)


def choose_in_turn(
    candidates: Candidates,
    samples: Iterator[tuple[Sample, tuple[float, float]]],
    *,
    limits: SamplingConfig,
    generator: np.random.Generator,
) -> Iterator[Choice]:
    """Photos that were found for a sample each, in the order of their samples, as far as there is room.

    A photo farther than `match_m` from its sample was found for a point of an older config, and is left out.
    """
    room = _Room(candidates, limits)
    last = int(candidates.sample.max(initial=-1))
    by_number = {sample.number: (sample, point) for sample, point in islice(samples, last + 1)}
    for row in np.argsort(candidates.sample, kind="stable").tolist():
        sample, point = by_number.get(int(candidates.sample[row]), (None, (0.0, 0.0)))
        if sample is None or math.dist(candidates.east_north_m[row], point) > limits.match_m * _PLANE_SLACK:
            continue
        if room.take(row):
            yield _choice(candidates, row, sample, limits, generator)


def keep_room(choices: Iterable[Choice], candidates: Candidates, limits: SamplingConfig) -> Iterator[Choice]:
    """The choices that have room among the photos that are stored already, and among one another.

    Choosing starts anew on every run. As long as it chooses among the same photos, all that is stored was chosen
    before and nothing is left out here; where a search has since found others, it may choose differently.
    """
    room = _Room(candidates, limits)
    for row in np.flatnonzero(candidates.stored).tolist():
        room.fill(row)
    rows = {photo_id: row for row, photo_id in enumerate(candidates.photo_ids.tolist())}
    for choice in choices:
        row = rows[choice.photo_id]
        if candidates.stored[row] or room.take(row):
            yield choice


def _best(room: _Room, tree: cKDTree, sample: Sample, point: tuple[float, float]) -> int | None:
    found = room.candidates
    rows = np.array(sorted(tree.query_ball_point(point, room.limits.match_m)), np.int64)
    rows = rows[~room.taken[rows]]
    if not len(rows):
        return None
    distance_m = np.hypot(*(found.east_north_m[rows] - np.array(point)).T)
    looks_away = np.zeros(len(rows), bool)
    if sample.heading_deg is not None:
        off_deg = np.abs((found.heading_deg[rows] - sample.heading_deg + 180) % 360 - 180)
        looks_away = ~found.spherical[rows] & ~(off_deg <= _WANTED_WITHIN_DEG)
    order = rows[np.lexsort((distance_m, looks_away))]
    return next((row for row in order.tolist() if room.take(row)), None)


def _choice(
    found: Candidates, row: int, sample: Sample, limits: SamplingConfig, generator: np.random.Generator
) -> Choice:
    heading_deg = None
    if found.spherical[row]:
        heading_deg = _view_heading_deg(float(found.heading_deg[row]), sample, limits, generator)
    number = sample.number if sample.number >= 0 else None
    return Choice(photo_id=int(found.photo_ids[row]), sample=number, heading_deg=heading_deg)


def _view_heading_deg(
    centre_deg: float, sample: Sample, limits: SamplingConfig, generator: np.random.Generator
) -> float:
    """Where the view looks: as the sample says; along or across the drive; or where the camera's centre looks."""
    known = not math.isnan(centre_deg)
    if limits.headings == "as-taken" and known:
        return centre_deg
    if limits.headings in {"along", "across"} and sample.street_deg is None and known:
        side = 180.0 * int(generator.integers(2)) + (90.0 if limits.headings == "across" else 0.0)
        return (centre_deg + side) % 360
    return 0.0 if sample.heading_deg is None else sample.heading_deg
