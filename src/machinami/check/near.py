"""From pairs of photos that show nearly the same to groups around the photo worth keeping, and their marks."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from machinami.catalog import Photo
from machinami.check.marks import Mark

__all__ = ["NearGroup", "group_pairs", "judge_group", "preference"]


@dataclass(frozen=True, slots=True)
class NearGroup:
    """Photos near one leader, by their number in the order of preference, with their likeness to it."""

    leader: int
    members: Mapping[int, float]  # without the leader: cosine of the features, or what stands for it


def preference(photo: Photo) -> tuple[int, int, int]:
    """Sorts the photo to keep first: the user's, then the largest, then the oldest row."""
    return -photo.kept_by_user, -(photo.width or 0) * (photo.height or 0), photo.photo_id


def group_pairs(pairs: Iterable[tuple[int, int, float]]) -> Iterator[NearGroup]:
    """Star-shaped groups: the photo preferred most takes all its near ones that are still free, and so on.

    Nobody is in a group because of a photo that is itself a member: in a drive where each frame is near the next one,
    the first and the last do not end up as one. `pairs`: (first, second, likeness), numbered by preference.
    """
    later: defaultdict[int, dict[int, float]] = defaultdict(dict)
    for a, b, likeness in pairs:
        later[min(a, b)][max(a, b)] = likeness
    taken: set[int] = set()
    for leader in sorted(later):
        if leader in taken:
            continue
        members = {number: likeness for number, likeness in later[leader].items() if number not in taken}
        taken.update(members)
        if members:
            yield NearGroup(leader, members)


def judge_group(leader: Photo, members: Sequence[tuple[Photo, float]]) -> Iterator[tuple[Photo, Mark | None]]:
    """The mark of each photo of a group, the leader's first.

    In one place the leader stays. In several places nobody knows which label is right, so none stays, but what the
    user kept; then the others are judged by the first of those.
    """
    likeness = {photo.photo_id: value for photo, value in members}
    group = [leader, *(photo for photo, _ in members)]
    conflict = len({photo.place for photo in group}) > 1
    for photo in group:
        score = likeness.get(photo.photo_id, max(likeness.values()))
        yield photo, None if photo.kept_by_user else _mark(photo, group, score, conflict=conflict)


def _mark(photo: Photo, group: Sequence[Photo], score: float, *, conflict: bool) -> Mark | None:
    leader = group[0]
    kept = {other.place for other in group if other.kept_by_user}
    if not conflict or kept == {photo.place}:
        return None if photo is leader else Mark(f"near-duplicate: {leader.photo_id}", score)
    others = [other for other in group if other.place != photo.place]
    other = next((other for other in others if other.kept_by_user), others[0])
    return Mark(f"label-conflict: {other.photo_id} in {other.place}", score)
