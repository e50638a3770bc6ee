"""A seeded world of photos over a piece of Tokyo: what all three servers have to offer, and the truth for tests."""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from random import Random

from tests.servers.chance import chance

__all__ = ["BBOX", "YEAR_318857_MS", "World", "WorldPhoto", "distance_m", "utc"]

BBOX = (139.755, 35.655, 139.785, 35.685)  # west, south, east, north: 2.7 km by 3.3 km
YEAR_318857_MS = int((318857 - 1970) * 365.2425 * 86_400_000)  # a provider has served this year
_M_PER_DEG = 111_195
_INDEX_DEG = 0.001
_CAMERAS = (("Apple", "iPhone 13 Mini", False), ("GoPro", "HERO5 Black", False), ("none", "none", True))
_CREATORS = ("filipb", "madflex", "ZXStreetview", "街の写真", "o'neill <b>", "tobi7524")
_OPTIONAL = ("captured_at", "heading", "creator", "camera", "sequence", "size", "computed")
_ODD_TIMES_MS = (YEAR_318857_MS, 0, 32_503_680_000_000)  # the years 318857, 1970, 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldPhoto:
    """One photo. `lat`, `lon` are what the camera said; `computed_*` is where it really stood."""

    number: int
    lat: float
    lon: float
    computed_lat: float
    computed_lon: float
    heading_deg: float
    captured_ms: int  # since 1970, UTC; may be impossible
    uploaded_ms: int
    sequence: int
    frame: int
    creator: str
    make: str
    model: str
    spherical: bool
    absent: frozenset[str]  # what its provider does not tell of it

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the original, pixels."""
        return (7680, 3840) if self.spherical else (4032, 3024)


class World:
    """`photos` photos in walks over `bbox` (west, south, east, north), the same for the same arguments.

    A share `dense` of them lies within 150 m of the middle. Walks do not stop at the border, so that some photos
    lie outside. A share `incomplete` lacks a field, and a share `odd_dates` has an impossible date.
    """

    def __init__(
        self,
        *,
        photos: int = 1000,
        seed: int = 0,
        bbox: tuple[float, float, float, float] = BBOX,
        dense: float = 0.2,
        incomplete: float = 0.1,
        odd_dates: float = 0.01,
    ) -> None:
        self.seed, self.bbox = seed, bbox
        self._dense, self._incomplete, self._odd_dates = dense, incomplete, odd_dates
        self.photos = tuple(islice(self._walk(Random(f"world {seed}")), photos))
        self.sequences: dict[int, list[WorldPhoto]] = defaultdict(list)
        self._cells: dict[tuple[int, int], list[WorldPhoto]] = defaultdict(list)
        for photo in self.photos:
            self.sequences[photo.sequence].append(photo)
            self._cells[_cell(photo.lat, photo.lon)].append(photo)

    def chance(self, what: str, number: int) -> float:
        """A number in 0 … 1 for this photo: servers compare it with the share of photos to which something happens."""
        return chance(self.seed, what, number)

    def within(self, west: float, south: float, east: float, north: float) -> list[WorldPhoto]:
        """The photos in a box by what the camera said, edges included, by number."""
        (bottom, left), (top, right) = _cell(south, west), _cell(north, east)
        if (top - bottom + 1) * (right - left + 1) > len(self._cells):
            candidates: Iterator[WorldPhoto] = iter(self.photos)
        else:
            keys = ((row, column) for row in range(bottom, top + 1) for column in range(left, right + 1))
            candidates = (photo for key in keys for photo in self._cells.get(key, ()))
        inside = (photo for photo in candidates if west <= photo.lon <= east and south <= photo.lat <= north)
        return sorted(inside, key=lambda photo: photo.number)

    def near(self, lat: float, lon: float, radius_m: float) -> list[WorldPhoto]:
        """The photos within so many metres, nearest first."""
        high = radius_m / _M_PER_DEG * 1.01
        wide = high / max(0.01, math.cos(math.radians(lat)))
        box = self.within(lon - wide, lat - high, lon + wide, lat + high)
        reached = ((distance_m(lat, lon, photo.lat, photo.lon), photo.number, photo) for photo in box)
        return [photo for distance, _, photo in sorted(reached) if distance <= radius_m]

    def _walk(self, random: Random) -> Iterator[WorldPhoto]:
        number = 0
        for sequence in range(1 << 30):
            lat, lon = self._start(random)
            direction = random.choice((0, 90, 180, 270)) + random.gauss(12, 3)  # streets are straight
            make, model, spherical = random.choices(_CAMERAS, (6, 2, 2))[0]
            creator = random.choice(_CREATORS)
            sideways = random.choice((0, 0, 0, 90))
            began_ms = random.randrange(1_400_000_000_000, 1_750_000_000_000, 1000)
            for frame in range(random.randint(8, 40)):
                lat, lon = _step(lat, lon, direction, random.uniform(8, 15))
                off_m = abs(random.gauss(0, 3 if random.random() > 0.01 else 80))
                computed_lat, computed_lon = _step(lat, lon, random.uniform(0, 360), off_m)
                yield WorldPhoto(
                    number=number,
                    lat=round(lat, 9),
                    lon=round(lon, 9),
                    computed_lat=round(computed_lat, 12),
                    computed_lon=round(computed_lon, 12),
                    heading_deg=round((direction + sideways + random.gauss(0, 4)) % 360, 5),
                    captured_ms=self._time(number, began_ms + frame * 4000),
                    uploaded_ms=began_ms + 14 * 86_400_000 + frame * 1000,
                    sequence=sequence,
                    frame=frame,
                    creator=creator,
                    make=make,
                    model=model,
                    spherical=spherical,
                    absent=self._absent(number),
                )
                number += 1

    def _start(self, random: Random) -> tuple[float, float]:
        west, south, east, north = self.bbox
        if random.random() < self._dense:
            return _step((south + north) / 2, (west + east) / 2, random.uniform(0, 360), random.uniform(0, 100))
        return random.uniform(south, north), random.uniform(west, east)

    def _time(self, number: int, plain_ms: int) -> int:
        if self.chance("odd date", number) >= self._odd_dates:
            return plain_ms
        return _ODD_TIMES_MS[number % len(_ODD_TIMES_MS)]

    def _absent(self, number: int) -> frozenset[str]:
        if self.chance("incomplete", number) >= self._incomplete:
            return frozenset()
        if self.chance("bare", number) < 0.05:
            return frozenset(_OPTIONAL)
        return frozenset({_OPTIONAL[number % len(_OPTIONAL)]})


def distance_m(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Metres along the sphere (haversine)."""
    rise = math.sin(math.radians(other_lat - lat) / 2) ** 2
    turn = math.sin(math.radians(other_lon - lon) / 2) ** 2
    inner = rise + math.cos(math.radians(lat)) * math.cos(math.radians(other_lat)) * turn
    return 2 * 6_371_009 * math.asin(min(1.0, math.sqrt(inner)))


def utc(milliseconds: int) -> datetime | None:
    """The moment, or None where the calendar ends before it."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _cell(lat: float, lon: float) -> tuple[int, int]:
    return math.floor(lat / _INDEX_DEG), math.floor(lon / _INDEX_DEG)


def _step(lat: float, lon: float, direction_deg: float, metres: float) -> tuple[float, float]:
    north = metres * math.cos(math.radians(direction_deg)) / _M_PER_DEG
    east = metres * math.sin(math.radians(direction_deg)) / _M_PER_DEG
    return lat + north, lon + east / math.cos(math.radians(lat))
