"""The photos of a split as the catalogue holds them now, as long as the two agree."""

from collections.abc import Collection, Iterable

from machinami.catalog import Photo
from machinami.errors import NotReady
from machinami.project import Project
from machinami.split.result import Split

__all__ = ["check_places", "kept_photos"]


def kept_photos(project: Project, split: Split, subsets: Collection[str]) -> tuple[Photo, ...]:
    """The photos of these subsets (test, validation, train, dropped), in the order of their ids.

    Raises NotReady where one of them has since been rejected, taken out, or given another place: a stage that
    left it out, or took it as it is now, would be of another split than the stage before.
    """
    wanted = sorted(photo_id for photo_id, subset in split.subset_of().items() if subset in subsets)
    place_of = split.place_of()
    photos, changed = [], []
    with project.catalog() as catalog:
        for photo_id in wanted:
            photo = catalog.find_id(photo_id)
            change = _change(photo, place_of[photo_id])
            if photo is not None and change is None:
                photos.append(photo)
            else:
                changed.append(f"photo {photo_id} {change}")
    if changed:
        more = f", and {len(changed) - 1} more have changed" if len(changed) > 1 else ""
        raise NotReady(
            f"the catalogue no longer matches the split ({changed[0]}{more})", command=f"machinami split {project.root}"
        )
    return tuple(photos)


def _change(photo: Photo | None, place: str) -> str | None:
    """What has become of a photo since it was split; None where nothing has."""
    if photo is None:
        return "is gone"
    if photo.state != "fetched":
        return f"is {photo.state} now" + (f": {photo.reason}" if photo.reason else "")
    return None if photo.place == place else f"was of {place} and is of {photo.place} now"


def check_places(project: Project, split: Split, places: Iterable[str]) -> None:
    """Raises NotReady where the split was laid over other places than those that are now to be told apart."""
    laid, now = {block.place for block in split.blocks}, set(places)
    if laid != now:
        raise NotReady(
            f"the split was laid over {', '.join(sorted(laid))}, and the places are now {', '.join(sorted(now))}",
            command=f"machinami split {project.root}",
        )
