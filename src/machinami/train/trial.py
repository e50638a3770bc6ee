"""Candidates fitted from the same photos and judged on the same validation photos."""

import copy
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from machinami.images.augment import crop_randomly, resize_plainly
from machinami.models.device import autocast
from machinami.models.network import PlaceModel
from machinami.models.weights import WeightsOrigin
from machinami.train.loop import Curve, TrainingData, fit_stages
from machinami.train.probe import Probe, fit_probe, install_probe
from machinami.train.task import Choice, Conditions, LearningSet, Rows
from machinami.train.views import cache_views, chances_of

__all__ = ["Judged", "Trial", "blend_models"]

BLENDS = (0.25, 0.5, 0.75, 1.0)  # shares of the way from the probe to the tuned weights that are tried
BATCH = 64


def blend_models(probe: PlaceModel, tuned: PlaceModel, share: float) -> PlaceModel:
    """A copy whose tensors lie `share` of the way from `probe` to `tuned` (Wortsman et al. 2022, equation 1)."""
    start, end = probe.state_dict(), tuned.state_dict()
    blended = copy.deepcopy(tuned)
    blended.load_state_dict(
        {
            name: torch.lerp(start[name], end[name], share) if end[name].is_floating_point() else end[name]
            for name in end
        }
    )
    return blended.eval()


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate with its loss and logits, float32 (n, places), on the validation photos."""

    model: PlaceModel
    choice: Choice
    loss: float
    logits: Tensor


class Trial:
    """One run of the recipe: fits candidates from the same photos and judges them on the same validation photos."""

    def __init__(
        self, model: PlaceModel, origin: WeightsOrigin, photos: LearningSet, cut: str, conditions: Conditions
    ) -> None:
        self.photos, self.conditions = photos, conditions
        self.config, self.device = conditions.config, conditions.device
        self.views = cache_views(model, photos.pixels, photos.photo_ids, cut, origin.digest, conditions)
        self.model = model.to(self.device)
        self.candidates: dict[str, dict[str, float]] = {}

    def fit_probe(self, *, strength: float | None = None) -> Probe:
        """Fit the probe on all views of the training photos and make it the model's classifier."""
        train, validation = self.photos.train, self.photos.validation
        count = len(self.views.maps)
        vectors = np.concatenate([self._vectors(train, view) for view in range(count)])
        held_out = None
        if strength is None:
            held_out = (self._vectors(validation, 0), self.photos.labels[validation])
        probe = fit_probe(
            vectors,
            np.tile(self.photos.labels[train], count),
            places=len(self.model.places),
            validation=held_out,
            strength=strength,
        )
        install_probe(self.model, probe)
        return probe

    def tune(self, *, start: str | None, epochs: int | None = None) -> tuple[PlaceModel, Curve]:
        """A copy of the model with the stages behind `start` trained; without `epochs`, validation ends it early."""
        tuned = copy.deepcopy(self.model)
        curve = fit_stages(
            tuned,
            TrainingData(self.photos.labels, self.photos.train, self._draw_views if start else self._draw_crops),
            start=start,
            conditions=self.conditions,
            epochs=epochs if epochs is not None else self.config.epochs,
            validate=None if epochs is not None else lambda: self._figures(self._logits(tuned, start)),
        )
        return tuned, curve

    def judge(self, model: PlaceModel, choice: Choice) -> Judged:
        """The model with its figures on the validation photos, which are noted."""
        logits = self._logits(model, None if choice.tuned == "all" else choice.cut)
        loss, accuracy = self._figures(logits)
        name = choice.tuned if choice.tuned == "probe" else f"{choice.tuned} × {choice.blend:g}"
        self.candidates[name] = {"loss": round(loss, 6), "balanced_accuracy": round(accuracy, 6)}
        return Judged(model, choice, loss, logits)

    def blend(self, probe: PlaceModel, tuned: PlaceModel, best: Judged, curve: Curve, *, forced: bool) -> Judged:
        """The better of `best` and the blends of probe and tuned model; where forced, the best of the blends."""
        kind = "all" if self.config.tune == "all" or best.choice.tuned == "last" else "last"
        tries = [
            self.judge(
                blend_models(probe, tuned, share),
                replace(best.choice, tuned=kind, epochs=max(1, curve.best_epoch), blend=share),
            )
            for share in BLENDS
        ]
        return min(tries if forced else [best, *tries], key=lambda judged: judged.loss)

    def _figures(self, logits: Tensor) -> tuple[float, float]:
        """Loss and balanced accuracy on the validation photos, each place weighing the same."""
        labels = torch.from_numpy(self.photos.labels[self.photos.validation])
        losses = F.cross_entropy(logits, labels, reduction="none")
        right = (logits.argmax(dim=1) == labels).float()
        there = labels.unique()
        loss = torch.stack([losses[labels == place].mean() for place in there]).mean()
        return float(loss), float(torch.stack([right[labels == place].mean() for place in there]).mean())

    def _logits(self, model: PlaceModel, start: str | None) -> Tensor:
        """float32 (n, places) of the validation photos, on the CPU."""
        rows = self.photos.validation
        parts = []
        for begin in range(0, len(rows), BATCH):
            chosen = rows[begin : begin + BATCH]
            inputs = self.views.take(chosen, 0) if start else self._plain(chosen)
            with torch.inference_mode(), autocast(self.device):
                maps = model.run_stages(inputs.to(self.device), start=start)
                parts.append(model.classify(maps).float().cpu())
        return torch.cat(parts)

    def _vectors(self, rows: Rows, view: int) -> npt.NDArray[np.float32]:
        """Pooled features (n, C) of one view of the photos."""
        parts = []
        for begin in range(0, len(rows), BATCH):
            maps = self.views.take(rows[begin : begin + BATCH], view).to(self.device)
            with torch.inference_mode(), autocast(self.device):
                pooled = self.model.pool(self.model.run_stages(maps, start=self.views.cut))
            parts.append(pooled.float().cpu().numpy())
        return np.concatenate(parts)

    def _draw_views(self, rows: Rows, rng: np.random.Generator) -> Tensor:
        count = len(self.views.maps)
        return self.views.take(rows, rng.integers(1, count, len(rows)) if count > 1 else 0)

    def _draw_crops(self, rows: Rows, rng: np.random.Generator) -> Tensor:
        pixels = torch.from_numpy(self.photos.pixels.squares.take(rows)).to(self.device)
        seeds = [(int(number),) for number in rng.integers(0, 2**32, len(rows))]
        images = crop_randomly(pixels, size_px=self.config.image_size, chances=chances_of(self.config), seeds=seeds)
        return self.model.standardise(images)

    def _plain(self, rows: Rows) -> Tensor:
        pixels = torch.from_numpy(self.photos.pixels.squares.take(rows)).to(self.device)
        return self.model.standardise(resize_plainly(pixels, size_px=self.config.whole_px))
