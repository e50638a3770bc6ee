"""The split stage: from the catalogue to split.json, and back."""

from dataclasses import asdict

from machinami.areas import frozen_areas
from machinami.config import Config
from machinami.errors import NotReady, ProjectError, SplitError
from machinami.files import digest_json, read_json, write_json
from machinami.places import resolve_places
from machinami.progress import Progress, silent
from machinami.project import Project
from machinami.split.areas import find_areas
from machinami.split.layout import split_photos
from machinami.split.photo import SplitPhoto
from machinami.split.result import Split

__all__ = ["lay_split", "photos_to_split", "plan_split", "read_split", "split_inputs"]

_COLUMNS = (
    "source", "source_id", "place", "lat", "lon", "sequence", "pixels_sha256", "near_group", "panorama", "creator",
    "captured_at",
)  # fmt: skip


def split_inputs(project: Project, config: Config) -> str:
    """The digest of all that the split depends on: settings, seed, places, where the kept photos are."""
    with project.catalog() as catalog:
        photos = catalog.digest("photo_id", *_COLUMNS)
        areas = frozen_areas(catalog) if config.split.strategy == "areas" else {}
    return digest_json(
        {
            "split": asdict(config.split),
            "seed": config.seed,
            "places": [place.key for place in config.places],
            "photos": photos,
            "areas": {key: [part.wkt for part in area.parts] for key, area in areas.items()},
        }
    )


def lay_split(project: Project, config: Config, *, progress: Progress = silent) -> Split:
    """Lays blocks and folds over the kept photos and writes split.json. Raises NotReady and SplitError."""
    with project.stage("split", inputs=split_inputs(project, config), config=config) as run:
        split = plan_split(project, config, progress=progress)
        write_json(project.split_file, split.to_json())
        run.notes |= {
            "split_digest": split.digest,
            "blocks": len(split.blocks),
            "dropped": len(split.dropped),
            "counts": split.to_json()["counts"],
        }
    for note in split.report.notes:
        progress.say(note)
    return split


def plan_split(project: Project, config: Config, *, progress: Progress = silent) -> Split:
    """The split as these settings would lay it now; nothing is written. Raises NotReady and SplitError."""
    return split_photos(photos_to_split(project, config, progress=progress), config.split, seed=config.seed)


def read_split(project: Project) -> Split:
    """The split in split.json. Raises NotReady where there is none, ProjectError where it cannot be read."""
    path = project.split_file
    if not path.is_file():
        raise NotReady(f"{project.root} has no split yet", command=f"machinami split {project.root}")
    try:
        return Split.from_json(read_json(path))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProjectError(
            f"{path} is damaged ({type(error).__name__}: {error}): lay it again with `machinami split {project.root}`"
        ) from error


def photos_to_split(project: Project, config: Config, *, progress: Progress = silent) -> list[SplitPhoto]:
    """The kept photos of the project's places; says how many belong to no such place.

    Raises NotReady where there are none, SplitError where a place has none.
    """
    photos, strangers = [], 0
    with project.catalog() as catalog:
        places = {place.key for place in resolve_places(config, catalog)}
        areas = frozen_areas(catalog) if config.split.strategy == "areas" else {}
        for photo in catalog.photos(state="fetched"):
            if photo.place is None or photo.place not in places:
                strangers += 1
                continue
            photos.append(
                SplitPhoto(
                    photo_id=photo.photo_id,
                    place=photo.place,
                    lat=photo.lat,
                    lon=photo.lon,
                    sequence=photo.sequence,
                    name=photo.source_id,
                    pixels_sha256=photo.pixels_sha256,
                    near_group=photo.near_group,
                    panorama=photo.panorama and f"{photo.source} {photo.panorama}",
                    creator=photo.creator and f"{photo.source} {photo.creator}",
                    captured_at=photo.captured_at,
                )
            )
    if strangers:
        progress.say(f"{strangers} kept photos belong to none of the places in {project.config_file.name}")
    if not photos:
        raise NotReady(f"{project.root} has no kept photos", command=f"machinami import {project.root} PHOTOS")
    missing = sorted(places - {photo.place for photo in photos})
    if missing:
        raise SplitError(
            f"no kept photos of {', '.join(missing)}: bring some with `machinami import {project.root} PHOTOS`, "
            f"or take the place out of {project.config_file.name}"
        )
    return find_areas(photos, areas) if config.split.strategy == "areas" else photos
