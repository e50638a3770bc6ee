"""Balanced accuracy over all folds, each fold once the test: the recipe beside a plain linear probe, as JSON.

    python bench/folds.py PROJECT [--seed 0]

Every fold is split, trained, chosen and judged as `machinami split`, `train` and `evaluate` do it; the frozen trunk's
views are computed once for all folds, and a fold that was answered before is read from the cache. The plain probe
sees whole photos at the size of the crops, one view each. Balanced accuracy is the mean recall over the places, of all
test photos of all folds together ("pooled"), and as the mean over the folds.
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
from machinami.evaluate.again import Field
from machinami.evaluate.cross_validation import answer_folds, fold_figures
from machinami.evaluate.further import frozen_vectors
from machinami.evaluate.metrics import balanced_accuracy, confusion_matrix
from machinami.places import resolve_places
from machinami.project import Project
from machinami.split import plan_split
from machinami.train.photos import read_learning, read_rest
from machinami.train.probe import fit_probe


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
    split = plan_split(project, config)
    with project.catalog() as catalog:
        places = tuple(place.key for place in resolve_places(config, catalog))
    photos = read_learning(project, config, split) + read_rest(project, config, split)
    field = Field(project=project, config=config, photos=photos, places=places, device=torch.device("cpu"))
    plain = replace(config, train=replace(config.train, whole_size=config.train.image_size))
    vectors, ids = frozen_vectors(replace(field, config=plain), np.arange(len(photos.photos))), photos.photo_ids()
    number = {photo_id: row for row, photo_id in enumerate(ids)}
    probed, rows = [], []
    started = time.monotonic()
    folds = []
    for fold in answer_folds(field, split):
        folds.append(fold)
        laid = plan_split(project, replace(config, split=replace(config.split, fold=fold.fold)))
        train, validation = ([number[photo_id] for photo_id in laid.photos(name)] for name in ("train", "validation"))
        test = [number[photo_id] for photo_id in fold.photo_ids]
        probe = fit_probe(
            vectors[train],
            field.labels()[train],
            places=len(places),
            validation=(vectors[validation], field.labels()[validation]),
        )
        probed.append((vectors[test] @ probe.weight.T + probe.bias).argmax(axis=1))
        outcome = fold.outcome
        row = {
            "fold": fold.fold,
            "test_photos": len(test),
            "plain_probe": balanced(outcome.labels, probed[-1], len(places)),
            "evaluated": balanced(outcome.labels, outcome.logits.argmax(axis=1), len(places)),
            "seconds": round(time.monotonic() - started, 1),
        }
        started = time.monotonic()
        rows.append(row)
        print(json.dumps(row), file=sys.stderr, flush=True)
    labels = np.concatenate([fold.outcome.labels for fold in folds])
    said = {
        "plain_probe": np.concatenate(probed),
        "evaluated": np.concatenate([fold.outcome.logits.argmax(axis=1) for fold in folds]),
    }
    return {
        "places": {place: int((field.labels() == index).sum()) for index, place in enumerate(places)},
        "seed": config.seed,
        "folds": rows,
        "pooled": {name: balanced(labels, answers, len(places)) for name, answers in said.items()},
        "mean_of_folds": {name: round(float(np.mean([row[name] for row in rows])), 4) for name in said},
        "cross_validation": fold_figures(folds, config=config),
    }


def balanced(labels: Any, predicted: Any, places: int) -> float:
    return round(float(balanced_accuracy(confusion_matrix(labels, predicted, places=places))), 4)


if __name__ == "__main__":
    main()
