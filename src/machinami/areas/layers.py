"""Features of a GeoPackage or a Shapefile, read by GDAL (pyogrio)."""

import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from machinami.areas.features import Feature
from machinami.errors import InputError

__all__ = ["read_layer"]

_MAGIC = {".gpkg": b"SQLite format 3\0", ".shp": b"\0\0\x27\x0a"}  # GDAL guesses by content: it gets what it is named

_BYTES = "ISO-8859-1"  # gives each byte a character of its own: texts that are decoded later


def read_layer(path: Path) -> list[Feature]:
    """The features of a file with one layer of shapes.

    Raises InputError for a file that cannot be read, has several layers, or does not say its coordinate system.
    """
    try:
        source, members = _source(path)
    except zipfile.BadZipFile as error:
        raise InputError(f"{path}: is no zip file ({error})") from error
    except OSError as error:
        raise InputError(f"{path}: the file cannot be read ({error.strerror or error})") from error
    is_told = path.suffix.lower() == ".gpkg" or ".cpg" in members
    features = _read(source, path, encoding=None if is_told else _BYTES)
    return features if is_told else _decoded(features, path)


def _source(path: Path) -> tuple[str, set[str]]:
    """What GDAL is asked to open, and the suffixes of the files that belong to it."""
    if path.suffix.lower() != ".zip":
        with path.open("rb") as file:
            _check_magic(path.suffix.lower(), path, file.read(16))
        return str(path), {beside.suffix.lower() for beside in path.parent.glob(f"{path.stem}.*")}
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        found = [name for name in names if name.lower().endswith(".shp")]
        if len(found) != 1:
            raise InputError(
                f"{path}: a zip file with one Shapefile is wanted, this one has {len(found)}"
                f"{': ' + ', '.join(found[:8]) if found else ''}; unpack it and name the file"
            )
        with archive.open(found[0]) as file:
            _check_magic(".shp", path, file.read(16))
    stem = found[0][:-4]
    inside = {name[len(stem) :].lower() for name in names if name.startswith(f"{stem}.")}
    return f"/vsizip/{{{path.absolute()}}}/{found[0]}", inside


def _check_magic(suffix: str, path: Path, start: bytes) -> None:
    if not start.startswith(_MAGIC[suffix]):
        what = "GeoPackage" if suffix == ".gpkg" else "Shapefile"
        raise InputError(f"{path}: is no {what}, whatever its name says")


def _layer(source: str, path: Path) -> str:
    """The one layer with shapes."""
    import pyogrio

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GDAL's remarks about a damaged file, which then fails or not
            layers = pyogrio.list_layers(source)
    except pyogrio.errors.DataSourceError as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    names = [str(name) for name, kind in layers if kind is not None]
    if len(names) != 1:
        there = f": {', '.join(names[:8])}; save the one you want as a file of its own" if names else ""
        raise InputError(f"{path}: one layer with shapes is wanted, there are {len(names)}{there}")
    return names[0]


def _read(source: str, path: Path, *, encoding: str | None) -> list[Feature]:
    import pyogrio
    import pyogrio.raw

    layer = _layer(source, path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            meta, _, geometries, columns = pyogrio.raw.read(
                source, layer=layer, encoding=encoding, force_2d=True, datetime_as_string=True
            )
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: its texts are not {error.encoding}, whatever its .cpg file says") from error
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FieldError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    return _features(path, meta, geometries, columns)


def _features(path: Path, meta: dict[str, Any], geometries: Any, columns: list[Any]) -> list[Feature]:
    crs = meta["crs"]
    if not crs:
        raise InputError(
            f"{path}: does not say its coordinate system (a Shapefile does in its .prj file);"
            " set it in the program that made the file, e.g. in QGIS, and save again"
        )
    if len(geometries) == 0:
        raise InputError(f"{path}: the file has no features")
    names = [str(name) for name in meta["fields"]]
    rows = zip(*(column.tolist() for column in columns), strict=True) if columns else ([] for _ in geometries)
    return [
        Feature({name: value for name, value in zip(names, row, strict=True) if not _is_absent(value)}, shape, crs)
        for row, shape in zip(rows, geometries, strict=True)
    ]


def _decoded(features: list[Feature], path: Path) -> list[Feature]:
    """A Shapefile without a .cpg does not say how its texts are written: UTF-8, or CP932 as often in Japan."""
    for encoding in ("utf-8", "cp932"):
        try:
            return [replace(feature, properties=_texts(feature.properties, encoding)) for feature in features]
        except UnicodeDecodeError:
            continue
    raise InputError(f"{path}: its texts are neither UTF-8 nor CP932; save it as a GeoPackage")


def _texts(properties: Mapping[str, Any], encoding: str) -> dict[str, Any]:
    def decode(value: Any) -> Any:
        return value.encode(_BYTES).decode(encoding) if isinstance(value, str) else value

    return {decode(name): decode(value) for name, value in properties.items()}


def _is_absent(value: object) -> bool:
    return value is None or (isinstance(value, float) and bool(np.isnan(value)))
