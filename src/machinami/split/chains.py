"""Bringing linked photos together: which chains move into one unit of ground, and which are cut."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from machinami.config import SplitConfig
from machinami.split.links import join, number, same_spot, widths_m
from machinami.split.photo import SplitPhoto

__all__ = ["Bound", "Gathered", "bind_photos", "gather", "part_ways"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
_DAY = len("2014-07-09")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Photos that must never be parted."""

    group_of: Ints  # (N,)
    too_large: Bools  # (N,): whether the group holds more of a place than a fold's share, so that no fold can take all


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """Units after linked photos have been brought together, and how many chains are still in several."""

    unit_of: Ints  # (N,)
    cut_chains: int = 0  # of photos nearer than link_m to the next
    cut_sequences: int = 0
    cut_days: int = 0  # of one contributor


def bind_photos(photos: Sequence[SplitPhoto], place_of: Ints, *, folds: int) -> Bound:
    """The groups of photos with the same pixels, or nearly the same picture, or that are views of one 360° photo."""
    group_of = number([photo.pixels_sha256 for photo in photos])
    group_of = join(group_of, number([photo.near_group for photo in photos]))
    group_of = join(group_of, number([photo.panorama for photo in photos]))
    places = int(place_of.max(initial=-1)) + 1
    share = np.bincount(place_of, minlength=places) / folds
    pairs, counts = np.unique(group_of * places + place_of, return_counts=True)
    large = counts > share[pairs % places]
    return Bound(group_of=group_of, too_large=np.isin(group_of, pairs[large] // places))


def gather(
    photos: Sequence[SplitPhoto],
    unit_of: Ints,
    points_m: Floats,
    bound: Bound,
    *,
    on_ground: Bools,
    config: SplitConfig,
) -> Gathered:
    """Each group of linked photos goes to the unit of most of its photos.

    The finest links come first: bound photos, spots, sequences, a contributor's days (the last two among photos in
    squares of ground: `on_ground`, bool (N,)). A link that would make a group wider than a block is not followed, so
    that a long drive is cut at the edges of the blocks and what is finer stays whole. Bound photos that lie wider, or
    are more than a fold could take, stay where they are as well: `part_ways` tells which of them are left out. To move
    them would cost more, since a test photo in the midst of training ground takes all of its neighbours along.
    """
    apart = (widths_m(bound.group_of, points_m) > config.block_m) | bound.too_large
    group_of = number(np.where(apart, len(photos) + np.arange(len(photos)), bound.group_of).tolist())
    spots = same_spot(points_m, link_m=config.link_m)
    sequences = _label(photos, on_ground, lambda photo: photo.sequence or None)
    days = _label(photos, on_ground, _contributor_day)
    for links in (spots, sequences, days):
        joined = join(group_of, links)
        fits = widths_m(joined, points_m) <= config.block_m
        group_of = number(np.where(fits, joined, len(photos) + group_of).tolist())
    unit_of = _majority(group_of, unit_of)
    return Gathered(
        unit_of=unit_of,
        cut_chains=_count_cut(spots, unit_of),
        cut_sequences=_count_cut(sequences, unit_of),
        cut_days=_count_cut(days, unit_of),
    )


def part_ways(group_of: Ints, side_of: Ints) -> Bools:
    """Bool (N,): photos to leave out, so that no group lies on several sides.

    Those on the side that holds most of the group stay; of several such sides, the lowest.
    """
    stays: Bools = side_of == _majority(group_of, side_of)
    return ~stays


def _label(photos: Sequence[SplitPhoto], among: Bools, key_of: Callable[[SplitPhoto], Hashable | None]) -> Ints:
    return number([key_of(photo) if chosen else None for photo, chosen in zip(photos, among.tolist(), strict=True)])


def _contributor_day(photo: SplitPhoto) -> tuple[str, str] | None:
    """Who took it, and on which day (UTC); None where either is not known."""
    if not photo.creator or photo.captured_at is None or len(photo.captured_at) < _DAY:
        return None
    return photo.creator, photo.captured_at[:_DAY]


def _count_cut(group_of: Ints, unit_of: Ints) -> int:
    """How many groups lie in more than one unit."""
    order = np.lexsort((unit_of, group_of))
    groups, units = group_of[order], unit_of[order]
    torn = groups[1:][(groups[1:] == groups[:-1]) & (units[1:] != units[:-1])]
    return len(np.unique(torn))


def _majority(group_of: Ints, value_of: Ints) -> Ints:
    """int64 (N,): for each photo the value that most photos of its group have; the lowest of several."""
    order = np.lexsort((value_of, group_of))
    groups, values = group_of[order], value_of[order]
    first = np.flatnonzero(np.r_[True, (groups[1:] != groups[:-1]) | (values[1:] != values[:-1])][: len(groups)])
    counts = np.diff(np.r_[first, len(groups)])
    ranked = np.lexsort((values[first], -counts, groups[first]))
    found, at = np.unique(groups[first][ranked], return_index=True)
    winners: Ints = values[first][ranked][at]
    return winners[np.searchsorted(found, group_of)]
