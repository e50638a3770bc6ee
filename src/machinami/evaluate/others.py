"""Figures on another labelled set: the model for new photos, and no test block is opened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from machinami.collect.layout import Candidate, Layout, by_table, choose_layout
from machinami.config import Config, PlaceConfig
from machinami.errors import InputError, ProjectError
from machinami.evaluate.figures import Outcome, evaluation_figures
from machinami.evaluate.verdict import verdict_of
from machinami.files import digest_file
from machinami.images.decode import PhotoError, decode_photo
from machinami.models.card import Card
from machinami.models.device import autocast, resolve_device
from machinami.models.folder import load_model
from machinami.models.folding import fold_batch_norm
from machinami.ordered import in_batches, in_order
from machinami.progress import Progress, silent
from machinami.project import Project
from machinami.split import read_split
from machinami.split.blocks import name_runs
from machinami.train.inputs import trained_card

__all__ = ["OtherSet", "evaluate_others"]

BATCH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherSet:
    """The figures on another labelled set, as they would stand in evaluation.json."""

    figures: dict[str, Any]
    learned: int  # photos among them that the network learned from: on those it shows its memory


def evaluate_others(
    project: Project,
    config: Config,
    photos: Path,
    *,
    table: Path | None = None,
    device: str = "auto",
    progress: Progress = silent,
) -> OtherSet:
    """The fields of evaluation.json for the photos of a folder (a folder a place) or of a table.

    Blocks are runs of neighbouring names, or the table's sequences. Raises InputError where no photo can be read or
    a place is none of the model's, NotReady without a model. Photos that cannot be read are told and left out.
    """
    trained_card(project)
    model = load_model(project.model)
    places = _places(model.card, config)
    layout = _layout(photos, table, places)
    on = resolve_device(device)
    network = fold_batch_norm(model.network, size_px=model.card.image_size).to(on)
    side = model.card.image_size

    def read(candidate: Candidate) -> tuple[Candidate, Any]:
        try:
            pixels = decode_photo(candidate.path, max_pixels=config.check.max_pixels, shorter_side_px=side)
        except PhotoError as error:
            return candidate, error
        return candidate, pixels

    read_ones: list[Candidate] = []
    logits: list[torch.Tensor] = []
    candidates = progress.track(layout.candidates(), total=layout.total, label="Evaluating")
    for batch in in_batches(in_order(read, candidates), BATCH):
        good = [(candidate, pixels) for candidate, pixels in batch if not isinstance(pixels, PhotoError)]
        for _, error in (item for item in batch if isinstance(item[1], PhotoError)):
            progress.say(f"left out: {error}")
        if good:
            images = model.prepare([pixels for _, pixels in good]).to(on)
            with torch.inference_mode(), autocast(on):
                logits.append(network(images).float().cpu())
            read_ones += [candidate for candidate, _ in good]
    if not read_ones:
        raise InputError(f"{photos} holds no photo that can be read")
    number = {place.key: index for index, place in enumerate(places)}
    runs = name_runs(
        [candidate.name for candidate in read_ones],
        [candidate.row.texts.get("sequence") if candidate.row else None for candidate in read_ones],
        run_photos=config.split.run_photos,
        run_gap=config.split.run_gap,
    )
    outcome = Outcome(
        labels=np.array([number[candidate.place or ""] for candidate in read_ones], np.int64),
        logits=torch.cat(logits).numpy(),
        blocks=runs,
    )
    figures = evaluation_figures(model.card.keys, outcome, temperature=model.card.temperature, config=config)
    return OtherSet(
        figures={**figures, "branded": model.card.branded, "verdict": verdict_of(figures, metadata_near=False)},
        learned=_count_learned(project, model.card, [candidate.path for candidate in read_ones]),
    )


def _count_learned(project: Project, card: Card, files: Sequence[Path]) -> int:
    """How many of the files are those of photos that the network for new photos learned from, by their digests.

    After the refit these are all photos that were split; before it, those of training and validation. Where the split
    is no longer that of the card, every photo that is kept counts.
    """
    with project.catalog() as catalog:
        digests = {photo.photo_id: photo.sha256 for photo in catalog.photos(state="fetched")}
    try:
        split = read_split(project)
    except ProjectError:
        split = None
    if split is not None and split.digest == card.split_digest:
        refitted = card.model["sha256"] != card.evaluated["sha256"]
        learned = {i for i, subset in split.subset_of().items() if refitted or subset in ("train", "validation")}
        digests = {photo_id: sha256 for photo_id, sha256 in digests.items() if photo_id in learned}
    known = set(digests.values())
    return sum(digest_file(file) in known for file in files)


def _places(card: Card, config: Config) -> list[PlaceConfig]:
    """The model's places, called as the settings call them now: a label may have changed since training."""
    labels = {place.key: place.label for place in config.places}
    return [PlaceConfig(key=place["key"], label=labels.get(place["key"]) or place["label"]) for place in card.places]


def _layout(photos: Path, table: Path | None, places: list[PlaceConfig]) -> Layout:
    if table is not None:
        return by_table(photos, table, places, masks=None, now=datetime.now(UTC))
    return choose_layout(photos, places, {}, masks=None)
