"""The pictures of a project's explanations: chosen photos beside their heatmaps, all on one scale."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from machinami.catalog import Photo
from machinami.errors import ProjectError
from machinami.explain.choice import RULES, Candidate, Choice
from machinami.explain.heatmap_files import read_centred
from machinami.explain.pictures import common_scale, heatmap_layer, side_by_side
from machinami.files import read_json, replacing_folder, write_bytes, write_json
from machinami.images.decode import decode_photo

__all__ = ["GALLERY_FILE", "has_gallery", "photo_reader", "read_choices", "write_gallery"]

Floats = npt.NDArray[np.float32]
GALLERY_FILE = "pictures.json"
SHORTER_SIDE_PX = 360
WEBP_PX = 16_383  # the longest side that the format has


def write_gallery(
    folder: Path,
    choices: Sequence[Choice],
    *,
    heatmaps: Path,
    photos: Mapping[int, Photo],
    read_photo: Callable[[Photo, int], npt.NDArray[np.uint8]],
    places: Sequence[str],
) -> int:
    """Write a picture and a see-through layer for each choice, and pictures.json that tells what they are.

    Shown is the class-centred map of the place that won: green speaks for it, purple for the others. The
    strongest colour stands for the same number of logits in all of them. The number of pictures comes back.
    """
    wanted = {choice.photo.photo_id: choice.photo.predicted for choice in choices}
    every = read_centred(heatmaps, wanted, places)
    maps = {photo_id: every[photo_id][place] for photo_id, place in wanted.items()}
    scale = common_scale(list(maps.values()))
    entries: list[dict[str, Any]] = []
    with replacing_folder(folder) as aside:
        for number, choice in enumerate(choices):
            photo_id = choice.photo.photo_id
            name = f"{number:03d}-{choice.kind}-{photo_id}"
            pixels = read_photo(photos[photo_id], SHORTER_SIDE_PX)
            sheet = Image.fromarray(side_by_side(pixels, maps[photo_id], scale=scale))
            sheet.thumbnail((WEBP_PX, WEBP_PX))  # leaves a smaller one as it is
            sheet.save(aside / f"{name}.webp", quality=82, method=4)
            write_bytes(aside / f"{name}-layer.webp", heatmap_layer(maps[photo_id], scale=scale))
            entries.append(_entry(choice, name, places, maps[photo_id]))
        write_json(
            aside / GALLERY_FILE,
            {
                "scale": scale,
                "unit": "logits a cell",
                "map": "class-centred, of the place that won",
                "rules": RULES,
                "pictures": entries,
            },
        )
    return len(entries)


def _entry(choice: Choice, name: str, places: Sequence[str], cells: Floats) -> dict[str, Any]:
    photo = choice.photo
    return {
        "photo_id": photo.photo_id,
        "kind": choice.kind,
        "place": places[photo.place],
        "predicted": places[photo.predicted],
        "margin": round(photo.margin, 4),
        "block": photo.block,
        "picture": f"{name}.webp",
        "layer": f"{name}-layer.webp",
        "evidence": round(float(cells.sum()), 4),
    }


def has_gallery(folder: Path, places: Sequence[str]) -> bool:
    """Whether pictures.json, of these places, and all pictures that it tells of lie in the folder."""
    try:
        entries = read_json(folder / GALLERY_FILE)["pictures"]
        files = [folder / entry[name] for entry in entries for name in ("picture", "layer")]
        return all(_choice(entry, places) for entry in entries) and all(file.stat().st_size > 0 for file in files)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def read_choices(folder: Path, places: Sequence[str]) -> list[Choice]:
    """The choices whose pictures lie in the folder, in their order; none where no pictures were made.

    Raises ProjectError for a damaged pictures.json, or one of other places.
    """
    file = folder / GALLERY_FILE
    if not file.is_file():
        return []
    try:
        return [_choice(entry, places) for entry in read_json(file)["pictures"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = f"{type(error).__name__}: {error}"
        raise ProjectError(f"{file} is damaged ({problem}): run `machinami explain` again") from error


def _choice(entry: Mapping[str, Any], places: Sequence[str]) -> Choice:
    if entry["kind"] not in RULES:
        raise ValueError(f"there is no rule {entry['kind']!r}")
    candidate = Candidate(
        photo_id=int(entry["photo_id"]),
        block=str(entry["block"]),
        place=places.index(entry["place"]),
        predicted=places.index(entry["predicted"]),
        margin=float(entry["margin"]),
    )
    return Choice(kind=entry["kind"], photo=candidate)


def photo_reader(path_of: Callable[[str], Path], *, max_pixels: int) -> Callable[[Photo, int], npt.NDArray[np.uint8]]:
    """A function that reads a catalogue's photo, uint8 (H, W, 3), reduced; it raises PhotoError."""

    def read(photo: Photo, shorter_side_px: int) -> npt.NDArray[np.uint8]:
        return decode_photo(path_of(photo.file or ""), max_pixels=max_pixels, shorter_side_px=shorter_side_px)

    return read
