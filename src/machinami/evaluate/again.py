"""The same recipe on another assignment of the same photos: a network that answers its test photos and is gone."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from machinami.config import Config
from machinami.files import digest_json, replacing
from machinami.images.augment import resize_plainly
from machinami.images.cache import Stacked
from machinami.models.device import autocast
from machinami.models.folding import fold_batch_norm
from machinami.models.network import PlaceModel
from machinami.progress import Progress, silent
from machinami.project import Project, versions
from machinami.train.inputs import resolve_weights
from machinami.train.photos import SplitPixels
from machinami.train.recipe import fit_with_validation, start_model
from machinami.train.task import Conditions, LearningSet

__all__ = ["Field", "answer_again"]

FORMAT = 2
BATCH = 32
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What every further fit of an evaluation shares."""

    project: Project
    config: Config
    photos: SplitPixels  # those to learn from, then the rest: two groups of pixels, as train and refit cache them
    places: tuple[str, ...]
    device: torch.device
    progress: Progress = silent

    def labels(self) -> Ints:
        """int64 (N,): places by number."""
        return self.photos.labels(self.places)


def answer_again(field: Field, subsets: Sequence[str]) -> Floats:
    """Logits float32 (n, places), not calibrated, of the photos whose subset is "test", in the order of rows.

    `subsets`: N, train, validation or test; anything else is left out. The schedule, and what validation chooses,
    are found anew, as `train_project` finds them; only the frozen trunk's views are shared. The network is never
    saved. Its answers are, in cache/, under a digest of all that they depend on: what a killed run had finished is
    not done again. Ctrl-C ends the fit with KeyboardInterrupt.
    """
    config, photos = field.config, field.photos
    settings = resolve_weights(field.project, config.train)
    model, origin = start_model(field.places, settings, seed=config.seed)
    subset_of = np.array(subsets)
    computing = [field.device.type, torch.get_num_threads(), versions()]
    facts = [FORMAT, photos.pixels.keys, photos.photo_ids(), field.labels().tolist(), list(subsets), field.places]
    digest = digest_json([*facts, asdict(settings), origin.digest, config.seed, *computing])
    file = field.project.cache / f"answers-{digest[:24]}.npy"
    test = np.flatnonzero(subset_of == "test")
    if (found := _open(file, shape=(len(test), len(field.places)))) is not None:
        return found
    learning = LearningSet(
        photo_ids=photos.photo_ids(),
        labels=field.labels(),
        train=np.flatnonzero(subset_of == "train"),
        validation=np.flatnonzero(subset_of == "validation"),
        pixels=photos.pixels,
    )
    conditions = Conditions(
        config=settings,
        seed=config.seed,
        device=field.device,
        folder=field.project.cache,
        progress=field.progress,
    )
    fitted = fit_with_validation(model, origin, learning, conditions)
    if fitted.interrupted:
        raise KeyboardInterrupt
    logits = _answer(fitted.model, photos.pixels.squares, test, size_px=settings.whole_px, device=field.device)
    with replacing(file) as aside:
        np.save(aside, logits)
    return logits


def _answer(model: PlaceModel, squares: Stacked, rows: Ints, *, size_px: int, device: torch.device) -> Floats:
    network = fold_batch_norm(model, size_px=size_px).to(device)
    parts = [np.zeros((0, len(model.places)), np.float32)]
    for start in range(0, len(rows), BATCH):
        pixels = torch.from_numpy(squares.take(rows[start : start + BATCH]))
        images = model.standardise(resize_plainly(pixels, size_px=size_px))
        with torch.inference_mode(), autocast(device):
            parts.append(network(images.to(device)).float().cpu().numpy())
    return np.concatenate(parts)


def _open(file: Path, *, shape: tuple[int, int]) -> Floats | None:
    """The answers in a cache file; None where they have to be made (again)."""
    try:
        found = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):  # there is none, or it was cut
        return None
    whole = isinstance(found, np.ndarray) and found.shape == shape and found.dtype == np.float32
    return found if whole and bool(np.isfinite(found).all()) else None
