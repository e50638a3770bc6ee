"""The ground of one place, and which points lie inside."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from machinami.errors import InputError

__all__ = ["Area", "places_at", "polygons_of"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """The ground of one place: a polygon, or several, in degrees (WGS84, x = longitude)."""

    place: str
    source: str  # the file it comes from, or the relation of OpenStreetMap with its credit
    code: str | None  # what picked it there, e.g. "N03_007=13209" or "osm=R1759477"
    shape: shapely.Polygon | shapely.MultiPolygon
    features: tuple[shapely.Polygon | shapely.MultiPolygon, ...] = ()  # what `shape` unites, where that is several

    @property
    def parts(self) -> tuple[shapely.Polygon | shapely.MultiPolygon, ...]:
        """The areas that the place is made of: its features where there are several, else its polygons."""
        if self.features:
            return self.features
        return tuple(part for part in shapely.get_parts(self.shape) if isinstance(part, shapely.Polygon))

    def contains(self, lat: Floats, lon: Floats) -> npt.NDArray[np.bool_]:
        """Bool (N,): which points lie inside; the very edge is outside. `lat`, `lon`: float64 (N,), degrees."""
        return np.asarray(shapely.contains_xy(self.shape, np.asarray(lon, float), np.asarray(lat, float)))

    def geojson(self) -> str:
        """The polygon as a GeoJSON geometry."""
        return str(shapely.to_geojson(self.shape))


def places_at(areas: Mapping[str, Area], lat: Floats, lon: Floats) -> list[tuple[str, ...]]:
    """For each point the keys of the areas it lies in: none, one, or several where areas overlap."""
    names = list(areas)
    inside = np.column_stack([areas[name].contains(lat, lon) for name in names])
    return [tuple(name for name, hit in zip(names, row, strict=True) if hit) for row in inside]


def polygons_of(shape: shapely.Geometry, where: str) -> shapely.Polygon | shapely.MultiPolygon:
    """The parts of a shape that have an area, united: repairing can leave lines and points behind.

    Raises InputError, which begins with `where`, when no part has one.
    """
    parts = [part for part in shapely.get_parts(shape) if isinstance(part, shapely.Polygon)]
    nested = [p for part in shapely.get_parts(shape) if isinstance(part, shapely.MultiPolygon) for p in part.geoms]
    united = shapely.union_all([*parts, *nested])
    if not isinstance(united, shapely.Polygon | shapely.MultiPolygon) or united.is_empty or united.area == 0:
        raise InputError(f"{where}: the polygon is empty")
    shapely.prepare(united)
    return united
