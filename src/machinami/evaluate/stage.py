"""The evaluate stage: predictions for all photos by the evaluated network, and its figures on the test blocks."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from machinami.config import Config
from machinami.errors import NotReady
from machinami.evaluate.again import Field
from machinami.evaluate.figures import Outcome, evaluation_figures
from machinami.evaluate.further import further_figures
from machinami.evaluate.ledger import count_openings
from machinami.evaluate.metrics import softmax
from machinami.evaluate.predictions import Predictions, write_predictions
from machinami.evaluate.simpler import simpler_figures
from machinami.evaluate.verdict import verdict_of
from machinami.files import write_json
from machinami.images.cache import Stacked
from machinami.models.device import autocast, resolve_device, using_threads
from machinami.models.folder import LoadedModel, load_model, note_figures
from machinami.models.folding import fold_batch_norm
from machinami.progress import Progress, silent
from machinami.project import Project
from machinami.split import Split, read_split
from machinami.train.inputs import evaluate_inputs
from machinami.train.photos import SplitPixels, read_learning, read_rest

__all__ = ["Evaluation", "compute_logits", "evaluate_project"]

BATCH = 32
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The figures, as they stand in evaluation.json."""

    figures: dict[str, Any]
    file: Path


def evaluate_project(
    project: Project,
    config: Config,
    *,
    device: str = "auto",
    threads: int | None = None,
    cross_validate: bool = False,
    progress: Progress = silent,
) -> Evaluation:
    """Open the test blocks: write predictions/ and evaluation.json, and note the figures on the model's card.

    The figures that need further fits come last, so that a stopped run has left the others. `cross_validate` asks
    for one of them that the settings may not ask for. Raises NotReady without a split or a model of that split.
    """
    with (
        project.stage("evaluate", inputs=evaluate_inputs(project, config), config=config) as run,
        using_threads(threads),
    ):
        split, model = read_split(project), load_model(project.model, which="evaluated")
        if model.card.split_digest != split.digest:
            raise NotReady("the model was trained on another split", command=f"machinami train {project.root}")
        digests = {"split_digest": split.digest, "model_digest": model.card.evaluated["sha256"]}
        run.notes |= digests
        photos = read_learning(project, config, split, progress=progress)
        photos += read_rest(project, config, split, progress=progress)
        on = resolve_device(device)
        logits = compute_logits(model, photos.pixels.squares, device=on, progress=progress)
        write_predictions(project.predictions, [_predictions(model, photos, logits, split)])
        test, blocks = photos.rows("test"), split.block_of()
        figures = evaluation_figures(
            model.card.keys,
            Outcome(
                labels=photos.labels(model.card.keys)[test],
                logits=logits[test],
                blocks=[blocks[photos.photos[row].photo_id] for row in test],
                photo_id=np.array([photos.photos[row].photo_id for row in test], np.int64),
            ),
            temperature=model.card.temperature,
            config=config,
            split=split,
            test_opened=count_openings(project, **digests),
        )
        simpler = simpler_figures(
            photos,
            logits[test].argmax(axis=1).astype(np.int64),
            [blocks[photo_id] for photo_id in photos.photo_ids()],
            places=model.card.keys,
            config=config,
        )
        figures |= {"baselines": simpler.baselines, "confounds": simpler.confounds}
        figures["verdict"] = verdict_of(figures, metadata_near=simpler.metadata_near)
        write_json(project.evaluation_file, figures)
        note_figures(project.model, figures["test"] | {"verdict": figures["verdict"]["code"]})
        field = Field(
            project=project, config=config, photos=photos, places=model.card.keys, device=on, progress=progress
        )
        figures |= further_figures(field, split, figures["test"], cross_validate=cross_validate)
        write_json(project.evaluation_file, figures)
    return Evaluation(figures=figures, file=project.evaluation_file)


def compute_logits(
    model: LoadedModel, squares: Stacked, *, device: torch.device, progress: Progress = silent
) -> Floats:
    """float32 (N, places), not calibrated, of photos in a pixel cache."""
    network = fold_batch_norm(model.network, size_px=model.card.image_size).to(device)
    starts = range(0, len(squares), BATCH)
    parts = []
    for start in progress.track(starts, total=len(starts), label="Predicting", unit="batches"):
        rows = np.arange(start, min(start + BATCH, len(squares)))
        with torch.inference_mode(), autocast(device):
            logits = network(model.prepare_squares(squares.take(rows)).to(device))
        parts.append(logits.float().cpu().numpy())
    return np.concatenate(parts)


def _predictions(model: LoadedModel, photos: SplitPixels, logits: Floats, split: Split) -> Predictions:
    blocks = split.block_of()
    return Predictions(
        places=model.card.keys,
        photo_id=np.array(photos.photo_ids(), np.int64),
        place=[photo.place or "" for photo in photos.photos],
        probabilities=softmax(logits, temperature=model.card.temperature).astype(np.float32),
        split=list(photos.subsets),
        block=[blocks[photo_id] for photo_id in photos.photo_ids()],
    )
