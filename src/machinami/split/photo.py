"""What the split needs to know of a photo."""

from dataclasses import dataclass

from machinami.geo import LatLon

__all__ = ["SplitArea", "SplitPhoto"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitArea:
    """One of a place's areas, as a unit of the split."""

    name: str  # sorts; unique within the place
    centre: LatLon
    corners: tuple[LatLon, ...]  # its outline, for the map


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPhoto:
    """A photo as the split sees it. Photos of one `pixels_sha256`, `near_group` or `panorama` are never parted."""

    photo_id: int
    place: str
    lat: float | None = None
    lon: float | None = None
    sequence: str | None = None
    name: str = ""  # folder and file name: neighbours in name are neighbours on the street
    pixels_sha256: str | None = None
    near_group: int | None = None
    panorama: str | None = None  # the 360° photo that it is a view of
    creator: str | None = None
    captured_at: str | None = None  # ISO 8601, UTC, cut to its precision
    area: SplitArea | None = None  # for the strategy "areas"
