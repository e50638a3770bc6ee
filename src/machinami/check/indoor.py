"""Whether a photo shows a room: a weak sign, from things that a network trained on ImageNet knows from rooms."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from machinami.images.decode import PhotoError, decode_photo
from machinami.images.prepare import fit_square
from machinami.images.signs import SIGNS_SIDE_PX
from machinami.ordered import in_batches, in_order

__all__ = ["ROOM_CLASSES", "indoor_probabilities"]

Pixels = npt.NDArray[np.uint8]

_INPUT_PX = 224
_BATCH = 32
# ImageNet-1k (Russakovsky et al. 2015): furniture, kitchens, bathrooms. Left out is what also stands at streets, or
# is told from a front: library, bookshop, restaurant, bannister, vault, screen.
ROOM_CLASSES: dict[int, str] = {
    423: "barber chair", 431: "bassinet", 434: "bath towel", 435: "bathtub", 453: "bookcase", 493: "chiffonier",
    495: "china cabinet", 516: "cradle", 520: "crib", 526: "desk", 527: "desktop computer", 532: "dining table",
    534: "dishwasher", 548: "entertainment center", 550: "espresso maker", 553: "file", 564: "four-poster",
    579: "grand piano", 598: "home theater", 619: "lampshade", 620: "laptop", 648: "medicine chest", 651: "microwave",
    713: "photocopier", 721: "pillow", 729: "plate rack", 736: "pool table", 742: "printer", 745: "projector",
    750: "quilt", 760: "refrigerator", 765: "rocking chair", 789: "shoji", 794: "shower curtain",
    804: "soap dispenser", 811: "space heater", 827: "stove", 831: "studio couch", 846: "table lamp",
    851: "television", 857: "throne", 859: "toaster", 861: "toilet seat", 876: "tub", 881: "upright", 894: "wardrobe",
    896: "washbasin", 897: "washer", 905: "window shade", 909: "wok", 999: "toilet tissue",
}  # fmt: skip


def indoor_probabilities(photos: Iterable[tuple[str, Path]], *, max_pixels: int) -> Iterator[tuple[str, float]]:
    """(name, probability of any room class) of each photo that can be decoded, in order. Raises WeightsError."""
    import torch

    from machinami.models.backbones import BUNDLED, create_network
    from machinami.models.weights import load_classifier

    network = create_network(BUNDLED, places=1000)
    load_classifier(network)
    network.eval()
    mean, std = (torch.tensor(network.pretrained_cfg[name])[:, None, None] for name in ("mean", "std"))  # type: ignore[index]
    rooms = list(ROOM_CLASSES)

    def prepare(job: tuple[str, Path]) -> tuple[str, Pixels] | None:
        name, path = job
        try:
            pixels = decode_photo(path, max_pixels=max_pixels, shorter_side_px=SIGNS_SIDE_PX)
        except PhotoError:
            return None
        return name, fit_square(pixels, _INPUT_PX)

    ready = (one for one in in_order(prepare, photos) if one is not None)
    for batch in in_batches(ready, _BATCH):
        stacked = torch.from_numpy(np.stack([pixels for _, pixels in batch])).permute(0, 3, 1, 2).float()
        with torch.inference_mode():
            shares = network((stacked / 255 - mean) / std).softmax(dim=1)[:, rooms].sum(dim=1)
        yield from zip((name for name, _ in batch), shares.tolist(), strict=True)
