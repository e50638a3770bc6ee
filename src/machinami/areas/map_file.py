"""A map file, whichever of the known formats it has."""

from pathlib import Path

from machinami.areas.features import Feature
from machinami.areas.geojson import read_geojson
from machinami.areas.layers import read_layer

__all__ = ["read_features"]

_LAYER_SUFFIXES = frozenset({".gpkg", ".shp", ".zip"})


def read_features(path: Path) -> list[Feature]:
    """The features of a GeoJSON, GeoPackage or Shapefile (also zipped), told apart by the file's suffix.

    Raises InputError for a file that cannot be read or is none of them.
    """
    if path.suffix.lower() in _LAYER_SUFFIXES:
        return read_layer(path)
    return read_geojson(path)
