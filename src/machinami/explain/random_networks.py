"""Networks that have learned nothing: heads drawn at random, and trunks re-initialised with norms that fit."""

from copy import deepcopy

import torch
from torch import Tensor, nn

from machinami.models.network import PlaceModel

__all__ = ["random_heads", "random_trunk"]


def random_heads(channels: int, draws: int, *, seed: int) -> Tensor:
    """float32 (draws, channels): class-centred weights of random heads, one row a head.

    Less the mean over places, the weights of a place in a head drawn from a normal distribution are normal again,
    and shares do not depend on their scale, so that one row serves for any place.
    """
    return torch.randn(draws, channels, generator=torch.Generator().manual_seed(seed))


def random_trunk(network: PlaceModel, images: Tensor, *, seed: int) -> PlaceModel:
    """A copy in eval mode with weights drawn anew (He et al. 2015), whose norms are fitted to `images`.

    images: float (N, 3, H, W), normalised, on the network's device. The running statistics of a trained network do
    not fit other weights, and means of 0 and variances of 1 let the activations explode, so they are set to those
    of the images. The network itself is untouched; its batch norms must not be folded.
    """
    copy = deepcopy(network)
    generator = torch.Generator().manual_seed(seed)
    for module in copy.modules():
        for name, parameter in module.named_parameters(recurse=False):
            fresh = torch.empty(parameter.shape)
            if parameter.ndim > 1:
                nn.init.kaiming_normal_(fresh, nonlinearity="relu", generator=generator)
            else:
                fresh.fill_(float(name == "weight"))  # norms and biases as they begin
            parameter.data.copy_(fresh)
        if isinstance(module, nn.BatchNorm2d) and module.track_running_stats:
            module.reset_running_stats()
            module.momentum = None  # a plain mean over what it is shown
    copy.eval()
    norms = [module for module in copy.modules() if isinstance(module, nn.BatchNorm2d)]
    for module in norms:
        module.train()
    with torch.no_grad():
        copy.features(images)
    for module in norms:
        module.eval()
    return copy
