"""What a collection must hold, told by the world behind the local servers, and a look at what it does hold."""

import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from machinami.catalog import Catalog, Photo
from machinami.files import digest_file
from machinami.images.decode import decode_photo
from machinami.images.panorama import flat_view

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the servers are part of the tests

from tests.servers.kartaview import KartaViewServer  # noqa: E402
from tests.servers.mapillary import MapillaryServer  # noqa: E402
from tests.servers.pictures import name_in, photo_bytes  # noqa: E402
from tests.servers.serving import ProviderServer  # noqa: E402
from tests.servers.streetview import StreetViewServer  # noqa: E402
from tests.servers.world import World, WorldPhoto  # noqa: E402

WEST, MIDDLE, EAST = 139.755, 139.7665, 139.785  # the two areas; the world's walks lead out of them
SOUTH, NORTH = 35.655, 35.683
PICTURE_PX = (640, 480)
UNALIKE = 6.0  # mean difference in levels above which a view is not that of its panorama (JPEG noise is below 3)
KINDS = {"mapillary": MapillaryServer, "kartaview": KartaViewServer, "google": StreetViewServer}


@dataclass(frozen=True, slots=True)
class Truth:
    """The world as a provider tells it, without asking the server that runs."""

    kind: str
    server: ProviderServer

    @classmethod
    def of(cls, kind: str, photos: int) -> "Truth":
        """That of the server as `spawn` starts it with so many photos."""
        return cls(kind, KINDS[kind](World(photos=photos), picture_size=PICTURE_PX))

    def position(self, photo: WorldPhoto) -> tuple[float, float]:
        """Latitude and longitude, degrees, as Machinami must take them."""
        camera, computed = (photo.lat, photo.lon), (photo.computed_lat, photo.computed_lon)
        if isinstance(self.server, KartaViewServer):
            matched = self.server.world.chance("unmatched", photo.number) >= self.server.unmatched
            lat, lon = computed if matched else camera
            return round(lat, 6), round(lon, 6)
        return camera if "computed" in photo.absent or self.kind == "google" else computed

    def wanted(self) -> dict[str, str]:
        """{source_id: place} of all that must be there in the end (of the providers that are searched by area)."""
        found = {}
        for photo in self.server.world.photos:
            place = place_at(*self.position(photo))
            unfit = self.server.is_gone(photo)
            if self.kind == "mapillary":
                unfit |= self.server.world.chance("no thumb", photo.number) < 0.005
            if place is not None and not unfit:
                found[self.server.id_of(photo)] = place
        return found

    def shows(self, row: Photo, data: bytes) -> bool:
        """Whether a stored picture is the photo that its row names."""
        if self.kind == "google":
            return name_in(data) == f"streetview {row.panorama}@{round(row.heading_deg or 0, 2) % 360:g}"
        name = f"{self.kind} {row.source_id}"
        if row.projection != "spherical":
            return name_in(data) == name
        width = PICTURE_PX[0]
        whole = decode_photo(photo_bytes(name, size=(width, width // 2)), max_pixels=10**7)
        stored = decode_photo(data, max_pixels=10**7)
        view = flat_view(
            whole, heading_deg=row.heading_deg or 0, centre_heading_deg=row.centre_heading_deg or 0,
            field_of_view_deg=90, pitch_deg=0, size_px=(stored.shape[1], stored.shape[0]),
        )  # fmt: skip
        return float(np.abs(view.astype(float) - stored).mean()) < UNALIKE


def place_at(lat: float, lon: float) -> str | None:
    if not (WEST <= lon <= EAST and SOUTH <= lat <= NORTH):
        return None
    return "west" if lon < MIDDLE else "east"


def make_project(folder: Path, kind: str, url: str, *, per_place: int, in_flight: int, pace_per_s: float = 1e6) -> Path:
    """A project that takes all there is."""
    folder.mkdir()
    boxes = {"west": (WEST, MIDDLE), "east": (MIDDLE, EAST)}
    features = [
        {
            "type": "Feature",
            "properties": {"code": key},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[w, SOUTH], [e, SOUTH], [e, NORTH], [w, NORTH], [w, SOUTH]]],
            },
        }
        for key, (w, e) in boxes.items()
    ]
    (folder / "areas.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    places = "".join(
        f'[[places]]\nkey = "{key}"\narea = {{ file = "areas.geojson", where = {{ code = "{key}" }} }}\n'
        for key in boxes
    )
    acknowledgement = "acknowledgement = 2026-01-01\n" if kind == "google" else ""
    (folder / "machinami.toml").write_text(
        f'{places}[source]\nkind = "{kind}"\nbase_url = "{url}"\n{acknowledgement}'
        f"[sampling]\nper_place = {per_place}\nmin_distance_m = 0\nper_sequence = 1000000\nper_creator = 1000000\n"
        f"[budget]\nmax_photos = 1000000\nmax_cost_usd = 100000\n"
        f"[collect]\nrequests_per_s = {pace_per_s}\nin_flight = {in_flight}\n"
    )
    return folder


def audit(
    project: Path, truth: Truth, wanted: dict[str, str] | None, journal: Iterable[dict[str, Any]]
) -> dict[str, int]:
    """What is missing, too much, wrong and fetched twice; without `wanted` (google) only what is kept is judged.

    `journal` is what the server was asked.
    """
    with Catalog(project / "catalog.sqlite") as catalog:
        rows = list(catalog.photos(state="fetched"))
    kept = {row.source_id: row.place for row in rows}
    wanted = kept if wanted is None else wanted
    surplus = len(rows) - len(kept) + sum(wanted.get(name) != place for name, place in kept.items())
    outside = sum(place_at(row.lat or 0, row.lon or 0) != row.place for row in rows)
    files = Counter(row.file for row in rows)
    wrong = sum(_is_wrong(project, row, truth) for row in rows)
    whole = Counter(
        row["target"].partition("?")[0] if truth.kind != "google" else row["target"]
        for row in journal
        if row["kind"] in {"photo", "image"} and row["status"] == 200 and row["fault"] in {None, "slow"}
    )
    left = len(list((project / "photos" / ".arrived").glob("*")))
    stored = sum(1 for path in (project / "photos").glob("??/*") if path.is_file())
    return {
        "wanted": len(wanted),
        "kept": len(rows),
        "missing": len(wanted.keys() - kept.keys()),
        "surplus": surplus + outside + (len(rows) - len(files)) + left + (stored - len(files)),
        "wrong": wrong,
        "fetched_twice": sum(count - 1 for count in whole.values()),
    }


def _is_wrong(project: Path, row: Photo, truth: Truth) -> bool:
    path = project / (row.file or "")
    return digest_file(path) != row.sha256 or not truth.shows(row, path.read_bytes())
