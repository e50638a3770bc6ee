"""Which of its place's areas each photo lies in: the units of the strategy "areas"."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely

from machinami.areas import Area
from machinami.geo import LatLon
from machinami.split.photo import SplitArea, SplitPhoto

__all__ = ["find_areas"]

_MOST_CORNERS = 100  # enough to know an area again on a map


def find_areas(photos: Sequence[SplitPhoto], areas: dict[str, Area]) -> list[SplitPhoto]:
    """The same photos, each with its area; None where it has no position or lies in none of its place's areas.

    The edge belongs to an area, since areas of one place touch; of several that a photo lies in it gets the first.
    """
    rows_of: dict[str, list[int]] = {}
    for row, photo in enumerate(photos):
        if photo.lat is not None and photo.lon is not None:
            rows_of.setdefault(photo.place, []).append(row)
    found = list(photos)
    for place in rows_of.keys() & areas.keys():
        parts = areas[place].parts
        units = [_unit(number, part) for number, part in enumerate(parts)]
        rows = np.array(rows_of[place])
        lat_lon = np.array([(photos[row].lat, photos[row].lon) for row in rows], float)
        part_of = np.full(len(rows), -1)
        for number, part in enumerate(parts):
            left = np.flatnonzero(part_of < 0)
            shapely.prepare(part)
            part_of[left[shapely.intersects_xy(part, lat_lon[left, 1], lat_lon[left, 0])]] = number
        for row, number in zip(rows.tolist(), part_of.tolist(), strict=True):
            if number >= 0:
                found[row] = replace(photos[row], area=units[number])
    return found


def _unit(number: int, part: shapely.Polygon | shapely.MultiPolygon) -> SplitArea:
    middle = shapely.point_on_surface(part)
    return SplitArea(name=f"{number:04d}", centre=_rounded(middle.y, middle.x), corners=_outline(part))


def _outline(part: shapely.Polygon | shapely.MultiPolygon) -> tuple[LatLon, ...]:
    """The edge of the largest polygon, without what a map would not show, not closed."""
    largest = max((p for p in shapely.get_parts(part) if isinstance(p, shapely.Polygon)), key=lambda p: p.area)
    west, south, east, north = largest.bounds
    tolerance, ring = max(east - west, north - south) / 1000, list(largest.exterior.coords)
    while len(ring) > _MOST_CORNERS:
        ring = list(largest.exterior.simplify(tolerance).coords)
        tolerance *= 2
    return tuple(_rounded(lat, lon) for lon, lat, *_ in ring[:-1])


def _rounded(lat: float, lon: float) -> LatLon:
    return LatLon(round(lat, 7), round(lon, 7))
