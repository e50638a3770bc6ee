"""Which place does a photo look like: answers for new photos, with heatmaps."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from machinami.catalog import Photo
from machinami.errors import InputError, ProjectError
from machinami.explain.batches import decoded_batches
from machinami.explain.cam import heatmaps as compute_heatmaps
from machinami.explain.centre import centred
from machinami.explain.closed_form import Method
from machinami.explain.pictures import common_scale, side_by_side
from machinami.files import replacing
from machinami.images.decode import decode_photo
from machinami.models.device import autocast, resolve_device
from machinami.models.folder import LoadedModel
from machinami.models.folding import fold_batch_norm
from machinami.progress import Progress, silent
from machinami.sources.folder import find_photos

__all__ = ["Prediction", "list_photos", "predict_photos"]

BATCH = 16
PICTURE_PX = 480  # shorter side of the photos in the heatmap pictures
MAX_PIXELS = 100_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The answer for one photo; `error` says why there is none, or why there is no heatmap of it."""

    file: str
    place: str | None = None  # the likeliest
    probabilities: dict[str, float] = field(default_factory=dict)  # by place, likeliest first, calibrated
    familiarity: float | None = None
    error: str | None = None
    branded: str | None = None  # what must be said of a model that was chosen on a random split

    def to_json(self) -> dict[str, Any]:
        """One entry of `predict --json`; `branded` stands there only where there is something to say."""
        brand = {} if self.branded is None else {"branded": self.branded}
        return {
            "file": self.file,
            "place": self.place,
            "probabilities": self.probabilities,
            "familiarity": self.familiarity,
            "error": self.error,
            **brand,
        }


def list_photos(arguments: Sequence[Path]) -> list[Path]:
    """The photos that are meant: a file stands for itself, a folder for all photos in it and below, by name."""
    found: list[Path] = []
    for argument in arguments:
        if not argument.is_dir():
            found.append(argument)
            continue
        inside = list(find_photos(argument))
        if not inside:
            raise InputError(f"{argument} holds no photos")
        found += inside
    return found


def predict_photos(
    model: LoadedModel,
    files: Sequence[Path],
    *,
    device: str = "auto",
    heatmaps: Path | None = None,
    method: Method = "gradcam",
    progress: Progress = silent,
) -> list[Prediction]:
    """An answer for each file, in their order; a file that cannot be read has its reason instead.

    With `heatmaps`, a folder, a picture for each photo and place is written there: the photo, and the evidence for
    and against that place (class-centred), on one scale for the places of a photo. Where that fails the photo keeps its
    answer, with the reason. Raises ProjectError where the folder cannot be made.
    """
    if heatmaps is not None:
        _make_folder(heatmaps)
    on = resolve_device(device)
    network = fold_batch_norm(model.network, size_px=model.card.image_size).to(on)
    photos = [Photo(source="file", source_id=str(file), file=str(file), photo_id=row) for row, file in enumerate(files)]
    answers = [Prediction(file=str(file)) for file in files]
    for batch in progress.track(
        decoded_batches(photos, _reader(model, heatmaps), size=BATCH),
        total=-(-len(files) // BATCH),
        label="Predicting",
        unit="batches",
    ):
        for photo, reason in batch.failures:
            answers[photo.photo_id] = Prediction(file=str(files[photo.photo_id]), error=reason)
        if not batch.photos:
            continue
        images = model.prepare(batch.pixels).to(on)
        with torch.inference_mode(), autocast(on):
            logits = network(images).float()
        probabilities = model.probabilities(logits).cpu().numpy()
        for photo, row in zip(batch.photos, probabilities, strict=True):
            answers[photo.photo_id] = _answer(str(files[photo.photo_id]), model.card.keys, row)
        if heatmaps is not None:
            with autocast(on):
                maps = compute_heatmaps(network, images, method=method).maps
            shown = centred(maps).cpu().numpy()
            for photo, pixels, cells in zip(batch.photos, batch.pixels, shown, strict=True):
                try:
                    _write_pictures(heatmaps, photo, pixels, cells, model.card.keys)
                except (OSError, ValueError) as error:
                    reason = f"no heatmap could be written ({error})"
                    answers[photo.photo_id] = replace(answers[photo.photo_id], error=reason)
    return [replace(answer, branded=model.card.branded) for answer in answers]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProjectError(f"{folder}: no heatmaps can be written there ({error.strerror}): take another") from error


def _reader(model: LoadedModel, heatmaps: Path | None) -> Callable[[Photo], npt.NDArray[np.uint8]]:
    side = model.card.image_size
    wanted = max(side, PICTURE_PX) if heatmaps else side
    return lambda photo: decode_photo(Path(photo.file or ""), max_pixels=MAX_PIXELS, shorter_side_px=wanted)


def _answer(file: str, places: Sequence[str], probabilities: npt.NDArray[np.float32]) -> Prediction:
    order = np.argsort(-probabilities, kind="stable")
    ranked = {places[index]: round(float(probabilities[index]), 6) for index in order}
    return Prediction(file=file, place=places[int(order[0])], probabilities=ranked)


def _write_pictures(
    folder: Path, photo: Photo, pixels: npt.NDArray[np.uint8], cells: npt.NDArray[np.float32], places: Sequence[str]
) -> None:
    """`NAME.PLACE.png` for every place; two photos of one name are told apart by their number in the call."""
    scale = common_scale(list(cells))
    for place, one in zip(places, cells, strict=True):
        with replacing(folder / f"{_picture_name(photo)}.{place}.png") as aside:
            Image.fromarray(side_by_side(pixels, one, scale=scale)).save(aside, "PNG")


def _picture_name(photo: Photo) -> str:
    stem = re.sub(r"[^\w.-]+", "-", Path(photo.file or "").stem)[:80] or "photo"
    return f"{photo.photo_id + 1:04d}-{stem}"
