"""The areas of a project's places, wherever the config says they come from."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from machinami.areas.area import Area
from machinami.areas.asking import Gazetteer
from machinami.areas.choose import choose_area
from machinami.areas.features import Feature
from machinami.areas.frozen import SettledAreas, settle_areas
from machinami.areas.http import fetch_http
from machinami.areas.map_file import read_features
from machinami.areas.nominatim import Fetch, pick_area
from machinami.catalog import Catalog
from machinami.config import Config, PlaceConfig
from machinami.errors import InputError
from machinami.project import Project

__all__ = ["project_areas", "read_areas"]


def read_areas(
    places: Sequence[PlaceConfig],
    root: Path,
    *,
    gazetteer: Gazetteer | None = None,
    read_file: Callable[[Path], list[Feature]] | None = None,
) -> dict[str, Area]:
    """The area of each place that has one, in the order of `places`; files are relative to `root`.

    `gazetteer` is asked for places with `osm` or `query`. Raises InputError for a file that cannot be read, for a
    column or a value that does not occur, and for a server that does not answer; AmbiguousArea for a name that
    fits several places.
    """
    read_file = read_file or cache(read_features)  # most places share one file
    areas = {}
    for place in places:
        if place.area is None:
            continue
        if place.area.file:
            areas[place.key] = choose_area(place.key, place.area, read_file(root / place.area.file))
        elif gazetteer is not None:
            areas[place.key] = pick_area(place.key, place.area, gazetteer.relations(place.area))
        else:
            raise InputError(f"the area of place {place.key!r} comes from OpenStreetMap: hand a gazetteer over")
    return areas


def project_areas(
    project: Project,
    config: Config,
    catalog: Catalog,
    *,
    fetch: Fetch = fetch_http,
    user_cache: Path | None = None,
) -> SettledAreas:
    """The areas of the project's places: the frozen ones, and for new or changed config those that it names.

    `user_cache` is a folder of the user's where the pace of requests is kept across projects; the project's own
    cache where None. Nothing is frozen: see `freeze_areas`. Raises InputError and AmbiguousArea as `read_areas`.
    """
    gazetteer = Gazetteer(
        fetch=fetch,
        base_url=config.areas.nominatim_url,
        cache=project.cache / "nominatim",
        pace=(user_cache or project.cache) / "nominatim",
    )
    read_file = cache(read_features)

    def read(places: Sequence[PlaceConfig]) -> dict[str, Area]:
        return read_areas(places, project.root, gazetteer=gazetteer, read_file=read_file)

    return settle_areas(catalog, config.places, read)
