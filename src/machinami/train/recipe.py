"""What is trained: a probe first, then the last stages from cached views, then all where it pays; validation chooses.

Linear probing before fine-tuning (LP-FT) keeps what the pretrained features know about ground never seen (Kumar et
al., ICLR 2022), and so does going only part of the way from the probe to the tuned weights (WiSE-FT: Wortsman et al.,
CVPR 2022, equation 1); how far, the validation blocks say.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from machinami.config import TrainConfig
from machinami.models.network import PlaceModel
from machinami.models.weights import WeightsOrigin, load_weights
from machinami.train.loop import Curve
from machinami.train.task import Choice, Conditions, LearningSet
from machinami.train.trial import Trial, blend_models

__all__ = ["Fitted", "cut_of", "fit_again", "fit_with_validation", "start_model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A trained network and how it came about."""

    model: PlaceModel
    choice: Choice
    curve: Curve
    candidates: dict[str, dict[str, float]]  # validation loss and balanced accuracy of everything that was tried
    validation_logits: npt.NDArray[np.float32]
    interrupted: bool


def start_model(
    places: tuple[str, ...], config: TrainConfig, *, seed: int, endpoint: str | None = None
) -> tuple[PlaceModel, WeightsOrigin]:
    """The network with its pretrained weights, and where they came from.

    Raises WeightsError, ConfigError, and ModelError for a network that makes no feature map of images of that size.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = PlaceModel(config.backbone, places).eval()
    for size_px in {config.image_size, config.whole_px}:
        model.check_size(size_px)
    origin = load_weights(model.network, config.backbone, weights=config.weights, endpoint=endpoint)
    return model.to(memory_format=torch.channels_last), origin


def cut_of(model: PlaceModel) -> str:
    """The stage behind which the last ones are trained: about the last third of a network that has stages.

    EfficientNet-Lite0 is cut behind block 4 and ResNets behind layer 3; a network of one stage has nothing to tune
    from cached maps, so its cut is its end.
    """
    names = model.stage_names()
    for cut in ("block4", "layer3"):
        if cut in names:
            return cut
    return names[-1]


def fit_with_validation(
    model: PlaceModel,
    origin: WeightsOrigin,
    photos: LearningSet,
    conditions: Conditions,
) -> Fitted:
    """Fit what `config.tune` asks for on the training photos, and choose by the loss on the validation photos."""
    cut, config, device = cut_of(model), conditions.config, conditions.device
    trial = Trial(model, origin, photos, cut, conditions)
    model = trial.model
    probe = trial.fit_probe()
    best = trial.judge(model, Choice(tuned="probe", cut=cut, strength=probe.strength))
    curve = Curve()
    if config.tune in ("last", "auto") and cut != model.stage_names()[-1]:
        tuned, curve = trial.tune(start=cut)
        best = trial.blend(model, tuned, best, curve, forced=config.tune == "last")
    wants_all = config.tune == "all" or (config.tune == "auto" and device.type == "cuda")
    if wants_all and not curve.interrupted:
        tuned, curve = trial.tune(start=None)
        best = trial.blend(model, tuned, best, curve, forced=config.tune == "all")
    return Fitted(
        model=best.model,
        choice=best.choice,
        curve=curve,
        candidates=trial.candidates,
        validation_logits=best.logits.numpy(),
        interrupted=curve.interrupted,
    )


def fit_again(
    model: PlaceModel,
    origin: WeightsOrigin,
    photos: LearningSet,
    choice: Choice,
    conditions: Conditions,
) -> PlaceModel:
    """The same schedule on other photos, with everything that validation decided taken over.

    With no validation photos to stop at the best epoch, the schedule runs to its end, where its steps are small.
    """
    trial = Trial(model, origin, photos, choice.cut, conditions)
    trial.fit_probe(strength=choice.strength)
    if choice.tuned == "probe":
        return trial.model
    tuned, curve = trial.tune(start=choice.cut if choice.tuned == "last" else None, epochs=conditions.config.epochs)
    if curve.interrupted:
        raise KeyboardInterrupt
    return blend_models(trial.model, tuned, choice.blend)
