"""The train stage: from split.json to a model folder; and the refit on all blocks once the figures are taken."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from machinami.catalog import Photo
from machinami.config import Config, PlaceConfig
from machinami.errors import InputError, Interrupted, ModelError
from machinami.files import digest_json
from machinami.models.card import Card
from machinami.models.device import resolve_device, using_threads
from machinami.models.folder import load_model, save_model
from machinami.models.weights import WeightsOrigin
from machinami.places import label_of, resolve_places
from machinami.progress import Progress, silent
from machinami.project import Project, versions
from machinami.split import Split, check_places, read_split
from machinami.train.inputs import refit_inputs, resolve_weights, train_inputs
from machinami.train.photos import SplitPixels, read_learning, read_rest
from machinami.train.recipe import Fitted, fit_again, fit_with_validation, start_model
from machinami.train.task import Choice, Conditions, LearningSet
from machinami.train.temperature import fit_temperature

__all__ = ["TrainReport", "refit_project", "train_project"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainReport:
    """What was trained, and what validation said of it."""

    photos: int
    tuned: str
    candidates: dict[str, dict[str, float]]  # by name: loss and balanced accuracy on the validation photos
    temperature: float
    best_epoch: int
    interrupted: bool
    branded: str | None = None  # what every result must say of a random split


def train_project(
    project: Project,
    config: Config,
    *,
    device: str = "auto",
    threads: int | None = None,
    endpoint: str | None = None,
    progress: Progress = silent,
) -> TrainReport:
    """Train on the training blocks, choose on the validation blocks, and write model/. Test photos are not read.

    Ctrl-C keeps the best state so far as the model, and raises Interrupted.
    """
    with (
        project.stage("train", inputs=train_inputs(project, config), config=config) as run,
        using_threads(threads),
    ):
        split, settings = read_split(project), resolve_weights(project, config.train)
        on = resolve_device(device)
        with project.catalog() as catalog:
            places = resolve_places(config, catalog)
        keys = tuple(place.key for place in places)
        check_places(project, split, keys)
        model, origin = start_model(keys, settings, seed=config.seed, endpoint=endpoint)
        photos = read_learning(project, config, split, progress=progress)
        learning = LearningSet(
            photo_ids=photos.photo_ids(),
            labels=photos.labels(model.places),
            train=photos.rows("train"),
            validation=photos.rows("validation"),
            pixels=photos.pixels,
        )
        conditions = Conditions(config=settings, seed=config.seed, device=on, folder=project.cache, progress=progress)
        fitted = fit_with_validation(model, origin, learning, conditions)
        fitted.model.temperature = fit_temperature(learning.labels[learning.validation], fitted.validation_logits)
        card = _card(places, config, fitted, origin, photos, split)
        card = save_model(project.model, {"evaluated": fitted.model, "model": fitted.model}, card)
        run.notes |= {"model": card.evaluated["sha256"], "split": split.digest, "device": str(on)}
        if fitted.interrupted:
            raise Interrupted(
                "training was stopped; the best state so far is kept as the model, and "
                f"`machinami train {project.root}` trains it to the end"
            )
    return TrainReport(
        photos=len(photos.photos),
        tuned=card.tuned,
        candidates=fitted.candidates,
        temperature=fitted.model.temperature,
        best_epoch=fitted.curve.best_epoch,
        interrupted=False,
        branded=card.branded,
    )


def refit_project(
    project: Project,
    config: Config,
    *,
    device: str = "auto",
    threads: int | None = None,
    progress: Progress = silent,
) -> Card:
    """Fit once more, in the same way, on the photos of all blocks: the model for new photos.

    The evaluated model stays beside it: figures and heatmaps are of that one.
    """
    with (
        project.stage("refit", inputs=refit_inputs(project, config), config=config) as run,
        using_threads(threads),
    ):
        evaluated = load_model(project.model, which="evaluated")
        split, settings = read_split(project), resolve_weights(project, config.train)
        photos = read_learning(project, config, split, progress=progress)
        photos += read_rest(project, config, split, progress=progress)
        on = resolve_device(device)
        weights = evaluated.card.weights
        model, origin = start_model(evaluated.card.keys, settings, seed=config.seed)
        if origin.digest != weights["digest"]:
            raise InputError(
                f"the pretrained weights have changed since training ({weights['source']}): run "
                f"`machinami train {project.root}` again"
            )
        model.mean, model.std = evaluated.network.mean, evaluated.network.std  # one card tells both networks' input
        learning = LearningSet(
            photo_ids=photos.photo_ids(),
            labels=photos.labels(model.places),
            train=np.arange(len(photos.photos)),
            validation=np.arange(0),
            pixels=photos.pixels,
        )
        choice = _choice(evaluated.card, project)
        conditions = Conditions(config=settings, seed=config.seed, device=on, folder=project.cache, progress=progress)
        model = fit_again(model, origin, learning, choice, conditions)
        card = evaluated.card
        facts = {**card.model, "trained_on": f"{len(photos.photos)} photos of all blocks"}
        card = save_model(project.model, {"model": model}, replace(card, model=facts, photos=_sources(photos.photos)))
        run.notes |= {"model": card.model["sha256"], "device": str(on)}
    return card


def _choice(card: Card, project: Project) -> Choice:
    """What validation decided, from the card. Raises ModelError where the card does not tell."""
    try:
        return Choice(**card.training["choice"])
    except (KeyError, TypeError) as error:
        raise ModelError(
            f"{project.model / 'card.json'} does not tell how the network was trained: run `machinami train "
            f"{project.root}` again"
        ) from error


def _sources(photos: Sequence[Photo]) -> dict[str, Any]:
    """Where the photos came from and under what licence: what has to be named when the model is passed on."""
    return {
        "count": len(photos),
        "sources": dict(Counter(photo.source for photo in photos)),
        "licences": dict(Counter(photo.licence or "not stated" for photo in photos)),
        "creators": len({photo.creator for photo in photos if photo.creator}),
    }


def _card(
    places: Sequence[PlaceConfig],
    config: Config,
    fitted: Fitted,
    origin: WeightsOrigin,
    photos: SplitPixels,
    split: Split,
) -> Card:
    trained_on = f"{len(photos.rows('train'))} photos of the training blocks"
    model, choice = fitted.model, fitted.choice
    tuned = {"probe": "probe", "last": f"the stages behind {choice.cut}", "all": "all stages"}[choice.tuned]
    return Card(
        places=[{"key": place.key, "label": label_of(place)} for place in places],
        backbone=config.train.backbone,
        image_size=config.train.whole_px,
        mean=list(model.mean),
        std=list(model.std),
        temperature=model.temperature,
        weights=asdict(origin),
        tuned=tuned,
        model={"trained_on": trained_on},
        evaluated={"trained_on": trained_on},
        split_digest=split.digest,
        branded=split.branded,
        data_digest=digest_json(sorted(photo.sha256 or "" for photo in photos.photos)),
        seed=config.seed,
        versions=versions(),
        photos=_sources(photos.photos),
        training={
            "choice": asdict(choice),
            "candidates": fitted.candidates,
            "curve": asdict(fitted.curve),
            "crop_px": config.train.image_size,
            "interrupted": fitted.interrupted,
        },
    )
