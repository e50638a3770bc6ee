"""The streets of an area as lines: from a file, or from OpenStreetMap through the extra [osm]."""

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import shapely

from machinami.areas.area import Area
from machinami.areas.features import Feature, column_text, feature_shape
from machinami.areas.map_file import read_features
from machinami.config import Config
from machinami.errors import InputError, MissingExtra
from machinami.files import write_json
from machinami.project import Project

__all__ = ["Street", "project_streets", "streets_from_file", "streets_in"]

Floats = npt.NDArray[np.float64]
_LINES = frozenset({"LineString", "MultiLineString"})
_DEADLINE_S = 300.0
_DEGREES = 7  # decimals: a centimetre, so ends that meet are one node


@dataclass(frozen=True, slots=True, eq=False)
class Street:
    """One piece of street between two nodes, the same for both directions of travel."""

    edge: str  # the unordered pair of its nodes, e.g. "101-205"; "101-205 2" for a second piece between them
    lat_lon: Floats  # float64 (N, 2), degrees, N >= 2


def project_streets(project: Project, config: Config, area: Area) -> list[Street]:
    """The streets that sampling along streets goes by: of the file in the config, else of OpenStreetMap.

    Raises as `streets_from_file` and `streets_in`.
    """
    if config.sampling.streets:
        return streets_from_file(project.root / config.sampling.streets)
    return streets_in(area, cache=project.cache / "overpass")


def streets_from_file(path: Path) -> list[Street]:
    """The streets in a GeoJSON, GeoPackage or Shapefile of lines, sorted by edge.

    Nodes are the columns `u` and `v` where the file has them, as OSMnx writes them, else the ends of the lines.
    Raises InputError for a file that cannot be read or holds something other than lines.
    """
    lines: list[_Line] = []
    for feature in read_features(path):
        shape = feature_shape(feature, str(path), kinds=_LINES, wanted="a LineString")
        parts = [part for part in shapely.get_parts(shape) if isinstance(part, shapely.LineString)]
        lines += [_line(feature, shapely.get_coordinates(part)) for part in parts]
    streets = _unique(lines)
    if not streets:
        raise InputError(f"{path}: holds no street that has a length")
    return streets


def streets_in(
    area: Area,
    *,
    cache: Path,
    network: Literal["drive", "walk"] = "drive",
    deadline_s: float = _DEADLINE_S,
    overpass_url: str = "",
) -> list[Street]:
    """The streets of OpenStreetMap in and at the edge of the area, sorted by edge; answers are kept in `cache`.

    OSMnx asks a busy server again and again without bound, and replaces the process's name resolver: it runs in a
    process of its own, for `deadline_s` at most. Raises MissingExtra without OSMnx, InputError where no streets come.
    """
    if find_spec("osmnx") is None:
        raise MissingExtra("asking OpenStreetMap for streets", "osm")
    with TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "asked.json", Path(folder) / "answered.json"
        question = {"area": area.geojson(), "network": network, "cache": str(cache), "overpass_url": overpass_url}
        write_json(asked, question)
        try:
            subprocess.run(  # noqa: S603  our own module
                [sys.executable, "-m", "machinami.areas.osm_streets", str(asked), str(answered)],
                check=True,
                capture_output=True,
                timeout=deadline_s,
            )
        except subprocess.TimeoutExpired:
            raise InputError(
                f"the streets of {area.place!r}: OpenStreetMap's server did not answer within {deadline_s:g} s;"
                " try again later, or save the streets as a file and name it in sampling.streets"
            ) from None
        except subprocess.CalledProcessError as error:
            last = error.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            raise InputError(f"the streets of {area.place!r}: {' '.join(last) or 'OSMnx failed'}") from None
        value = json.loads(answered.read_text(encoding="utf-8"))
    if "problem" in value:
        raise InputError(f"the streets of {area.place!r} cannot be had from OpenStreetMap: {value['problem']}")
    return _unique([_Line(str(u), str(v), np.array(lon_lat)) for u, v, lon_lat in value["lines"]])


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    u: str
    v: str
    lon_lat: Floats


def _line(feature: Feature, lon_lat: Floats) -> _Line:
    u, v = (feature.properties.get(name) for name in ("u", "v"))
    if u is None or v is None:
        return _Line(_node(lon_lat[0]), _node(lon_lat[-1]), lon_lat)
    return _Line(column_text(u), column_text(v), lon_lat)


def _node(lon_lat: Floats) -> str:
    lon, lat = (round(float(value), _DEGREES) + 0.0 for value in lon_lat)
    return f"{lat:.{_DEGREES}f},{lon:.{_DEGREES}f}"


def _unique(lines: Iterable[_Line]) -> list[Street]:
    """Each piece of street that has a length once, whichever way and however often it was drawn, sorted by edge."""
    pieces: dict[str, dict[tuple[Any, ...], Floats]] = {}
    for line in lines:
        lon_lat = np.round(line.lon_lat, _DEGREES) + 0.0
        forward, back = (tuple(map(tuple, way.tolist())) for way in (lon_lat, lon_lat[::-1]))
        if len(set(forward)) == 1:
            continue
        turned = back < forward
        pair = "-".join(sorted((line.u, line.v)))
        pieces.setdefault(pair, {})[min(forward, back)] = lon_lat[::-1] if turned else lon_lat
    streets = []
    for pair in sorted(pieces):
        for number, key in enumerate(sorted(pieces[pair]), start=1):
            edge = pair if number == 1 else f"{pair} {number}"
            streets.append(Street(edge, pieces[pair][key][:, ::-1].copy()))
    return streets
