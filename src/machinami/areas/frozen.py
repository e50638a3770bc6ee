"""Areas frozen into the catalogue: what was meant once stays, until the config says something else."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import shapely
import shapely.geometry

from machinami.areas.area import Area, polygons_of
from machinami.areas.choose import code_text
from machinami.areas.nominatim import OSM_CREDIT
from machinami.catalog import Catalog
from machinami.config import AreaConfig, PlaceConfig
from machinami.errors import InputError

__all__ = ["SettledAreas", "freeze_areas", "frozen_areas", "settle_areas"]

_FEATURES = "areas:"  # the fact that holds the features of a place's area, where it unites several


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledAreas:
    """The area of each place that has one, and what the reader should know about them."""

    areas: Mapping[str, Area]
    notes: tuple[str, ...] = ()


def settle_areas(
    catalog: Catalog, places: Sequence[PlaceConfig], read: Callable[[Sequence[PlaceConfig]], Mapping[str, Area]]
) -> SettledAreas:
    """The frozen areas where the config still says the same, and `read` for the others.

    A file is looked at again: where its polygon has changed, or it is gone, a note says that the frozen one holds.
    OpenStreetMap is not asked again. Nothing is written: see `freeze_areas`. Raises what `read` raises.
    """
    rows = catalog.areas()
    frozen: dict[str, Area] = {}
    notes: list[str] = []
    for place in places:
        if place.area is None or place.key not in rows or not _says_the_same(place.area, rows[place.key]):
            continue
        frozen[place.key] = _thawed(catalog, place.key, rows[place.key])
        if place.area.file:
            notes += _changes(place, frozen[place.key], read)
    fresh = read([place for place in places if place.key not in frozen])
    both = {**frozen, **fresh}
    return SettledAreas(areas={p.key: both[p.key] for p in places if p.key in both}, notes=tuple(notes))


def freeze_areas(catalog: Catalog, areas: Mapping[str, Area]) -> None:
    """Write the areas into the catalogue, so that what was meant stays known when the file changes."""
    for area in areas.values():
        catalog.set_area(area.place, source=area.source, code=area.code, geojson=area.geojson())
        name = f"{_FEATURES}{area.place}"
        if area.features or catalog.fact(name) is not None:
            catalog.set_fact(name, json.dumps([shapely.geometry.mapping(part) for part in area.features]))


def frozen_areas(catalog: Catalog) -> dict[str, Area]:
    """The areas that were frozen, by place, whatever the config says by now."""
    return {place: _thawed(catalog, place, row) for place, row in catalog.areas().items()}


def _says_the_same(config: AreaConfig, row: Mapping[str, Any]) -> bool:
    same_source = row["source"] == config.file if config.file else str(row["source"]).endswith(f"({OSM_CREDIT})")
    return same_source and row["code"] == code_text(config)


def _thawed(catalog: Catalog, place: str, row: Mapping[str, Any]) -> Area:
    features = json.loads(catalog.fact(f"{_FEATURES}{place}") or "[]")
    return Area(
        place=place,
        source=row["source"],
        code=row["code"],
        shape=_shape(json.loads(row["geojson"]), place),
        features=tuple(_shape(feature, place) for feature in features),
    )


def _shape(geometry: dict[str, Any], place: str) -> shapely.Polygon | shapely.MultiPolygon:
    shape = shapely.geometry.shape(geometry)
    shapely.prepare(shape)
    if isinstance(shape, shapely.Polygon | shapely.MultiPolygon):
        return shape
    return polygons_of(shape, f"the area of place {place!r} in the catalogue")


def _changes(
    place: PlaceConfig, frozen: Area, read: Callable[[Sequence[PlaceConfig]], Mapping[str, Area]]
) -> list[str]:
    """What to tell of a file that no longer holds the frozen polygon."""
    try:
        now = read([place])[place.key]
    except InputError as error:
        return [f"the area of {place.key!r} stays as it was frozen; it cannot be read afresh: {error}"]
    if now.geojson() == frozen.geojson() or now.shape.equals(frozen.shape):
        return []
    note = (
        f"{frozen.source} has changed since the area of {place.key!r} was frozen, and the frozen one holds;"
        " to take the new one save it under another name and put that into machinami.toml"
    )
    return [note]
