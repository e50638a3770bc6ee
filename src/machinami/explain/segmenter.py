"""A SegFormer from the model hub or a folder: which region each pixel of a photo shows."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from torch import Tensor, nn

from machinami.config import RegionsConfig
from machinami.errors import MissingExtra, WeightsError
from machinami.explain.inputs import find_folder
from machinami.explain.street_regions import STREET_REGIONS, merge_labels
from machinami.files import digest_file, digest_json
from machinami.models.hub import cached_file, first_line, hub_file

__all__ = ["Segmenter", "load_segmenter"]

Pixels = npt.NDArray[np.uint8]
CONFIG, SCALING, WEIGHTS = "config.json", "preprocessor_config.json", "model.safetensors"
OFFLINE_WAY = (
    "set regions.model to a folder that holds the model's config.json and model.safetensors (pickled weights are not "
    'read; save_pretrained of transformers writes both), or regions.source to "masks" or "colour"'
)
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # mean and deviation that SegFormer was trained with


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segmenter:
    """A loaded SegFormer, and how its labels become regions."""

    name: str  # on the hub, or of its folder
    network: nn.Module  # on the device that computes
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    numbers: Tensor  # int64 (L,): region number of each label, 0 for unlabelled
    unknown: tuple[str, ...]  # labels that no region takes
    size_px: int
    digest: str  # of the weights, the labels, the merging and the size

    def segment(self, photos: Sequence[Pixels]) -> list[Pixels]:
        """Region numbers, uint8 (H, W) each, of photos uint8 (H, W, 3) RGB of one size.

        The probabilities of the labels of a region are added before the likeliest region is taken, so that a van
        that may be a car or a truck is a vehicle.
        """
        device = self.numbers.device
        images = torch.from_numpy(np.stack(photos)).to(device).permute(0, 3, 1, 2).float() / 255
        mean, std = (torch.tensor(values, device=device).view(3, 1, 1) for values in (self.mean, self.std))
        with torch.inference_mode():
            probabilities = self.network(pixel_values=(images - mean) / std).logits.float().softmax(1)
            shape = (len(photos), len(STREET_REGIONS) + 1, *probabilities.shape[2:])
            regions = torch.zeros(shape, device=device).index_add_(1, self.numbers, probabilities)
            full = F.interpolate(regions, size=images.shape[2:], mode="bilinear", align_corners=False)
            return list(full.argmax(1).to(torch.uint8).cpu().numpy())


def load_segmenter(
    settings: RegionsConfig, *, root: Path, device: torch.device, endpoint: str | None = None
) -> Segmenter:
    """The SegFormer that the settings name; a folder is looked for below `root`, `endpoint` is another hub.

    Nothing is unpickled and no code of the checkpoint runs. Raises MissingExtra without transformers, WeightsError
    where the model cannot be had, is damaged, or is no SegFormer.
    """
    try:
        import transformers
    except ImportError as error:
        raise MissingExtra("a segmenter", "regions") from error
    folder = find_folder(settings.model, root)
    files = _files_of(folder) if folder is not None else _fetch(settings, endpoint)
    facts = _read_json(files[CONFIG], settings.model)
    if facts.get("model_type") != "segformer":
        raise WeightsError(f"{settings.model} is no SegFormer (its config.json says {facts.get('model_type')!r})")
    try:
        plan = transformers.SegformerConfig.from_dict(facts)
        numbers, unknown = merge_labels({int(label): str(name) for label, name in plan.id2label.items()})
        network = _load(plan, files[WEIGHTS])
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, SafetensorError) as error:
        raise WeightsError(f"the segmenter {settings.model} cannot be read ({first_line(error)})") from error
    if not numbers.any():
        raise WeightsError(
            f"the segmenter {settings.model} knows none of the labels of streets, only {', '.join(unknown[:5])}: take "
            "one that was trained on Cityscapes or ADE20K"
        )
    scaling = _read_json(files[SCALING], settings.model) if SCALING in files else {}
    return Segmenter(
        name=folder.name if folder is not None else settings.model,
        network=network.eval().to(device),
        mean=_three(scaling.get("image_mean"), IMAGENET[0]),
        std=_three(scaling.get("image_std"), IMAGENET[1]),
        numbers=torch.from_numpy(numbers).to(device),
        unknown=unknown,
        size_px=settings.size_px,
        digest=digest_json(
            {
                "files": {name: digest_file(path) for name, path in files.items()},
                "regions": list(STREET_REGIONS),
                "numbers": numbers.tolist(),
                "size_px": settings.size_px,
            }
        ),
    )


def _files_of(folder: Path) -> dict[str, Path]:
    files = {name: folder / name for name in (CONFIG, SCALING, WEIGHTS) if (folder / name).is_file()}
    missing = [name for name in (CONFIG, WEIGHTS) if name not in files]
    if missing:
        raise WeightsError(f"the folder {folder.name} holds no segmenter ({missing[0]} is missing): {OFFLINE_WAY}")
    return files


def _fetch(settings: RegionsConfig, endpoint: str | None) -> dict[str, Path]:
    """The model's files from the hub's cache, or from the hub; how photos are scaled only where the hub has it."""
    from huggingface_hub.errors import EntryNotFoundError

    model, revision = settings.model, settings.revision or None
    whole = cached_file(model, WEIGHTS, revision=revision) is not None
    files = {}
    for name in (CONFIG, SCALING, WEIGHTS):
        path = cached_file(model, name, revision=revision)
        if path is None and not (whole and name == SCALING):  # a whole model is not asked for again
            try:
                path = hub_file(model, name, revision=revision, endpoint=endpoint, offline_way=OFFLINE_WAY)
            except WeightsError as error:
                if name != SCALING or not isinstance(error.__cause__, EntryNotFoundError):
                    raise
        if path is not None:
            files[name] = path
    return files


def _load(plan: Any, weights: Path) -> nn.Module:
    """The network with all its weights from a safetensors file. Raises ValueError where they do not fit."""
    import transformers

    with _silent():
        network, told = transformers.SegformerForSemanticSegmentation.from_pretrained(
            weights.parent, config=plan, use_safetensors=True, local_files_only=True, output_loading_info=True
        )
    # transformers would start what it misses from random numbers, and only warn
    wrong = [*sorted(told["missing_keys"]), *(str(key) for key in told["mismatched_keys"])]
    if wrong:
        raise ValueError(f"its weights do not fit its config.json: {wrong[0]} and {len(wrong) - 1} more")
    return network  # type: ignore[no-any-return]


@contextmanager
def _silent() -> Iterator[None]:
    """Transformers prints a bar and warnings of its own; what matters of them becomes an error."""
    from transformers.utils import logging

    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()


def _read_json(path: Path, model: str) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path.name} of the segmenter {model} cannot be read ({first_line(error)})") from error
    if not isinstance(facts, dict):
        raise WeightsError(f"{path.name} of the segmenter {model} is no table")
    return facts


def _three(values: Any, default: tuple[float, float, float]) -> tuple[float, float, float]:
    """A number for each channel."""
    if isinstance(values, list) and len(values) == 3 and all(isinstance(value, int | float) for value in values):
        return float(values[0]), float(values[1]), float(values[2])
    return default
