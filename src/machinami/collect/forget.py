"""Photos taken out everywhere, and kept out: a licence was withdrawn, or a person asked for it."""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from machinami.catalog import Catalog, Photo
from machinami.config import Config
from machinami.errors import InputError
from machinami.files import digest_json
from machinami.project import Project

__all__ = ["ForgetReport", "forget_photos"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetReport:
    """What was taken out."""

    photos: int  # rows; the views of one 360° photo go together
    files: int  # photos and masks that were deleted
    linked: tuple[str, ...]  # files outside the project, which are left where they are
    removed: tuple[str, ...]  # results that held the photos, or could: the next `machinami run` makes them again


def forget_photos(project: Project, config: Config, names: Sequence[str]) -> ForgetReport:
    """Delete photos, their masks and every result that shows them; neither collecting nor importing brings them back.

    A name is a photo_id of the catalogue, SOURCE:ID as the source calls it, or the file's path. Nothing is deleted
    unless all names are known (InputError). What goes first are files and results, then the rows, so that a call
    that was cut off can be repeated.
    """
    with project.stage("forget", inputs=digest_json(list(names)), config=config) as run, project.catalog() as catalog:
        photos = _with_views(catalog, [_find(project, catalog, name) for name in names])
        files, linked = _delete_files(project, catalog, photos)
        removed = tuple(_delete_results(project))
        now = datetime.now(UTC)
        with catalog.transaction():
            for photo in photos:
                catalog.forget(photo, now=now)
        run.notes["photos"] = len(photos)
    return ForgetReport(photos=len(photos), files=files, linked=linked, removed=removed)


def _find(project: Project, catalog: Catalog, name: str) -> Photo:
    if name.isascii() and name.isdigit():
        photo = catalog.find_id(int(name[:18]))
    else:
        source, _, source_id = name.partition(":")
        photo = catalog.find(source, source_id) or catalog.find("folder", name) or _by_file(project, catalog, name)
    if photo is None:
        raise InputError(
            f"{name}: no photo of this project; name it by its photo_id, as SOURCE:ID, or by its file, and look it up "
            "in the report or in predictions/. Nothing was taken out"
        )
    return photo


def _by_file(project: Project, catalog: Catalog, name: str) -> Photo | None:
    path = Path(name).absolute()
    for file in (name, path.as_posix(), _inside(path, project.root.absolute())):
        photo = catalog.find_file(file) if file else None
        if photo is not None:
            return photo
    return None


def _inside(path: Path, root: Path) -> str | None:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else None


def _with_views(catalog: Catalog, photos: Iterable[Photo]) -> list[Photo]:
    """The photos, each once, with all views of the 360° photos among them."""
    found: dict[int, Photo] = {}
    for photo in photos:
        together = catalog.views(photo.source, photo.panorama) if photo.panorama is not None else [photo]
        found |= {view.photo_id: view for view in [photo, *together]}
    return list(found.values())


def _delete_files(project: Project, catalog: Catalog, photos: Sequence[Photo]) -> tuple[int, tuple[str, ...]]:
    """Delete photos and masks that lie in the project and that no other row needs."""
    going = {photo.photo_id for photo in photos}
    deleted, linked = 0, []
    for photo in photos:
        for file in {file for file in (photo.file, photo.mask, *_segmented(project, photo)) if file}:
            if Path(file).is_absolute():
                linked.append(file)
            elif not set(catalog.users_of(file)) - going and project.path_of(file).is_file():
                project.path_of(file).unlink()
                deleted += 1
        for arrived in _arrivals(project, photo.photo_id):
            arrived.unlink()
    return deleted, tuple(linked)


def _segmented(project: Project, photo: Photo) -> list[str]:
    """Masks that segmenters made of it, also those that the user's own mask took the place of."""
    if photo.sha256 is None:
        return []
    masks = project.masks.glob(f"segmenter-*/{photo.sha256[:2]}/{photo.sha256}.png")
    return [mask.relative_to(project.root).as_posix() for mask in masks]


def _arrivals(project: Project, photo_id: int) -> Iterator[Path]:
    folder = project.photos / ".arrived"
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if str(photo_id) in path.name.split("-"))


def _delete_results(project: Project) -> Iterator[str]:
    """Delete what shows photos or was computed from their pixels, but for the model; their names."""
    for path in (project.report_file, project.rejected_file, project.split_file, project.split_map):
        if path.exists():
            path.unlink()
            yield path.name
    for folder in (project.explanations, project.predictions):
        if folder.exists():
            shutil.rmtree(folder)
            yield f"{folder.name}/"
    for path in project.cache.iterdir() if project.cache.is_dir() else ():
        if path.name in {"lock", "lock.json"}:  # which this command holds
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
