"""Which features of a file make a place's area; a name that fits several places is never guessed."""

import difflib
import re
from collections.abc import Mapping, Sequence

import shapely
from shapely.geometry.base import BaseGeometry

from machinami.areas.area import Area, polygons_of
from machinami.areas.features import Feature, column_text, feature_shape
from machinami.config import AreaConfig
from machinami.errors import AmbiguousArea, InputError

__all__ = ["choose_area", "code_text", "options"]

_ANY = "*"
_SHOWN = 8  # values or names listed in a message
_POLYGONS = frozenset({"Polygon", "MultiPolygon"})
# Columns whose values tell one place from another: N03_007 is the municipality code of Japan's N03 boundaries.
_CODE = re.compile(r"N03_007|.*code(_?\d+)?|.*コード.*|(.*_)?(cd|gid|id)(_.*|\d*)", re.IGNORECASE)
_ROW_NUMBERS = frozenset({"id", "fid", "gml_id", "ogc_fid", "feature_id"})  # one for each polygon, whatever it shows
_PREFECTURE = "N03_001"


def choose_area(place: str, config: AreaConfig, features: Sequence[Feature]) -> Area:
    """The features that match `config.where`, united.

    Raises InputError, with what there is, for a column or a value that does not occur, and AmbiguousArea where
    the match holds several codes without `where` naming the code's column.
    """
    where = f"the area of place {place!r} ({config.file})"
    chosen = list(features)
    for name, wanted in config.where.items():
        chosen = _matching(chosen, name, wanted, where)
    if not config.where and len(features) > 1:
        raise InputError(
            f"{where}: the file has {len(features)} features, so say which"
            f" (where = {{ NAME = VALUE }}){options('', _columns(features))}"
        )
    if config.where:
        _check_one_place(chosen, config.where, where)
    shapes = [feature_shape(f, where, kinds=_POLYGONS, wanted="a Polygon or MultiPolygon") for f in chosen]
    united = polygons_of(shapely.union_all(shapes), where)
    apart = _apart(chosen, shapes, config.where)
    several = tuple(polygons_of(shapely.union_all(each), where) for each in apart) if len(apart) > 1 else ()
    return Area(place=place, source=config.file, code=code_text(config), shape=united, features=several)


def _apart(
    chosen: Sequence[Feature], shapes: Sequence[BaseGeometry], asked: Mapping[str, str]
) -> list[list[BaseGeometry]]:
    """The shapes of each area that a place is made of: a feature, or all of a value where `"*"` asks for any."""
    starred = [name for name, wanted in asked.items() if wanted == _ANY]
    apart: dict[tuple[object, ...], list[BaseGeometry]] = {}
    for number, (feature, shape) in enumerate(zip(chosen, shapes, strict=True)):
        if shape.area > 0:
            key = tuple(_value(feature, name) for name in starred) if starred else (number,)
            apart.setdefault(key, []).append(shape)
    return list(apart.values())


def code_text(config: AreaConfig) -> str | None:
    """What picks the area at its source, e.g. "N03_007=13209"; None for the only feature of a file."""
    if config.osm:
        return f"osm={config.osm}"
    if config.query:
        return f"query={config.query}"
    return ", ".join(f"{name}={value}" for name, value in config.where.items()) or None


def _matching(features: list[Feature], name: str, wanted: str, where: str) -> list[Feature]:
    have = [feature for feature in features if feature.properties.get(name) is not None]
    if not have:
        raise InputError(f"{where}: no feature has a property {name!r}{options(name, _columns(features))}")
    chosen = [f for f in have if wanted == _ANY or column_text(f.properties[name]) == wanted]
    if not chosen:
        values = sorted({column_text(feature.properties[name]) for feature in have})
        raise InputError(f"{where}: no feature has {name} = {wanted!r}{options(wanted, values)}")
    return chosen


def _columns(features: Sequence[Feature]) -> list[str]:
    return sorted({name for feature in features for name in feature.properties})


def options(wanted: str, there: Sequence[str]) -> str:
    """What there is, the nearest first, as the end of a message."""
    if not there:
        return "; there are none"
    near = difflib.get_close_matches(wanted, there, n=3, cutoff=0.6)
    shown = [*near, *(value for value in there if value not in near)][:_SHOWN]
    more = f" … ({len(there)} in all)" if len(there) > len(shown) else ""
    return f"; there are {', '.join(map(repr, shown))}{more}"


def _is_code(column: str) -> bool:
    return column.lower() not in _ROW_NUMBERS and _CODE.fullmatch(column) is not None


def _check_one_place(chosen: list[Feature], asked: Mapping[str, str], where: str) -> None:
    """Raises AmbiguousArea where the match spreads over several codes or prefectures and no code was asked for."""
    if any(_is_code(name) for name in asked):
        return
    telling = [name for name in _columns(chosen) if _is_code(name) or name == _PREFECTURE]
    telling.sort(key=lambda name: not _is_code(name))  # codes first: they are what to write
    found: dict[tuple[str, ...], Feature] = {}
    for feature in chosen:
        found.setdefault(tuple(_value(feature, name) for name in telling), feature)
    differing = [name for i, name in enumerate(telling) if len({key[i] for key in found}) > 1]
    if not differing:
        return
    name = differing[0]
    codes = sorted({_value(feature, name) for feature in chosen} - {""})
    said = ", ".join(f"{column} = {value!r}" for column, value in asked.items())
    raise AmbiguousArea(
        f"{where}: {said} fits {len(found)} places",
        [_described(feature, name) for _, feature in sorted(found.items())],
        remedy=f'write which, e.g. where = {{ {name} = "{codes[0]}" }}; '
        f'all of them together are where = {{ {_as_asked(asked)}, {name} = "{_ANY}" }}',
    )


def _value(feature: Feature, name: str) -> str:
    return column_text(feature.properties.get(name) or "")


def _described(feature: Feature, name: str) -> str:
    others = [
        f"{column} = {column_text(value)}"
        for column, value in feature.properties.items()
        if column != name and value not in (None, "") and isinstance(value, str | int | float)
    ]
    return f"{name} = {_value(feature, name)}" + (f" ({', '.join(others[:_SHOWN])})" if others else "")


def _as_asked(asked: Mapping[str, str]) -> str:
    return ", ".join(f'{column} = "{value}"' for column, value in asked.items())
