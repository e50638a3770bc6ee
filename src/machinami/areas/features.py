"""Features of a map file, with their columns: what is common to GeoJSON and the formats that GDAL reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import shapely
import shapely.geometry
from shapely.geometry.base import BaseGeometry

from machinami.errors import InputError

__all__ = ["Feature", "column_text", "feature_shape"]

_AROUND_THE_EARTH = [180, 90, 180, 90]


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing on the map; its geometry is parsed only when it is wanted."""

    properties: Mapping[str, Any]
    geometry: dict[str, Any] | bytes | None  # GeoJSON, or WKB
    crs: str = ""  # of the coordinates, as pyproj reads it; WGS84 degrees where empty


def column_text(value: object) -> str:
    """A column's value as `where` compares it: a whole number without its fraction, which a table may add.

    >>> column_text(13209.0), column_text("01204"), column_text(2.5)
    ('13209', '01204', '2.5')
    """
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def feature_shape(feature: Feature, where: str, *, kinds: frozenset[str], wanted: str) -> BaseGeometry:
    """The feature's geometry in WGS84 degrees; a broken polygon is repaired.

    `kinds` are the geometry types that will do, `wanted` says so in words. Raises InputError, beginning with `where`.
    """
    shape = _parsed(feature.geometry, where, kinds, wanted)
    if feature.crs:
        shape = shapely.transform(shape, lambda xy: _to_degrees(feature.crs, xy, where))
    bounds = np.asarray(shape.bounds)
    if not shape.is_empty and not (np.abs(bounds) <= _AROUND_THE_EARTH).all():  # false for NaN as well
        raise InputError(
            f"{where}: coordinates reach {bounds.tolist()}, which are no degrees;"
            " GeoJSON wants longitude before latitude, WGS84"
        )
    return shape if shape.is_valid else shapely.make_valid(shape)


def _parsed(geometry: dict[str, Any] | bytes | None, where: str, kinds: frozenset[str], wanted: str) -> BaseGeometry:
    try:
        if isinstance(geometry, bytes):
            shape = shapely.force_2d(shapely.from_wkb(geometry))
            kind: object = shape.geom_type
        else:
            kind = geometry.get("type") if geometry is not None else None
            shape = shapely.geometry.shape(geometry) if kind in kinds and geometry is not None else shapely.Point()
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, shapely.GEOSException) as error:
        raise InputError(f"{where}: the coordinates cannot be read ({error})") from error
    if kind not in kinds:
        raise InputError(f"{where}: {wanted} is needed, this feature is {kind!r}")
    return shape


def _to_degrees(crs: str, xy: npt.NDArray[np.float64], where: str) -> npt.NDArray[np.float64]:
    try:
        lon, lat = _transformer(crs).transform(xy[:, 0], xy[:, 1])
    except pyproj.exceptions.ProjError as error:
        raise InputError(f"{where}: its coordinate system cannot be turned into WGS84 ({error})") from error
    return np.column_stack([lon, lat])


@lru_cache(maxsize=8)
def _transformer(crs: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
