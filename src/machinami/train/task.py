"""What a fit is given, and what validation decides in it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from machinami.config import TrainConfig
from machinami.images.cache import PixelCache
from machinami.progress import Progress, silent

__all__ = ["Choice", "Conditions", "LearningSet", "Rows"]

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a fit is run with, beside its photos."""

    config: TrainConfig
    seed: int
    device: torch.device
    folder: Path  # for cached views
    progress: Progress = silent


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningSet:
    """Photos to learn from. Nothing of the test blocks is in it."""

    photo_ids: tuple[int, ...]
    labels: npt.NDArray[np.int64]  # (N,), places by number
    train: Rows  # row numbers
    validation: Rows
    pixels: PixelCache


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What validation decided; enough to fit the same way again on other photos."""

    tuned: str  # "probe", "last" or "all"
    cut: str  # the frozen trunk ends behind this stage
    strength: float  # of the probe
    epochs: int = 0  # of the tuning
    blend: float = 0.0  # share of the way from the probe to the tuned weights
