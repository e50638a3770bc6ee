"""What Nominatim, OpenStreetMap's gazetteer, is asked, and what its answers mean. Nothing here touches the network."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from typing import NamedTuple, Protocol
from urllib.parse import urlencode

import shapely

from machinami import __version__
from machinami.areas.area import Area, polygons_of
from machinami.areas.choose import code_text
from machinami.areas.features import Feature, feature_shape
from machinami.config import AreaConfig
from machinami.errors import AmbiguousArea, InputError

__all__ = [
    "OSM_CREDIT",
    "BadAnswer",
    "Fetch",
    "Relation",
    "Reply",
    "build_url",
    "parse_answer",
    "pick_area",
    "user_agent",
]

OSM_CREDIT = "© OpenStreetMap contributors, ODbL"
_POLYGONS = frozenset({"Polygon", "MultiPolygon"})
_CANDIDATES = 10  # a name that fits more is no name


class Reply(NamedTuple):
    """What a server answered."""

    status: int
    headers: Mapping[str, str]  # names in small letters
    body: bytes


class Fetch(Protocol):
    """Asks for an address once, follows no redirect. Raises OSError (TimeoutError …) when no whole answer comes."""

    def __call__(self, url: str, headers: Mapping[str, str], /) -> Reply:
        """The reply, whatever its status."""
        ...


class BadAnswer(ValueError):
    """A body that is not what was asked for; not to be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A relation of OpenStreetMap that has a polygon."""

    osm: str  # "R1759477"
    name: str
    kind: str  # e.g. "administrative"
    feature: Feature


def user_agent() -> str:
    """Who asks, as Nominatim's usage policy wants it: the program, its version, and where to find it."""
    try:
        urls = metadata("machinami").get_all("Project-URL") or []
    except PackageNotFoundError:
        urls = []
    address = urls[0].rpartition(",")[2].strip() if urls else ""
    return f"Machinami/{__version__}" + (f" (+{address})" if address else "")


def build_url(config: AreaConfig, base_url: str) -> str:
    """The address that answers for an area with `osm` or `query`.

    >>> build_url(AreaConfig(osm="R1759477"), "https://nominatim.openstreetmap.org")
    'https://nominatim.openstreetmap.org/lookup?osm_ids=R1759477&format=geojson&polygon_geojson=1'
    """
    if config.osm:
        path, asked = "lookup", {"osm_ids": config.osm}
    else:
        path, asked = "search", {"q": config.query}
    query = {**asked, "format": "geojson", "polygon_geojson": "1"}
    if path == "search":
        query["limit"] = str(_CANDIDATES)
    return f"{base_url.rstrip('/')}/{path}?{urlencode(query)}"


def parse_answer(body: bytes) -> list[Relation]:
    """The relations with a polygon in an answer, in its order. Raises BadAnswer for what is no such answer."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        start = " ".join(body[:300].decode("utf-8", "replace").split())
        raise BadAnswer(f"is no JSON, it begins {start[:60]!r}") from error
    found = value.get("features") if isinstance(value, dict) and value.get("type") == "FeatureCollection" else None
    if not isinstance(found, list):
        raise BadAnswer("is JSON, but no GeoJSON with features")
    relations = [_relation(feature) for feature in found]
    return [relation for relation in relations if relation is not None]


def _relation(feature: object) -> Relation | None:
    """The relation, or None for another kind of thing, or one without a polygon."""
    if not isinstance(feature, dict) or not isinstance(feature.get("properties"), dict):
        raise BadAnswer("has a feature without properties")
    properties, geometry = feature["properties"], feature.get("geometry")
    osm_id = properties.get("osm_id")
    if properties.get("osm_type") != "relation" or not isinstance(osm_id, int):
        return None
    if not isinstance(geometry, dict) or geometry.get("type") not in _POLYGONS:
        return None
    name = str(properties.get("display_name") or properties.get("name") or "without a name")
    kind = str(properties.get("type") or properties.get("category") or "relation")
    return Relation(osm=f"R{osm_id}", name=name, kind=kind, feature=Feature(properties, geometry))


def pick_area(place: str, config: AreaConfig, relations: Sequence[Relation]) -> Area:
    """The area of the one relation that was asked for.

    Raises InputError where there is none, AmbiguousArea, which lists the relations, where a name fits several.
    """
    where = f"the area of place {place!r} ({code_text(config)})"
    if config.osm:
        relations = [relation for relation in relations if relation.osm == config.osm]
    if not relations:
        raise InputError(f"{where}: OpenStreetMap knows no relation with a polygon like this{_hint(config)}")
    if len(relations) > 1:
        raise AmbiguousArea(
            f"{where}: the name fits {len(relations)} relations of OpenStreetMap",
            [f"{relation.osm}  {relation.name} ({relation.kind})" for relation in relations],
            remedy=f'write which, e.g. area = {{ osm = "{relations[0].osm}" }}',
        )
    found = relations[0]
    shape = feature_shape(found.feature, where, kinds=_POLYGONS, wanted="a Polygon or MultiPolygon")
    return Area(
        place=place,
        source=f"OpenStreetMap {found.osm}, {found.name} ({OSM_CREDIT})",
        code=code_text(config),
        shape=polygons_of(shapely.union_all([shape]), where),
    )


def _hint(config: AreaConfig) -> str:
    if config.osm:
        return "; look its id up on openstreetmap.org (a boundary is a relation)"
    return '; write the name with its city and country, or the relation: osm = "R…"'
