"""Balanced accuracy over all folds, each fold once the test: the recipe beside a plain linear probe, as JSON.

    python bench/folds.py PROJECT [--seed 0]

Every fold is split, trained, chosen and judged as `machinami split`, `train` and `evaluate` do it; the frozen trunk's
views are computed once for all folds. The plain probe sees whole photos at the size of the crops, one view each.
Balanced accuracy is the mean recall over the places, of all test photos of all folds together ("pooled"), and as the
mean over the folds.
"""

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from machinami.config import Config
from machinami.evaluate.metrics import balanced_accuracy, confusion_matrix
from machinami.images.cache import cache_pixels
from machinami.models.network import PlaceModel
from machinami.places import resolve_places
from machinami.project import Project
from machinami.split import photos_to_split, split_photos
from machinami.train.recipe import cut_of, fit_with_validation, start_model
from machinami.train.task import Conditions, LearningSet
from machinami.train.trial import Trial


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    project = Project.open(arguments.project)
    config = replace(project.config(), seed=arguments.seed)
    print(json.dumps(measure(project, config), indent=1))


def measure(project: Project, config: Config) -> dict[str, Any]:
    """The table of all folds."""
    with project.catalog() as catalog:
        photos = list(catalog.photos(state="fetched"))
        places = tuple(place.key for place in resolve_places(config, catalog))
    labels = np.array([places.index(photo.place or "") for photo in photos], np.int64)
    size_px = config.train.whole_px
    limit = config.check.max_pixels
    pixels = cache_pixels(project.cache, [photos], size_px=size_px, path_of=project.path_of, max_pixels=limit)
    everything = LearningSet(
        photo_ids=tuple(photo.photo_id for photo in photos),
        labels=labels,
        train=np.arange(0),
        validation=np.arange(0),
        pixels=pixels,
    )
    conditions = Conditions(config=config.train, seed=config.seed, device=torch.device("cpu"), folder=project.cache)
    candidates = photos_to_split(project, config)
    said: dict[str, np.ndarray[Any, np.dtype[np.int64]]] = {}
    rows: list[dict[str, Any]] = []
    for fold in range(config.split.folds):
        started = time.monotonic()
        split = split_photos(candidates, replace(config.split, fold=fold), seed=config.seed)
        subset_of = split.subset_of()
        subsets = np.array([subset_of[photo.photo_id] for photo in photos])
        chosen = replace(
            everything, train=np.flatnonzero(subsets == "train"), validation=np.flatnonzero(subsets == "validation")
        )
        test = np.flatnonzero(subsets == "test")
        row: dict[str, Any] = {"fold": fold, "test_photos": len(test)}
        for name, answers, note in judge(places, chosen, test, conditions):
            said.setdefault(name, np.full(len(photos), -1, np.int64))[test] = answers
            row[name] = balanced(labels[test], answers, len(places))
            row |= note
        rows.append({**row, "seconds": round(time.monotonic() - started, 1)})
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    tested = {name: answers >= 0 for name, answers in said.items()}
    return {
        "places": {place: int((labels == index).sum()) for index, place in enumerate(places)},
        "seed": config.seed,
        "folds": rows,
        "pooled": {n: balanced(labels[tested[n]], a[tested[n]], len(places)) for n, a in said.items()},
        "mean_of_folds": {n: round(float(np.mean([row[n] for row in rows])), 4) for n in said},
    }


def judge(places: tuple[str, ...], photos: LearningSet, test: Any, conditions: Conditions) -> Any:
    """(name, answers for the test rows, notes) of the plain probe and of the recipe."""

    def fresh() -> tuple[PlaceModel, Any]:
        return start_model(places, conditions.config, seed=conditions.seed)

    model, origin = fresh()
    plain = replace(conditions, config=replace(conditions.config, views=0, whole_size=conditions.config.image_size))
    trial = Trial(model, origin, photos, cut_of(model), plain)
    trial.fit_probe()
    yield "plain_probe", answers(model, origin, photos, test, plain), {}

    model, origin = fresh()
    fitted = fit_with_validation(model, origin, photos, conditions)
    note = {"choice": fitted.choice.tuned, "blend": fitted.choice.blend, "epochs": fitted.choice.epochs}
    yield "evaluated", answers(fitted.model, origin, photos, test, conditions), note


def answers(model: PlaceModel, origin: Any, photos: LearningSet, test: Any, conditions: Conditions) -> Any:
    trial = Trial(model, origin, replace(photos, validation=test), cut_of(model), conditions)
    return trial._logits(model, cut_of(model)).argmax(dim=1).numpy()  # noqa: SLF001


def balanced(labels: Any, predicted: Any, places: int) -> float:
    return round(float(balanced_accuracy(confusion_matrix(labels, predicted, places=places))), 4)


if __name__ == "__main__":
    main()
