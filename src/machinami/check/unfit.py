"""Photos that show too little of a street, or no street, each judged by itself and by what is known of it."""

import re
from collections.abc import Iterator

from machinami.catalog import Photo
from machinami.check.marks import Mark
from machinami.config import CheckConfig
from machinami.images.signs import Signs
from machinami.sources.google_metadata import third_party_reason

__all__ = ["judge_facts", "judge_shape", "judge_signs"]

_SPHERE_RATIO = (1.98, 2.02)  # width over height
_CLOSED_SEAM = 0.35  # at most 0.2 in nine real spheres; 1.0 in the median of 564 flat photos
_PANORAMA_ID = re.compile(r"[A-Za-z0-9_-]{22,64}")  # a source_id may also be a file's name


def judge_signs(signs: Signs, config: CheckConfig) -> Mark | None:
    """The first mark that the picture itself earns: those that explain the later ones come first."""
    return next(_signs_marks(signs, config), None)


def _signs_marks(signs: Signs, config: CheckConfig) -> Iterator[Mark]:
    if signs.light < config.min_light:
        yield Mark(f"dark: the brightest twentieth begins at {signs.light:.0f} of 255", signs.light)
    if signs.bright_share > config.max_bright_share:
        yield Mark(f"overexposed: {_percent(signs.bright_share)} are white", signs.bright_share)
    if signs.still_share > config.max_still_share:
        yield Mark(f"cut-short: {_percent(signs.still_share)} are one colour or repeated", signs.still_share)
    if signs.entropy < config.min_entropy:
        yield Mark(f"little-information: {signs.entropy:.1f} bits", signs.entropy)
    if signs.blur > config.max_blur:
        yield Mark(f"blurred: {signs.blur:.2f} (0 is sharp, 1 blurred)", signs.blur)


def judge_shape(photo: Photo, signs: Signs, config: CheckConfig) -> Mark | None:
    """A mark for a 360° photo from which no view was cut, and for a very tall one."""
    if not photo.width or not photo.height:
        return None
    ratio = photo.width / photo.height
    told = photo.projection == "spherical" and photo.panorama is None
    if _SPHERE_RATIO[0] <= ratio <= _SPHERE_RATIO[1] and (told or signs.seam < _CLOSED_SEAM):
        return Mark(f"uncut-sphere: {photo.width} × {photo.height}, whose edges meet", signs.seam)
    if 1 / ratio > config.max_height_to_width:
        return Mark(f"portrait: {photo.width} × {photo.height}", 1 / ratio)
    return None


def judge_facts(photo: Photo) -> Mark | None:
    """A mark for what is not Street View's own in Street View: photospheres by users, often indoors."""
    if photo.source != "google" or photo.attribution is None:
        return None
    name = photo.panorama or photo.source_id
    reason = third_party_reason(name if _PANORAMA_ID.fullmatch(name) else "", photo.attribution)
    return None if reason is None else Mark(reason)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
