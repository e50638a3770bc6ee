"""Photos that show exactly the same pixels: one is enough for a place, and two places cannot both be right."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from machinami.catalog import Photo
from machinami.check.marks import Mark

__all__ = ["judge_twins", "mark_twins"]


def mark_twins(photos: Iterable[Photo]) -> Iterator[tuple[Photo, Mark | None]]:
    """Each photo with its mark; `photos` come in the order of their pixels' digest, then of photo_id."""
    for _, group in groupby(photos, key=lambda photo: photo.pixels_sha256):
        yield from judge_twins(list(group))


def judge_twins(twins: Sequence[Photo]) -> Iterator[tuple[Photo, Mark | None]]:
    """The marks of photos with the same pixels.

    Within one place the first stays. In several places nobody knows which label is right, so none stays. What
    the user kept stays in any case, and the others are judged by it.
    """
    kept = [photo for photo in twins if photo.kept_by_user]
    leaders = kept or ([twins[0]] if len({photo.place for photo in twins}) == 1 else [])
    leading = {photo.photo_id for photo in leaders}
    for photo in twins:
        yield photo, None if photo.photo_id in leading else _mark(photo, leaders or twins)


def _mark(photo: Photo, others: Sequence[Photo]) -> Mark:
    """A duplicate where one of the others is of the same place and right, else a conflict with the first one."""
    same = [other for other in others if other.place == photo.place]
    if same and len({other.place for other in others}) == 1:
        return Mark(f"exact-duplicate: {same[0].photo_id}")
    other = next(other for other in others if other.place != photo.place)
    return Mark(f"label-conflict: {other.photo_id} in {other.place}")
