"""Photos of the made town come into the catalogue, with their masks, as if a provider had sent them."""

import hashlib
import io
import json
import zlib
from collections import Counter
from collections.abc import Mapping
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from machinami.catalog import Catalog, Photo
from machinami.collect.result import CollectReport
from machinami.config import Config
from machinami.errors import ConfigError
from machinami.files import digest_json, write_bytes
from machinami.images.measure import digest_pixels
from machinami.progress import Progress, silent
from machinami.project import Project
from machinami.sources.town import REGIONS, TOWN_KEYS, TownPhoto, TownSettings, map_photos, town_areas

__all__ = ["collect_town"]

SOURCE = "town"
QUALITY = 90  # of the JPEG files
FACT = "town"  # what the catalogue remembers the settings of the towns under
_KEYS = {
    "difficulty": "town.difficulty",
    "decoy": "town.decoy",
    "size_px": "town.size_px",
    "seed": "seed",
    "towns": "[[places]]",
}


def collect_town(
    project: Project, config: Config, *, progress: Progress = silent, workers: int | None = None
) -> CollectReport:
    """Make the photos of the towns in the config and catalogue them; those that are there already stay.

    `workers` processes make them, by default one for each processor; the files are the same for any number.
    Raises ConfigError where the source is not "town", a place is not one of the made towns, or the photos that are
    there were made with other settings.
    """
    settings = _settings(config)
    inputs = digest_json([str(settings)])
    with project.stage("collect", inputs=inputs, config=config) as run, project.catalog() as catalog:
        known = _known(catalog)
        _keep_to(catalog, settings, begun=bool(known))
        shots = _missing(settings, known)
        added = 0
        if shots:
            _describe(catalog, settings)
            rows = map_photos(partial(_keep, project.root, settings), settings, shots, workers=workers)
            for row in progress.track(rows, total=len(shots), label="Making photos"):
                added += int(catalog.add(row) is not None)
        run.notes["photos"] = added
        now = Counter(_known(catalog).values())
    return CollectReport(added=added, already=len(known), by_place=dict(sorted(now.items())))


def _settings(config: Config) -> TownSettings:
    if config.source.kind != "town":
        raise ConfigError(
            f'source.kind = "{config.source.kind}" is not the made town ("town"), whose photos are made and not '
            "collected from a provider"
        )
    towns = tuple(place.key for place in config.places)
    unknown = [town for town in towns if town not in TOWN_KEYS]
    if unknown or not towns:
        raise ConfigError(
            f"the made towns are called {', '.join(TOWN_KEYS)}"
            + (f", not {unknown[0]!r}" if unknown else "")
            + ": name at least two of them as [[places]]"
        )
    return TownSettings(
        towns=towns,
        photos_per_town=config.sampling.per_place,
        size_px=config.town.size_px,
        difficulty=config.town.difficulty,
        decoy=config.town.decoy,
        seed=config.seed,
    )


def _keep_to(catalog: Catalog, settings: TownSettings, *, begun: bool) -> None:
    """Note how the towns are made; raises ConfigError where photos that are there were made in another way.

    How many photos there are may grow, since no photo depends on it. On the towns and their order all depend: they
    share what is common to them, and the first bears the decoy.
    """
    now = {name: getattr(settings, name) for name in _KEYS} | {"towns": list(settings.towns)}
    noted = catalog.fact(FACT)
    if begun and noted is not None:
        for name, before in json.loads(noted).items():
            if now[name] != before:
                raise ConfigError(
                    f"the made photos of this project have {_KEYS[name]} = {before!r}, and machinami.toml asks for "
                    f"{now[name]!r}: one project holds towns of one kind, so set it back, or make another project"
                )
    catalog.set_fact(FACT, json.dumps(now, sort_keys=True))


def _known(catalog: Catalog) -> dict[str, str]:
    """The place of each made photo in the catalogue, by source_id."""
    return {photo.source_id: photo.place for photo in catalog.photos() if photo.source == SOURCE and photo.place}


def _missing(settings: TownSettings, known: Mapping[str, str]) -> list[tuple[str, int]]:
    """Town and index of the photos to make: of the towns that have too few, all that are not known."""
    counts = Counter(known.values())
    towns = [town for town in settings.towns if counts[town] < settings.photos_per_town]
    shots = product(towns, range(settings.photos_per_town))
    return [shot for shot in shots if _source_id(settings, *shot) not in known]


def _source_id(settings: TownSettings, town: str, index: int) -> str:
    return f"{town}/{settings.seed}/{index:06d}"


def _describe(catalog: Catalog, settings: TownSettings) -> None:
    """The towns' areas and the names of the masks' regions, as every import of masks leaves them."""
    names = {str(number): name for number, name in REGIONS.items()}
    catalog.set_fact("regions", json.dumps({"regions": names, "unlabelled": [0]}, sort_keys=True))
    for town, corners in town_areas(settings).items():
        ring = [[lon, lat] for lat, lon in [*corners, corners[0]]]
        geojson = json.dumps({"type": "Polygon", "coordinates": [ring]})
        catalog.set_area(town, source=SOURCE, code=None, geojson=geojson)


def _keep(root: Path, settings: TownSettings, photo: TownPhoto) -> Photo:
    """Write a photo and its mask below the project's root; its row, which comes last, since it names whole files."""
    jpeg = _encode(Image.fromarray(photo.image), "JPEG", quality=QUALITY, subsampling=0)
    mask = _encode(Image.fromarray(photo.mask), "PNG", compress_level=3, compress_type=zlib.Z_RLE)
    sha256 = hashlib.sha256(jpeg).hexdigest()
    file = f"photos/{sha256[:2]}/{sha256}.jpg"
    mask_file = f"masks/{sha256}.png"
    write_bytes(root / file, jpeg)
    write_bytes(root / mask_file, mask)
    pixels = np.asarray(Image.open(io.BytesIO(jpeg)))
    return Photo(
        state="fetched",
        source=SOURCE,
        source_id=_source_id(settings, photo.town, photo.index),
        place=photo.town,
        lat=photo.lat,
        lon=photo.lon,
        heading_deg=photo.heading_deg,
        captured_at=photo.captured_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        captured_precision="second",
        camera_make=photo.camera_make,
        camera_model=photo.camera_model,
        sequence=photo.sequence,
        creator="Machinami",
        licence="CC0-1.0",
        attribution="made by Machinami",
        width=pixels.shape[1],
        height=pixels.shape[0],
        sha256=sha256,
        pixels_sha256=digest_pixels(pixels),
        file=file,
        mask=mask_file,
        mask_sha256=hashlib.sha256(mask).hexdigest(),
    )


def _encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()
