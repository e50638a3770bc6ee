"""Features of a GeoJSON file."""

import json
from pathlib import Path
from typing import Any

from machinami.areas.features import Feature
from machinami.errors import InputError

__all__ = ["read_geojson"]

_GEOMETRIES = frozenset({"Polygon", "MultiPolygon", "LineString", "MultiLineString"})


def read_geojson(path: Path) -> list[Feature]:
    """The features of a FeatureCollection, a Feature or a bare geometry. Raises InputError."""
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: the file cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start}), so no GeoJSON") from error
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: not JSON ({error}); a map is read from GeoJSON, GeoPackage (.gpkg) or Shapefile (.shp, .zip)"
        ) from error
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "FeatureCollection" and isinstance(value.get("features"), list):
        features = value["features"]
    elif kind == "Feature":
        features = [value]
    elif kind in _GEOMETRIES:
        features = [{"type": "Feature", "properties": {}, "geometry": value}]
    else:
        raise InputError(f"{path}: not GeoJSON (a FeatureCollection of polygons), its type is {kind!r}")
    if not features or not all(isinstance(feature, dict) for feature in features):
        raise InputError(f"{path}: the GeoJSON has no features")
    return [Feature(_table(f.get("properties")) or {}, _table(f.get("geometry"))) for f in features]


def _table(value: object) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None
