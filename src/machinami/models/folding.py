"""A frozen, faster copy of a network: batch norms folded into convolutions, channels last in memory."""

from copy import deepcopy
from typing import TypeVar

import torch
from timm.layers import BatchNormAct2d
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

__all__ = ["fold_batch_norm"]

N = TypeVar("N", bound=nn.Module)

SAME_WITHIN = 1e-3  # of the largest output; folding alone changes the last digits, a wrong pair everything


def fold_batch_norm(network: N, *, size_px: int) -> N:
    """A frozen copy in eval mode whose batch norms are part of the convolutions; `network` is untouched.

    The outputs are the same but for rounding (about 1e-6 of the largest, in 32 bits). A norm is
    folded where one made image shows that it reads what one convolution puts out; an activation within the
    norm stays. Should the copy not give the same answers to that image, the copy comes back unfolded.
    size_px: the edge of that image, one that the network takes.
    """
    frozen = deepcopy(network).eval().requires_grad_(requires_grad=False)
    parameter = next(frozen.parameters(), torch.zeros(()))
    generator = torch.Generator().manual_seed(0)
    probe = torch.rand(1, 3, size_px, size_px, generator=generator).to(parameter)
    with torch.no_grad(), torch.autocast(parameter.device.type, enabled=False):
        before = frozen(probe)
        folded = deepcopy(frozen)
        for conv, norm in _pairs(folded, probe):
            _fold(folded, conv, norm)
        gap = (folded(probe) - before).abs().max()
    if not gap <= SAME_WITHIN * before.abs().max():
        folded = frozen
    return folded.to(memory_format=torch.channels_last)


def _pairs(network: nn.Module, probe: Tensor) -> list[tuple[str, str]]:
    """Names of (convolution, norm) where the norm reads just what the convolution gave, each used once."""
    outputs: dict[int, str] = {}
    runs: dict[str, int] = {}
    pairs: list[tuple[str, str]] = []
    alive: list[Tensor] = []  # keeps every output, so that no two share an identity
    handles = []

    def watch(name: str, module: nn.Module) -> None:
        def seen(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            runs[name] = runs.get(name, 0) + 1
            if isinstance(module, nn.Conv2d):
                outputs[id(output)] = name
                alive.append(output)
            elif id(inputs[0]) in outputs:
                pairs.append((outputs[id(inputs[0])], name))

        handles.append(module.register_forward_hook(seen))

    try:
        for name, module in network.named_modules():
            if isinstance(module, nn.Conv2d) or _foldable(module):
                watch(name, module)
        network(probe)
    finally:
        for handle in handles:
            handle.remove()
    return [(conv, norm) for conv, norm in pairs if runs[conv] == runs[norm] == 1]


def _foldable(module: nn.Module) -> bool:
    """A batch norm with fixed statistics whose forward pass is known."""
    return type(module) in {nn.BatchNorm2d, BatchNormAct2d} and getattr(module, "running_mean", None) is not None


def _fold(network: nn.Module, conv_name: str, norm_name: str) -> None:
    """Put the norm into the convolution and its activation, or nothing, into the norm's place."""
    conv, norm = network.get_submodule(conv_name), network.get_submodule(norm_name)
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    network.set_submodule(conv_name, fuse_conv_bn_eval(conv, norm))
    network.set_submodule(norm_name, norm.act if isinstance(norm, BatchNormAct2d) else nn.Identity())
