"""A model on disk: safetensors and a card, which together predict without anything else."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from machinami.errors import ConfigError, ModelError
from machinami.files import digest_file, replacing_folder, write_json
from machinami.images.augment import resize_plainly
from machinami.images.prepare import fit_square
from machinami.models.card import Card, read_card
from machinami.models.network import PlaceModel

__all__ = ["LoadedModel", "Which", "load_model", "note_figures", "save_model"]

Which = Literal["model", "evaluated"]  # for new photos; the one that the figures and heatmaps are of


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A network in eval mode, with its card."""

    network: PlaceModel
    card: Card

    def prepare(self, photos: Sequence[npt.NDArray[np.uint8]]) -> Tensor:
        """float32 (N, 3, size, size), normalised, from decoded photos uint8 (H, W, 3) RGB of any size."""
        size = self.card.image_size
        return self.prepare_squares(np.stack([fit_square(photo, size) for photo in photos]))

    def prepare_squares(self, squares: npt.NDArray[np.uint8]) -> Tensor:
        """The same from squares of the pixel cache, uint8 (N, S, S, 3)."""
        images = resize_plainly(torch.from_numpy(squares), size_px=self.card.image_size)
        return self.network.standardise(images)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Calibrated probabilities float32 (N, places)."""
        return self.network.probabilities(logits)


def save_model(folder: Path, networks: Mapping[Which, PlaceModel], card: Card) -> Card:
    """Replace the model folder in one step; the card with the files' digests comes back.

    A network that is not given is carried over from the folder as it is.
    """
    with replacing_folder(folder) as aside:
        written: dict[str, Any] = {}
        for which in get_args(Which):
            file = aside / f"{which}.safetensors"
            if which in networks:
                state = networks[which].state_dict()
                save_file({name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}, file)
            else:
                shutil.copyfile(folder / file.name, file)
            written[which] = {**getattr(card, which), "file": file.name, "sha256": digest_file(file)}
        card = replace(card, **written)
        write_json(aside / "card.json", asdict(card))
    return card


def load_model(path: Path | str, *, which: Which = "model") -> LoadedModel:
    """The model in a folder: a project's `model/`, or a project. Raises ModelError, which names the file."""
    folder = Path(path)
    if not (folder / "card.json").is_file() and (folder / "model" / "card.json").is_file():
        folder /= "model"
    card = read_card(folder)
    facts = getattr(card, which)
    file = folder / facts["file"]
    try:
        if digest_file(file) != facts["sha256"]:
            raise ModelError(
                f"{file} is not the file that card.json names: copy the whole folder again, or train again"
            )
        network = PlaceModel(card.backbone, card.keys)
        network.load_state_dict(load_file(file))
    except FileNotFoundError as error:
        raise ModelError(f"{file} is missing: copy the whole model folder, or run `machinami train` again") from error
    except (safetensors.SafetensorError, RuntimeError, OSError, ConfigError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]
        raise ModelError(f"{file} cannot be read ({reason}): run `machinami train` again") from error
    network.temperature = card.temperature
    # The card's, not timm's of today: another default there would change every answer.
    network.mean, network.std = tuple(card.mean), tuple(card.std)
    network.eval()
    network.check_size(card.image_size)
    return LoadedModel(network.to(memory_format=torch.channels_last), card)


def note_figures(folder: Path, figures: Mapping[str, Any]) -> None:
    """Write the evaluated network's figures on the card."""
    card = read_card(folder)
    write_json(folder / "card.json", asdict(replace(card, figures=dict(figures))))
