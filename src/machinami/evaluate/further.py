"""The figures that need further fits: a random split beside the blocks, every fold as the test, parts of the blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from machinami.evaluate.again import Field
from machinami.evaluate.cross_validation import answer_folds, fold_figures
from machinami.evaluate.learning_curve import Sample, learning_curve
from machinami.evaluate.random_split import gap_figures, random_outcome
from machinami.models.device import autocast
from machinami.split import Split
from machinami.train.inputs import resolve_weights
from machinami.train.probe import fit_probe
from machinami.train.recipe import cut_of, start_model
from machinami.train.task import Conditions
from machinami.train.views import cache_views

__all__ = ["frozen_vectors", "further_figures", "pick_rows"]

BATCH = 64
MOST_PHOTOS = 20_000  # of a subset, for the probes of the learning curve: more would take minutes and tell no more

Ints = npt.NDArray[np.int64]


def further_figures(
    field: Field, split: Split, test: Mapping[str, Any], *, cross_validate: bool
) -> dict[str, dict[str, Any] | None]:
    """The parts "random_split", "cross_validation" and "learning_curve" of evaluation.json.

    `test`: its part "test". None stands for what is not asked for; a split that is itself random has no gap to one.
    """
    asked = field.config.evaluate
    found: dict[str, dict[str, Any] | None] = dict.fromkeys(("random_split", "cross_validation", "learning_curve"))
    if asked.learning_curve:
        found["learning_curve"] = _curve(field, split)
    if asked.random_split and split.strategy != "random":
        field.progress.say("The same recipe on a random split, for comparison")
        found["random_split"] = gap_figures(random_outcome(field, split), test, config=field.config)
    if cross_validate or asked.cross_validate:
        found["cross_validation"] = fold_figures(list(answer_folds(field, split)), config=field.config)
    return found


def _curve(field: Field, split: Split) -> dict[str, Any] | None:
    block_of, ids, labels = split.block_of(), field.photos.photo_ids(), field.labels()
    blocks = np.array([block_of[photo_id] for photo_id in ids])
    rng = np.random.default_rng([field.config.seed, 0xC04E])
    samples = {}
    for subset in ("train", "validation", "test"):
        rows = pick_rows(field.photos.rows(subset), blocks, most=MOST_PHOTOS, rng=rng)
        vectors = frozen_vectors(field, rows)
        samples[subset] = Sample(vectors=vectors, labels=labels[rows], blocks=blocks[rows].tolist())
    train, validation, test = samples["train"], samples["validation"], samples["test"]
    if len(set(train.labels.tolist())) < len(field.places) or not len(test.labels):
        return None
    strength = fit_probe(
        train.vectors,
        train.labels,
        places=len(field.places),
        validation=(validation.vectors, validation.labels),
    ).strength
    return learning_curve(
        train, test, places=field.places, strength=strength, config=field.config.evaluate, seed=field.config.seed
    )


def pick_rows(rows: Ints, blocks: Sequence[str] | npt.NDArray[Any], *, most: int, rng: np.random.Generator) -> Ints:
    """The rows, ascending; where they are more than `most`, the same number at random of each block, at least one.

    `blocks`: names, of all rows.
    """
    if len(rows) <= most:
        return rows
    rows = rng.permutation(rows)
    _, block_of, photos = np.unique(np.asarray(blocks)[rows], return_inverse=True, return_counts=True)
    order = np.argsort(block_of, kind="stable")
    rank = np.zeros(len(rows), np.int64)
    rank[order] = np.arange(len(rows)) - np.repeat(np.cumsum(photos) - photos, photos)
    return np.sort(rows[rank < max(1, most // len(photos))])


def frozen_vectors(field: Field, rows: Ints) -> npt.NDArray[np.float32]:
    """float32 (n, C): what the pretrained network, not trained on these photos, makes of them; uncropped."""
    settings = replace(resolve_weights(field.project, field.config.train), views=0)
    model, origin = start_model(field.places, settings, seed=field.config.seed)
    conditions = Conditions(
        config=settings,
        seed=field.config.seed,
        device=field.device,
        folder=field.project.cache,
        progress=field.progress,
    )
    photos, cut = field.photos, cut_of(model)
    views = cache_views(model, photos.pixels, photos.photo_ids(), cut, origin.digest, conditions)
    model = model.to(field.device)
    parts = []
    for start in range(0, len(rows), BATCH):
        maps = views.take(rows[start : start + BATCH], 0).to(field.device)
        with torch.inference_mode(), autocast(field.device):
            parts.append(model.pool(model.run_stages(maps, start=cut)).float().cpu().numpy())
    return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)
