"""What every source of photos offers: a plan, a search cell by cell, and the bytes of one photo."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol

import shapely

from machinami.areas import Area
from machinami.dates import CaptureDate
from machinami.sampling import Sample

__all__ = [
    "Box", "Cell", "Estimate", "Fetched", "Found", "PhotoGone", "PhotoRef", "Source", "Spot", "Terms", "boxes_over",
    "provider_date",
]  # fmt: skip

EARLIEST_PROVIDER_YEAR = 2004  # no provider has older photos: an earlier date is a camera's wrong clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a provider asks of those who use its photos. A photo's own licence and credit are in its `PhotoRef`."""

    name: str  # for readers: "Mapillary"
    licence: str  # SPDX where there is one; "" where each photo says
    attribution: str  # credit of the service as a whole
    url: str  # the terms
    may_be_shown: bool = True  # whether reports and pages may show the photos


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoRef:
    """A photo that a provider says it has; all that can be absent is None. Its address is not here: those expire."""

    source_id: str
    lat: float
    lon: float
    projection: Literal["flat", "spherical"] = "flat"
    heading_deg: float | None = None  # of the camera; of the centre column where spherical
    field_of_view_deg: float | None = None
    captured: CaptureDate | None = None
    uploaded_at: str | None = None  # ISO 8601, UTC; the day where the provider tells no time zone
    width: int | None = None  # pixels, as the provider has it
    height: int | None = None
    sequence: str | None = None
    creator: str | None = None
    camera_make: str | None = None
    camera_model: str | None = None
    licence: str | None = None
    attribution: str | None = None
    page_url: str | None = None
    reason: str | None = None  # why it is of no use, by this provider's rules: "third-party", "processing" …


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A piece of ground to be asked for, degrees; asked again as its quarters when an answer is not whole."""

    west: float
    south: float
    east: float
    north: float

    @property
    def name(self) -> str:
        """What tells it from all others, the same on every run."""
        return f"{self.west:.7f},{self.south:.7f},{self.east:.7f},{self.north:.7f}"

    def quarters(self) -> tuple["Box", ...]:
        """Its four parts: south-west, south-east, north-west, north-east."""
        lon, lat = (self.west + self.east) / 2, (self.south + self.north) / 2
        return (
            Box(west=self.west, south=self.south, east=lon, north=lat),
            Box(west=lon, south=self.south, east=self.east, north=lat),
            Box(west=self.west, south=lat, east=lon, north=self.north),
            Box(west=lon, south=lat, east=self.east, north=self.north),
        )

    @property
    def side_m(self) -> float:
        """Its longer side in metres, roughly (111 195 m to a degree)."""
        return 111_195 * max(self.north - self.south, (self.east - self.west) * math.cos(math.radians(self.south)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A point to be asked for: "what is nearest to here", for providers that answer no other question."""

    sample: Sample
    radius_m: float  # within which a photo counts

    @property
    def name(self) -> str:
        """What tells it from all others: not its number, which stands for another point when the config changes."""
        return f"{self.sample.lat:.7f},{self.sample.lon:.7f},{self.radius_m:g}"


Cell = Box | Spot


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The answer to one cell. `whole` is false where the provider may have more there: ask for less at once."""

    refs: tuple[PhotoRef, ...]
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What collecting a place would ask for, before anything is asked."""

    requests: Mapping[str, int]  # by host; searches and images
    images: int
    image_bytes: int  # of all images together, from a typical size
    pace_per_s: Mapping[str, float]  # by host
    paid_images: int = 0  # those of them that cost money
    notes: tuple[str, ...] = ()

    @property
    def minutes(self) -> float:
        """At the configured pace; hosts are asked beside one another."""
        seconds = (count / self.pace_per_s[host] for host, count in self.requests.items())
        return max(seconds, default=0.0) / 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """The bytes of one photo, as they came: status, type, magic bytes and length are those of an image."""

    data: bytes
    source_id: str


class PhotoGone(Exception):  # not for the user: it becomes a row's state
    """The provider no longer has it, or it can never be kept; `reason` as it stands in the catalogue."""

    def __init__(self, reason: str, *, state: Literal["failed", "rejected", "unknown"] = "failed") -> None:
        super().__init__(reason)
        self.reason = reason
        self.state = state


class Source(Protocol):
    """A provider. Made without asking anything; safe to use from several threads."""

    name: str  # as in the config and the catalogue
    terms: Terms
    spots: bool  # whether its cells are single points, made from samples, rather than boxes over the area
    cuts_views: bool  # whether it cuts flat views of 360° photos itself, one a request

    def plan(self, area: Area, *, photos: int) -> Estimate:
        """What `photos` photos of an area would take. Asks nothing."""
        ...

    def cells(self, area: Area, samples: Sequence[Sample]) -> Iterator[Cell]:
        """What to ask, so that nothing in the area is missed (boxes) or each sample is answered (spots)."""
        ...

    def search(self, cell: Cell) -> Found:
        """The photos there; positions are not yet compared with the area. Raises Unanswered and SourceError."""
        ...

    def fetch(self, ref: PhotoRef, *, heading_deg: float | None, before: Callable[[], None]) -> Fetched:
        """The bytes of a photo; `heading_deg` is the direction of the view wanted, where the provider cuts it.

        `before` is called before every request for an image leaves. Raises PhotoGone, Unanswered, SourceError.
        """
        ...


def boxes_over(area: Area, *, side_deg: float) -> Iterator[Box]:
    """The boxes of an even lattice (multiples of `side_deg`) that touch the area, south to north, west to east."""
    west, south, east, north = area.shape.bounds
    shapely.prepare(area.shape)
    for row in range(math.floor(south / side_deg), math.ceil(north / side_deg)):
        for column in range(math.floor(west / side_deg), math.ceil(east / side_deg)):
            box = Box(
                west=max(-180.0, column * side_deg),
                south=max(-90.0, row * side_deg),
                east=min(180.0, (column + 1) * side_deg),
                north=min(90.0, (row + 1) * side_deg),
            )
            if touches(area, box):
                yield box


def touches(area: Area, box: Box) -> bool:
    """Whether any of the area lies in the box."""
    return bool(area.shape.intersects(shapely.box(box.west, box.south, box.east, box.north)))


def provider_date(moment: datetime | None, *, now: datetime) -> CaptureDate | None:
    """A provider's time of capture, UTC; None for one that cannot be (before 2004, or after now)."""
    if moment is None or moment.year < EARLIEST_PROVIDER_YEAR or moment > now:
        return None
    return CaptureDate(moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "second")
