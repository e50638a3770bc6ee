"""The polygon of each place, from the GeoJSON that the config names, and which points lie inside."""

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
import shapely.geometry

from machinami.catalog import Catalog
from machinami.config import AreaConfig, PlaceConfig
from machinami.errors import InputError

__all__ = ["Area", "freeze_areas", "places_at", "read_areas"]

Floats = npt.NDArray[np.float64]
_SHOWN = 8  # values or names listed in a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """The ground of one place: a polygon, or several, in degrees (WGS84, x = longitude)."""

    place: str
    source: str  # the file it comes from
    code: str | None  # what picked it there, e.g. "N03_007=13209"
    shape: shapely.Polygon | shapely.MultiPolygon

    def contains(self, lat: Floats, lon: Floats) -> npt.NDArray[np.bool_]:
        """Bool (N,): which points lie inside; the very edge is outside. `lat`, `lon`: float64 (N,), degrees."""
        return np.asarray(shapely.contains_xy(self.shape, np.asarray(lon, float), np.asarray(lat, float)))

    def geojson(self) -> str:
        """The polygon as a GeoJSON geometry."""
        return str(shapely.to_geojson(self.shape))


def read_areas(places: Sequence[PlaceConfig], root: Path) -> dict[str, Area]:
    """The area of each place that has one, in the order of `places`; files are relative to `root`.

    Features that match are united; broken rings are repaired. Raises InputError for a file that cannot be read
    or is no GeoJSON in degrees, and, with what there is, for a property or a value that does not occur.
    """
    files: dict[str, list[_Feature]] = {}
    areas = {}
    for place in places:
        if place.area is None:
            continue
        if place.area.file not in files:
            files[place.area.file] = _read_features(root / place.area.file)
        areas[place.key] = _area(place.key, place.area, files[place.area.file])
    return areas


def freeze_areas(catalog: Catalog, areas: Mapping[str, Area]) -> None:
    """Write the areas into the catalogue, so that what was meant stays known when the file changes."""
    for area in areas.values():
        catalog.set_area(area.place, source=area.source, code=area.code, geojson=area.geojson())


def places_at(areas: Mapping[str, Area], lat: Floats, lon: Floats) -> list[tuple[str, ...]]:
    """For each point the keys of the areas it lies in: none, one, or several where areas overlap."""
    names = list(areas)
    inside = np.column_stack([areas[name].contains(lat, lon) for name in names])
    return [tuple(name for name, hit in zip(names, row, strict=True) if hit) for row in inside]


@dataclass(frozen=True, slots=True)
class _Feature:
    properties: Mapping[str, Any]
    geometry: dict[str, Any] | None


def _read_features(path: Path) -> list[_Feature]:
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: the areas cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start}), so no GeoJSON") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({error}); an area is read from a GeoJSON file") from error
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "FeatureCollection" and isinstance(value.get("features"), list):
        features = value["features"]
    elif kind == "Feature":
        features = [value]
    elif kind in {"Polygon", "MultiPolygon"}:
        features = [{"type": "Feature", "properties": {}, "geometry": value}]
    else:
        raise InputError(f"{path}: not GeoJSON (a FeatureCollection of polygons), its type is {kind!r}")
    if not features or not all(isinstance(feature, dict) for feature in features):
        raise InputError(f"{path}: the GeoJSON has no features")
    return [_Feature(_table(f.get("properties")) or {}, _table(f.get("geometry"))) for f in features]


def _table(value: object) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


def _area(place: str, config: AreaConfig, features: list[_Feature]) -> Area:
    where = f"the area of place {place!r} ({config.file})"
    chosen = features
    for name, wanted in config.where.items():
        have = [feature for feature in chosen if name in feature.properties]
        if not have:
            raise InputError(f"{where}: no feature has a property {name!r}{_names(chosen, name)}")
        chosen = [feature for feature in have if str(feature.properties[name]) == wanted]
        if not chosen:
            values = sorted({str(feature.properties[name]) for feature in have})
            raise InputError(f"{where}: no feature has {name} = {wanted!r}{_options(wanted, values)}")
    if not config.where and len(features) > 1:
        raise InputError(
            f"{where}: the file has {len(features)} features, so say which"
            f" (where = {{ NAME = VALUE }}){_names(features, '')}"
        )
    code = ", ".join(f"{name}={value}" for name, value in config.where.items()) or None
    shapes = [_shape(feature, where) for feature in chosen]
    return Area(place=place, source=config.file, code=code, shape=_polygons(shapely.union_all(shapes), where))


def _names(features: list[_Feature], wanted: str) -> str:
    return _options(wanted, sorted({name for feature in features for name in feature.properties}))


def _options(wanted: str, there: list[str]) -> str:
    """What there is, the nearest first."""
    if not there:
        return "; there are none"
    near = difflib.get_close_matches(wanted, there, n=3, cutoff=0.6)
    shown = [*near, *(value for value in there if value not in near)][:_SHOWN]
    more = f" … ({len(there)} in all)" if len(there) > len(shown) else ""
    return f"; there are {', '.join(map(repr, shown))}{more}"


def _shape(feature: _Feature, where: str) -> shapely.Geometry:
    geometry = feature.geometry
    kind = geometry.get("type") if geometry is not None else None
    if geometry is None or kind not in {"Polygon", "MultiPolygon"}:
        raise InputError(f"{where}: a place needs a Polygon or MultiPolygon, this feature is {kind!r}")
    try:
        shape = shapely.geometry.shape(geometry)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, shapely.GEOSException) as error:
        raise InputError(f"{where}: the polygon's coordinates cannot be read ({error})") from error
    bounds = np.asarray(shape.bounds)
    if not shape.is_empty and not (np.abs(bounds) <= [180, 90, 180, 90]).all():  # false for NaN as well
        raise InputError(
            f"{where}: coordinates reach {bounds.tolist()}, which are no degrees;"
            " GeoJSON wants longitude before latitude, WGS84"
        )
    return shape if shape.is_valid else shapely.make_valid(shape)


def _polygons(shape: shapely.Geometry, where: str) -> shapely.Polygon | shapely.MultiPolygon:
    """The parts with an area: repairing can leave lines and points behind."""
    parts = [part for part in shapely.get_parts(shape) if isinstance(part, shapely.Polygon)]
    nested = [p for part in shapely.get_parts(shape) if isinstance(part, shapely.MultiPolygon) for p in part.geoms]
    united = shapely.union_all([*parts, *nested])
    if not isinstance(united, shapely.Polygon | shapely.MultiPolygon) or united.is_empty or united.area == 0:
        raise InputError(f"{where}: the polygon is empty")
    shapely.prepare(united)
    return united
