"""The pictures of a project's explanations: chosen photos beside their heatmaps, all on one scale."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from machinami.catalog import Photo
from machinami.explain.centre import centred
from machinami.explain.choice import RULES, Choice
from machinami.explain.heatmap_files import read_heatmaps
from machinami.explain.pictures import common_scale, heatmap_layer, side_by_side
from machinami.files import replacing_folder, write_bytes, write_json
from machinami.images.decode import decode_photo

__all__ = ["GALLERY_FILE", "write_gallery"]

Floats = npt.NDArray[np.float32]
GALLERY_FILE = "pictures.json"
SHORTER_SIDE_PX = 360


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
    maps = _centred_maps(heatmaps, wanted)
    scale = common_scale(list(maps.values()))
    entries: list[dict[str, Any]] = []
    with replacing_folder(folder) as aside:
        for number, choice in enumerate(choices):
            photo_id = choice.photo.photo_id
            name = f"{number:03d}-{choice.kind}-{photo_id}"
            pixels = read_photo(photos[photo_id], SHORTER_SIDE_PX)
            sheet = side_by_side(pixels, maps[photo_id], scale=scale)
            Image.fromarray(sheet).save(aside / f"{name}.webp", quality=82, method=4)
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


def _centred_maps(heatmaps: Path, wanted: Mapping[int, int]) -> dict[int, Floats]:
    """The map (h, w) of the place asked for, of each photo asked for, from the part files."""
    found: dict[int, Floats] = {}
    for part in read_heatmaps(heatmaps):
        for row, photo_id in enumerate(part.photo_id.tolist()):
            if photo_id in wanted:
                found[photo_id] = centred(part.maps[row].astype(np.float32))[wanted[photo_id]]
    return found


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


def photo_reader(path_of: Callable[[str], Path], *, max_pixels: int) -> Callable[[Photo, int], npt.NDArray[np.uint8]]:
    """A function that reads a catalogue's photo, uint8 (H, W, 3), reduced; it raises PhotoError."""

    def read(photo: Photo, shorter_side_px: int) -> npt.NDArray[np.uint8]:
        return decode_photo(path_of(photo.file or ""), max_pixels=max_pixels, shorter_side_px=shorter_side_px)

    return read
