"""Positions on the ground: latitude before longitude, WGS84, and metres."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pyproj import Transformer

__all__ = ["EARTH_RADIUS_M", "LatLon", "LocalPlane", "check_lat_lon", "ground_distance_m"]

EARTH_RADIUS_M = 6_371_009.0  # mean radius R1 of WGS84 (IUGG)

Floats = npt.NDArray[np.float64]


class LatLon(NamedTuple):
    """A point in degrees, WGS84."""

    lat: float
    lon: float


def check_lat_lon(lat: float, lon: float) -> str | None:
    """What is wrong with a position, or None. (0, 0) is what broken receivers write, so it counts as wrong."""
    if not (math.isfinite(lat) and math.isfinite(lon)):
        return "the position is not a finite number"
    if not -90 <= lat <= 90:
        return f"latitude {lat:g} is outside -90 … 90"
    if not -180 <= lon <= 180:
        return f"longitude {lon:g} is outside -180 … 180"
    if lat == 0 and lon == 0:
        return "position 0, 0 is what a receiver without a fix writes"
    return None


def ground_distance_m(a: LatLon, b: LatLon) -> float:
    """Metres along the sphere (haversine, R = 6 371 009 m); within 0.6 % of WGS84.

    >>> round(ground_distance_m(LatLon(35.5466, 139.4388), LatLon(35.6706, 139.7720)))  # 町田市 to 中央区
    33128
    """
    lat_a, lon_a, lat_b, lon_b = map(math.radians, (*a, *b))
    h = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(h)))


@dataclass(frozen=True, slots=True)
class LocalPlane:
    """Metres east and north of an origin; equal-area near it (Lambert azimuthal, WGS84)."""

    origin: LatLon

    def to_metres(self, lat: Floats, lon: Floats) -> Floats:
        """float64 (N, 2): metres east, metres north. `lat`, `lon`: float64 (N,), degrees."""
        east, north = self._transformer().transform(np.asarray(lon, float), np.asarray(lat, float))
        return np.column_stack([east, north])

    def to_lat_lon(self, east_north_m: Floats) -> Floats:
        """float64 (N, 2): latitude, longitude in degrees, from metres east and north."""
        points = np.asarray(east_north_m, float).reshape(-1, 2)
        lon, lat = self._transformer().transform(points[:, 0], points[:, 1], direction="INVERSE")
        return np.column_stack([lat, lon])

    def _transformer(self) -> Transformer:
        crs = f"+proj=laea +lat_0={self.origin.lat!r} +lon_0={self.origin.lon!r} +datum=WGS84 +units=m"
        return _transformer(crs)


@lru_cache(maxsize=64)
def _transformer(crs: str) -> Transformer:
    return Transformer.from_crs("EPSG:4326", crs, always_xy=True)
