"""The network in two parts, `features` and `classify`, so that explaining it needs no hooks."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from machinami.errors import ModelError
from machinami.models.backbones import create_network, network_stages

__all__ = ["PlaceModel"]

_CHOOSE = "choose a convolutional backbone such as resnet18, resnet50 or efficientnet-lite0"


class PlaceModel(nn.Module):
    """A timm network that tells places apart.

    `features(images)` gives the last feature map, `classify(maps)` the logits; `forward` is one after the other.
    Images: float32 (N, 3, H, W), RGB, normalised with `mean` and `std`: the backbone's own, or those that a model
    card says it was trained with.
    """

    def __init__(self, backbone: str, places: Sequence[str]) -> None:
        super().__init__()
        self.backbone = backbone
        self.places = tuple(places)
        self.temperature = 1.0  # divides the logits before the softmax; fitted on validation blocks
        self.network = create_network(backbone, places=len(self.places))
        advised: Mapping[str, Any] = self.network.pretrained_cfg  # type: ignore[assignment]
        self.mean: tuple[float, ...] = tuple(advised["mean"])  # subtracted from RGB in 0 … 1
        self.std: tuple[float, ...] = tuple(advised["std"])  # that RGB is divided by, after the mean

    def standardise(self, images: Tensor) -> Tensor:
        """Images float (N, 3, H, W) in 0 … 1 as the network wants them: less mean, by std, channels last in memory."""
        mean = torch.tensor(self.mean, device=images.device).view(1, 3, 1, 1)
        std = torch.tensor(self.std, device=images.device).view(1, 3, 1, 1)
        return ((images - mean) / std).contiguous(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Tensor:
        """Logits float (N, places), before the temperature."""
        return self.classify(self.features(images))

    def features(self, images: Tensor) -> Tensor:
        """The last feature map, float (N, C, h, w)."""
        maps: Tensor = self.network.forward_features(images)  # type: ignore[operator]
        if maps.ndim != 4 or maps.shape[1] != self.network.num_features:
            raise ModelError(
                f"{self.backbone} gives features of shape {tuple(maps.shape)}, not a map (N, C, h, w): {_CHOOSE}"
            )
        return maps

    def check_size(self, size_px: int) -> None:
        """Raises ModelError where the network makes no feature map of images of that edge; runs one through it."""
        parameter = next(self.parameters())
        image = torch.zeros(1, 3, size_px, size_px, device=parameter.device, dtype=parameter.dtype)
        try:
            with torch.no_grad():
                self.features(image)
        except (AssertionError, RuntimeError, ValueError) as error:  # how timm's networks refuse a size
            raise ModelError(f"{self.backbone} cannot read images of {size_px} px ({error}): {_CHOOSE}") from error

    def classify(self, maps: Tensor) -> Tensor:
        """Logits float (N, places) from the last feature map."""
        logits: Tensor = self.network.forward_head(maps)  # type: ignore[operator]
        return logits

    @property
    def classifier(self) -> nn.Linear:
        """The last layer. Raises ModelError where it is not linear."""
        layer = self.network.get_classifier()  # type: ignore[operator]
        if not isinstance(layer, nn.Linear):
            raise ModelError(f"{self.backbone} ends in {type(layer).__name__}, not in a linear layer: choose another")
        return layer

    def pool(self, maps: Tensor) -> Tensor:
        """What the classifier sees: float (N, C)."""
        vectors: Tensor = self.network.forward_head(maps, pre_logits=True)  # type: ignore[operator]
        return vectors

    def linear_head(self) -> tuple[Tensor, Tensor] | None:
        """Weight (places, C) and bias (places,) where the head is a global average and one linear layer, else None."""
        layer = self.network.get_classifier()  # type: ignore[operator]
        if not isinstance(layer, nn.Linear):
            return None
        pooling = getattr(self.network, "global_pool", None)
        if getattr(pooling, "pool_type", None) != "avg":
            return None
        bias = layer.bias if layer.bias is not None else layer.weight.new_zeros(layer.out_features)
        return (layer.weight, bias) if self._is_linear(layer.weight, bias) else None

    def _is_linear(self, weight: Tensor, bias: Tensor) -> bool:
        """Whether made maps get the logits of that head: some networks have more between pooling and classifier."""
        generator = torch.Generator().manual_seed(0)
        maps = torch.rand(2, weight.shape[1], 2, 3, generator=generator).to(weight)
        try:
            with torch.no_grad(), torch.autocast(weight.device.type, enabled=False):
                given = self.classify(maps)
                return torch.allclose(given, maps.mean(dim=(2, 3)) @ weight.T + bias, rtol=1e-3, atol=1e-4)
        except RuntimeError:  # the maps have another number of channels
            return False

    def stage_names(self) -> tuple[str, ...]:
        """Names of the stages from image to last feature map."""
        return tuple(stage.name for stage in network_stages(self.network))

    def stage_modules(self, name: str) -> tuple[nn.Module, ...]:
        """The modules of one stage. Raises ModelError for an unknown name."""
        return network_stages(self.network)[self._index(name)].modules

    def run_stages(self, x: Tensor, *, start: str | None = None, stop: str | None = None) -> Tensor:
        """From behind stage `start` (the image where None) up to and with `stop` (the last feature map where None)."""
        first = 0 if start is None else self._index(start) + 1
        last = len(self.stage_names()) if stop is None else self._index(stop) + 1
        for stage in network_stages(self.network)[first:last]:
            x = stage.run(x)
        return x

    def _index(self, name: str) -> int:
        names = self.stage_names()
        if name not in names:
            raise ModelError(f"{self.backbone} has no stage {name!r}: it has {', '.join(names)}")
        return names.index(name)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Calibrated probabilities float32 (N, places)."""
        return torch.softmax(logits.float() / self.temperature, dim=-1)
