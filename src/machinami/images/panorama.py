"""Flat views cut out of 360° photos: what a camera standing there would have taken."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from machinami.errors import InputError

__all__ = ["flat_view"]

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

_WIDEST_DEG = 170.0  # beyond, a plane shows little but stretched edges; at 180 it has no end


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """Whole pixels of a panorama, right and bottom not included; columns may lie beyond the seam."""

    left: int
    right: int
    top: int
    bottom: int


def flat_view(
    panorama: Pixels,
    *,
    heading_deg: float,
    centre_heading_deg: float,
    field_of_view_deg: float = 90.0,
    pitch_deg: float = 0.0,
    size_px: tuple[int, int],
) -> Pixels:
    """What a pinhole camera in the middle of the sphere sees: uint8 (height, width, 3).

    panorama: uint8 (H, 2H, 3), equirectangular: the whole sphere, the zenith along the upper edge, the horizon level
    in the middle row. `centre_heading_deg` is the compass heading of its centre, `heading_deg` that of the
    view's. `field_of_view_deg` is from the view's left edge to its right one, the outer edges of the pixels;
    `pitch_deg` looks up where positive. `size_px` is (width, height); pixels are square.

    The projection is the gnomonic one (Snyder 1987, Map Projections: A Working Manual, USGS Professional Paper 1395,
    chapter 22; its inverse, equations 20-14 and 20-15 with c = arctan ρ, is written here with vectors). Values are
    interpolated between the four pixels around a ray, also across the seam. Where the panorama has more pixels to a
    degree than the middle of the view, it is first made smaller with a filter, so that fine patterns turn grey
    instead of coarse; near the zenith and the nadir, where a panorama's columns crowd, some of that is left.

    Raises InputError for a picture that is not exactly twice as wide as high (parts of a sphere, whose horizon cannot
    be known from the pixels), for a view outside 0 < field of view ≤ 170, |pitch| ≤ 90, for an
    empty size, and for headings that are no numbers.
    """
    _check_sphere(panorama)
    _check_view(field_of_view_deg, pitch_deg, size_px)
    if not math.isfinite(heading_deg - centre_heading_deg):
        raise InputError(f"a heading must be a finite number, not {heading_deg:g} from {centre_heading_deg:g}")
    width, height = size_px
    focal_px = width / 2 / math.tan(math.radians(field_of_view_deg) / 2)
    right, up = _plane(width, height)
    lon, lat = _directions(right / focal_px, up / focal_px, math.radians(pitch_deg))
    lon += math.radians(math.remainder(heading_deg - centre_heading_deg, 360.0))
    rows = min(panorama.shape[0], max(2, math.ceil(math.pi * focal_px)))
    x = lon * np.float32(rows / math.pi) + np.float32(rows - 0.5)
    y = np.clip(np.float32(rows / 2 - 0.5) - lat * np.float32(rows / math.pi), 0, rows - 1)
    window = _Window(
        left=math.floor(x.min()),
        right=math.floor(x.max()) + 2,
        top=math.floor(y.min()),
        bottom=min(math.floor(y.max()) + 2, rows),
    )
    part = _cut(panorama, window, scale=panorama.shape[0] / rows)
    return _interpolate(part, x - np.float32(window.left), y - np.float32(window.top))


def _check_sphere(panorama: Pixels) -> None:
    if panorama.ndim != 3 or panorama.shape[2] != 3 or panorama.dtype != np.uint8:
        raise InputError(f"a panorama is uint8 (H, 2H, 3), not {panorama.dtype} {panorama.shape}")
    height, width = panorama.shape[:2]
    if height < 2 or width != 2 * height:
        raise InputError(
            f"a picture of {width} × {height} is not a whole sphere, which is twice as wide as high: use it as it is, "
            "or pad it to the whole sphere first"
        )


def _check_view(field_of_view_deg: float, pitch_deg: float, size_px: tuple[int, int]) -> None:
    if not 0 < field_of_view_deg <= _WIDEST_DEG:
        raise InputError(f"the field of view must lie in 0 … {_WIDEST_DEG:g} degrees, not {field_of_view_deg:g}")
    if not -90 <= pitch_deg <= 90:
        raise InputError(f"the pitch must lie in -90 … 90 degrees, not {pitch_deg:g}")
    if min(size_px) < 1:
        raise InputError(f"a view has at least one pixel each way, not {size_px[0]} × {size_px[1]}")


def _plane(width: int, height: int) -> tuple[Floats, Floats]:
    """The middles of the view's pixels, in pixels from its centre: (1, width) to the right, (height, 1) upwards."""
    right = np.arange(width, dtype=np.float32)[None, :] + np.float32(0.5 - width / 2)
    up = np.float32(height / 2 - 0.5) - np.arange(height, dtype=np.float32)[:, None]
    return right, up


def _directions(right: Floats, up: Floats, pitch: float) -> tuple[Floats, Floats]:
    """Longitude from the view's heading, and latitude: radians (height, width), for a plane at distance 1."""
    ahead = math.cos(pitch) - up * math.sin(pitch)
    above = math.sin(pitch) + up * math.cos(pitch)
    lon = np.arctan2(right, ahead)
    lat = np.arctan2(above, np.hypot(right, ahead))
    return lon, lat


def _cut(panorama: Pixels, window: _Window, *, scale: float) -> Pixels:
    """The window of a panorama that has been made smaller by `scale` ≥ 1: uint8 (bottom - top, right - left, 3).

    Only what the window needs is made smaller, with a margin for the filter. Columns go on around the seam.
    """
    margin = math.ceil(scale) if scale > 1 else 0
    left, top = math.floor(window.left * scale) - margin, max(0, math.floor(window.top * scale) - margin)
    right, bottom = math.ceil(window.right * scale) + margin, math.ceil(window.bottom * scale) + margin
    columns = np.arange(left, right) % panorama.shape[1]
    source: Pixels = panorama[top:bottom].take(columns, axis=1)
    if scale == 1:
        return source
    smaller = Image.fromarray(source).resize(
        (window.right - window.left, window.bottom - window.top),
        Image.Resampling.HAMMING,
        box=(
            window.left * scale - left,
            window.top * scale - top,
            window.right * scale - left,
            min(window.bottom * scale - top, source.shape[0]),
        ),
    )
    return np.asarray(smaller)


def _interpolate(part: Pixels, x: Floats, y: Floats) -> Pixels:
    """The values at some points, uint8 (height, width, 3): bilinear; (0, 0) is the middle of the first pixel."""
    left, top = np.floor(x), np.floor(y)
    across, down = (x - left)[..., None], (y - top)[..., None]
    columns, rows = left.astype(np.intp), top.astype(np.intp)
    next_columns, next_rows = np.minimum(columns + 1, part.shape[1] - 1), np.minimum(rows + 1, part.shape[0] - 1)
    upper = _between(part[rows, columns], part[rows, next_columns], across)
    lower = _between(part[next_rows, columns], part[next_rows, next_columns], across)
    values: Floats = upper + (lower - upper) * down
    return np.rint(values).astype(np.uint8)


def _between(a: Pixels, b: Pixels, share: Floats) -> Floats:
    first = a.astype(np.float32)
    values: Floats = first + (b.astype(np.float32) - first) * share
    return values
