"""Projects over the world's ground: two neighbouring places, a provider on this machine, and the command run there."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.servers.world import BBOX

__all__ = ["MIDDLE", "PLACES", "command", "environment", "halves", "start", "write_project"]

PLACES = ("east", "west")  # by key
MIDDLE = (BBOX[0] + BBOX[2]) / 2  # the meridian between them
_ROOT = Path(__file__).parents[2]


def halves(*, overlap_deg: float = 0.0) -> dict[str, tuple[float, float, float, float]]:
    """west, south, east, north of each place; with `overlap_deg` they share a strip."""
    west, south, east, north = BBOX
    return {"east": (MIDDLE - overlap_deg, south, east, north), "west": (west, south, MIDDLE, north)}


def write_project(root: Path, kind: str, url: str, *, overlap_deg: float = 0.0, **sections: Mapping[str, Any]) -> Path:
    """A folder with machinami.toml and areas.geojson; `sections` add to the config, e.g. `budget={"max_photos": 7}`."""
    root.mkdir(parents=True, exist_ok=True)
    areas = [_feature(name, box) for name, box in halves(overlap_deg=overlap_deg).items()]
    (root / "areas.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": areas}))
    tables: dict[str, dict[str, Any]] = {
        "source": {"kind": kind, "base_url": url},
        "collect": {"requests_per_s": 10_000, "in_flight": 4},
    }
    lines = [] if kind != "google" else ["acknowledgement = 2026-11-23"]
    for name, values in sections.items():
        tables[name] = tables.get(name, {}) | dict(values)
    text = [
        f'[[places]]\nkey = "{place}"\narea = {{ file = "areas.geojson", where = {{ code = "{place}" }} }}\n'
        for place in PLACES
    ]
    for name, values in tables.items():
        more = lines if name == "source" else []
        text.append("\n".join([f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()), *more]))
    (root / "machinami.toml").write_text("\n".join(text) + "\n")
    return root


def _feature(name: str, box: tuple[float, float, float, float]) -> dict[str, Any]:
    west, south, east, north = box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature", "properties": {"code": name}, "geometry": {"type": "Polygon", "coordinates": [ring]},
    }  # fmt: skip


def environment(**keys: str) -> dict[str, str]:
    """The environment of a command: this one without keys of its own, and those given."""
    own = {name: value for name, value in os.environ.items() if not name.endswith(("_KEY", "_SECRET", "_TOKEN"))}
    return {**own, "PYTHONPATH": str(_ROOT / "src"), "OMP_NUM_THREADS": "1", **keys}


def command(*arguments: object) -> list[str]:
    """The command line `machinami …` by this Python."""
    return [sys.executable, "-c", "from machinami.cli.main import main; main()", *map(str, arguments)]


def start(*arguments: object, keys: Mapping[str, str], **options: Any) -> "subprocess.Popen[str]":
    """The command as a process of its own."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command(*arguments), env=environment(**keys), **(pipes | options))
