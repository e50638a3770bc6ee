"""Asks OpenStreetMap for streets with OSMnx, as a process of its own: see `machinami.areas.streets.streets_in`."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import shapely

from machinami.areas.nominatim import user_agent
from machinami.files import write_json

__all__ = ["ask_streets"]


def ask_streets(question: Mapping[str, Any]) -> dict[str, Any]:
    """`{"lines": [[u, v, [[lon, lat], …]], …]}`, or `{"problem": text}` where the server has no streets to give."""
    import osmnx
    import requests

    osmnx.settings.use_cache = True
    osmnx.settings.cache_folder = question["cache"]
    osmnx.settings.http_user_agent = user_agent()
    osmnx.settings.requests_timeout = 60
    if question["overpass_url"]:
        osmnx.settings.overpass_url = question["overpass_url"]
        osmnx.settings.overpass_rate_limit = False  # not every server tells its slots
        osmnx.settings.doh_url_template = None  # the name may be known here only
    try:
        graph = osmnx.graph_from_polygon(
            shapely.from_geojson(question["area"]),
            network_type=question["network"],
            retain_all=True,
            truncate_by_edge=True,
        )
    except (ValueError, KeyError, requests.RequestException) as error:  # OSMnx's own errors are ValueErrors
        return {"problem": f"{type(error).__name__}: {error}"}
    lines = []
    for u, v, facts in graph.edges(data=True):
        ends = [[graph.nodes[node]["x"], graph.nodes[node]["y"]] for node in (u, v)]
        lon_lat = shapely.get_coordinates(facts["geometry"]).tolist() if "geometry" in facts else ends
        lines.append([u, v, lon_lat])
    return {"lines": lines}


if __name__ == "__main__":
    write_json(Path(sys.argv[2]), ask_streets(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
