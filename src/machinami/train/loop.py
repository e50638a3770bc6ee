"""The training loop: one-cycle AdamW on class-weighted cross-entropy, with validation after every epoch."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from machinami.config import TrainConfig
from machinami.models.device import autocast
from machinami.models.network import PlaceModel
from machinami.train.task import Conditions, Rows

__all__ = ["Curve", "TrainingData", "fit_stages", "place_weights"]

WARM_UP = 0.25  # share of the steps in which the learning rate rises
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Where a batch comes from: what goes into the stages that are trained."""

    labels: Labels  # (N,), of every row
    rows: Rows  # the training photos
    draw: Callable[[Rows, np.random.Generator], Tensor]  # a random view of each row


@dataclass(slots=True)
class Curve:
    """How training went: one entry an epoch."""

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)  # balanced
    best_epoch: int = 0  # from 1
    interrupted: bool = False


def place_weights(labels: Labels, places: int) -> Tensor:
    """float32 (places,): weights that make every place count the same, mean 1 over the photos."""
    counts = np.bincount(labels, minlength=places)
    return torch.tensor(len(labels) / (places * np.maximum(counts, 1)), dtype=torch.float32)


def fit_stages(
    model: PlaceModel,
    data: TrainingData,
    *,
    start: str | None,
    conditions: Conditions,
    epochs: int,
    validate: Callable[[], tuple[float, float]] | None,
) -> Curve:
    """Train the stages behind `start` (all of them where None) and the classifier, in place.

    The statistics of batch norms stay as they were learned from many more photos than there are here; only a network
    that starts from random weights learns them.
    `validate` gives (loss, balanced accuracy); after training the model is in its state of the lowest loss. Without
    it all `epochs` of the schedule are run. Ctrl-C ends the training with the best state so far.
    """
    config, device = conditions.config, conditions.device
    rng = np.random.default_rng([conditions.seed, 0x7EA1])
    optimiser, schedule = _optimiser(model, start, config, steps=config.epochs * _steps(data.rows, config))
    weights = place_weights(data.labels[data.rows], len(model.places)).to(device)
    curve, best = Curve(), copy.deepcopy(model.state_dict())
    try:
        for epoch in conditions.progress.track(range(1, epochs + 1), total=epochs, label="Training", unit="epochs"):
            if config.weights == "random":
                for module in trained_modules(model, start):
                    module.train()
            losses = []
            for rows in _batches(data.rows, config.batch_size, rng):
                inputs = data.draw(rows, rng).to(device)
                with autocast(device):
                    logits = model.classify(model.run_stages(inputs, start=start))
                labels = torch.from_numpy(data.labels[rows]).to(device)
                smoothing = config.label_smoothing
                loss = F.cross_entropy(logits.float(), labels, weight=weights, label_smoothing=smoothing)
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
                schedule.step()
                losses.append(loss.detach())
            model.eval()
            curve.loss.append(float(torch.stack(losses).mean()))
            if validate is None:
                curve.best_epoch = epoch
                continue
            figures = validate()
            curve.validation_loss.append(figures[0])
            curve.validation_accuracy.append(figures[1])
            if figures[0] <= min(curve.validation_loss):
                curve.best_epoch, best = epoch, copy.deepcopy(model.state_dict())
            if epoch - curve.best_epoch >= config.patience:
                break
    except KeyboardInterrupt:
        curve.interrupted = True
    model.eval()
    if validate is not None:
        model.load_state_dict(best)
    return curve


def _steps(rows: Rows, config: TrainConfig) -> int:
    return -(-len(rows) // config.batch_size)


def _batches(rows: Rows, size: int, rng: np.random.Generator) -> Iterator[Rows]:
    """The rows in random order, in even batches: a last one of a single photo would count as much as a full one."""
    count = -(-len(rows) // size)
    yield from np.array_split(rng.permutation(rows), count)


def trained_modules(model: PlaceModel, start: str | None) -> tuple[nn.Module, ...]:
    """The modules behind stage `start`, classifier excluded."""
    names = model.stage_names()
    first = 0 if start is None else names.index(start) + 1
    return tuple(module for name in names[first:] for module in model.stage_modules(name))


def _optimiser(
    model: PlaceModel, start: str | None, config: TrainConfig, *, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """AdamW without weight decay on norms and biases, and its one-cycle schedule."""
    classifier = list(model.classifier.parameters())
    heads = {id(parameter) for parameter in classifier}
    trunk = {
        id(parameter): parameter
        for module in trained_modules(model, start)
        for parameter in module.parameters()
        if id(parameter) not in heads
    }
    groups = [
        ([p for p in trunk.values() if p.ndim > 1], config.trunk_rate, config.weight_decay),
        ([p for p in trunk.values() if p.ndim <= 1], config.trunk_rate, 0.0),
        (classifier, config.head_rate, config.weight_decay),
    ]
    groups = [group for group in groups if group[0]]
    optimiser = torch.optim.AdamW(
        [{"params": parameters, "lr": rate, "weight_decay": decay} for parameters, rate, decay in groups]
    )
    rates = [rate for _, rate, _ in groups]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, total_steps=max(2, steps), pct_start=WARM_UP)
    return optimiser, schedule
