"""Each photo by itself: is its file still there and the same, can it be decoded, does it show enough."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from machinami.catalog import Photo
from machinami.check.marks import Mark
from machinami.check.placeholders import judge_flatness
from machinami.check.times import doubt_date, without_date
from machinami.check.unfit import judge_facts, judge_shape, judge_signs
from machinami.check.verified import Stamp, look_at
from machinami.config import CheckConfig
from machinami.images.decode import PhotoError, digest_photo
from machinami.images.measure import measure_photo
from machinami.images.signs import Signs, read_signs
from machinami.project import Project

__all__ = ["Judged", "judge_photo"]


@dataclass(frozen=True, slots=True)
class Judged:
    """A photo with what was measured of it now, and its mark, if any."""

    photo: Photo
    mark: Mark | None
    stamp: Stamp | None = None  # of a file whose bytes were read now and are right
    signs: Signs | None = None  # measured now
    doubt: str | None = None  # why the date was set aside now


def judge_photo(
    project: Project,
    photo: Photo,
    config: CheckConfig,
    *,
    verified: Stamp | None = None,
    signs: Signs | None = None,
) -> Judged:
    """The photo's mark by itself. What the user took back is kept, unless its file is of no use any more.

    A file that still bears the stamp under which its bytes were `verified` is not read, and not decoded where the
    `signs` are known.
    """
    doubt = doubt_date(photo, now=datetime.now(UTC))
    photo = without_date(photo) if doubt else photo
    stamp = look_at(project.path_of(photo.file)) if photo.file else None
    trusted = stamp is not None and stamp == verified
    measured = None
    mark = None
    try:
        photo = photo if trusted and _is_measured(photo) else _measured(project, photo, config)
        _refuse_gigantic(photo, config)
        if not photo.kept_by_user:
            mark = _judge_size(photo, config.min_side_px) or _judge_card(photo, config) or judge_facts(photo)
        if mark is None and signs is None:  # of what the user kept too: others of its sequence are judged by it
            signs = measured = read_signs(project.path_of(photo.file or ""), max_pixels=config.max_pixels)
        if mark is None and signs is not None and not photo.kept_by_user:
            mark = judge_signs(signs, config) or judge_shape(photo, signs, config)
    except PhotoError as error:
        return Judged(photo, Mark(error.reason), doubt=doubt)
    return Judged(photo, mark, stamp=None if trusted else stamp, signs=measured, doubt=doubt)


def _refuse_gigantic(photo: Photo, config: CheckConfig) -> None:
    """Raises PhotoError for what would not be decoded now, though it was when more pixels were allowed."""
    if (photo.width or 0) * (photo.height or 0) > config.max_pixels:
        size = f"{photo.width} × {photo.height}"
        raise PhotoError(photo.source_id, f"too-many-pixels: {size} is more than {config.max_pixels}")


def _is_measured(photo: Photo) -> bool:
    return None not in (photo.sha256, photo.width, photo.height, photo.pixels_sha256, photo.grey_share)


def _measured(project: Project, photo: Photo, config: CheckConfig) -> Photo:
    """The photo with all its measures; it is decoded only where one is missing. Raises PhotoError."""
    if photo.file is None:
        raise PhotoError(photo.source_id, "missing-file")
    path = project.path_of(photo.file)
    sha256 = digest_photo(path)
    if photo.sha256 is not None and photo.sha256 != sha256:
        raise PhotoError(str(path), "file-changed: it is not what was imported; import it again")
    if _is_measured(photo):
        return photo
    measured = measure_photo(path, max_pixels=config.max_pixels, now=datetime.now(UTC))
    return replace(
        photo,
        sha256=sha256,
        width=measured.width,
        height=measured.height,
        pixels_sha256=measured.pixels_sha256,
        grey_share=measured.grey_share,
    )


def _judge_size(photo: Photo, min_side_px: int) -> Mark | None:
    side_px = min(photo.width or 0, photo.height or 0)
    if side_px >= min_side_px:
        return None
    return Mark(f"too-small: {side_px} px, less than {min_side_px}", float(side_px))


def _judge_card(photo: Photo, config: CheckConfig) -> Mark | None:
    return judge_flatness(photo, placeholder_share=config.placeholder_share)
