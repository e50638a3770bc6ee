"""Photos of the made town come into the catalogue, with their masks, as if a provider had sent them."""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from machinami.catalog import Catalog, Photo
from machinami.config import Config
from machinami.errors import ConfigError
from machinami.files import digest_json, write_bytes
from machinami.images.measure import digest_pixels
from machinami.progress import Progress, silent
from machinami.project import Project
from machinami.sources.town import REGIONS, TOWN_KEYS, TownPhoto, TownSettings, town_areas, town_photos

__all__ = ["CollectReport", "collect_town"]

SOURCE = "town"
QUALITY = 90  # of the JPEG files


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectReport:
    """How a collection went."""

    added: int
    already: int  # in the catalogue before
    by_place: Mapping[str, int]  # photos in the catalogue now


def collect_town(project: Project, config: Config, *, progress: Progress = silent) -> CollectReport:
    """Make the photos of the towns in the config and catalogue them; those that are there already stay.

    Raises ConfigError where the source is not "town" or a place is not one of the made towns.
    """
    settings = _settings(config)
    inputs = digest_json([str(settings)])
    with project.stage("collect", inputs=inputs, config=config) as run, project.catalog() as catalog:
        before = _known(catalog)
        wanted = len(settings.towns) * settings.photos_per_town
        missing = [town for town in settings.towns if before[town] < settings.photos_per_town]
        added = 0
        if missing:
            _describe(catalog, settings)
            photos = town_photos(settings)
            for photo in progress.track(photos, total=wanted, label="Making photos"):
                added += _add(project, catalog, photo, settings)
        run.notes["photos"] = added
        now = _known(catalog)
    return CollectReport(added=added, already=before.total(), by_place=dict(sorted(now.items())))


def _settings(config: Config) -> TownSettings:
    if config.source.kind != "town":
        raise ConfigError(
            f'source.kind = "{config.source.kind}": photos of your own come in by `machinami import`; only the made '
            'town ("town") can be collected'
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


def _known(catalog: Catalog) -> Counter[str]:
    counts: Counter[str] = Counter()
    for photo in catalog.photos():
        if photo.source == SOURCE and photo.place:
            counts[photo.place] += 1
    return counts


def _describe(catalog: Catalog, settings: TownSettings) -> None:
    """The towns' areas and the names of the masks' regions, as every import of masks leaves them."""
    names = {str(number): name for number, name in REGIONS.items()}
    catalog.set_fact("regions", json.dumps({"regions": names, "unlabelled": [0]}, sort_keys=True))
    for town, corners in town_areas(settings).items():
        ring = [[lon, lat] for lat, lon in [*corners, corners[0]]]
        geojson = json.dumps({"type": "Polygon", "coordinates": [ring]})
        catalog.set_area(town, source=SOURCE, code=None, geojson=geojson)


def _add(project: Project, catalog: Catalog, photo: TownPhoto, settings: TownSettings) -> int:
    """Write one photo with its mask, and its row; 1 where it is new. The row comes last: it names whole files."""
    source_id = f"{photo.town}/{settings.seed}/{photo.index:06d}"
    if catalog.find(SOURCE, source_id) is not None:
        return 0
    jpeg = _encode(Image.fromarray(photo.image), "JPEG", quality=QUALITY, subsampling=0)
    mask = _encode(Image.fromarray(photo.mask), "PNG")
    sha256 = hashlib.sha256(jpeg).hexdigest()
    file = f"photos/{sha256[:2]}/{sha256}.jpg"
    mask_file = f"masks/{sha256}.png"
    write_bytes(project.root / file, jpeg)
    write_bytes(project.root / mask_file, mask)
    pixels = np.asarray(Image.open(io.BytesIO(jpeg)))
    row = Photo(
        state="fetched",
        source=SOURCE,
        source_id=source_id,
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
    return int(catalog.add(row) is not None)


def _encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()
