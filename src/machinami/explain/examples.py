"""Chosen photos once more, as the network and its masks see them: for what is too dear to do with all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import Tensor

from machinami.explain.batches import decoded_batches
from machinami.explain.choice import Candidate
from machinami.explain.held_out import BATCH, HeldOut
from machinami.images.masks import MaskError

__all__ = ["Example", "examples"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Example:
    """One photo at the network's size."""

    candidate: Candidate
    image: Tensor  # float32 (3, H, W), normalised
    mask: npt.NDArray[np.uint8]  # (H, W): the number of each pixel's region


def examples(held_out: HeldOut, chosen: Sequence[Candidate]) -> Iterator[Example]:
    """The chosen photos in their order, a few at a time; those without a usable mask are left out."""
    by_id = {candidate.photo_id: candidate for candidate in chosen}
    found = {photo.photo_id: photo for photo in held_out.photos if photo.photo_id in by_id}
    photos = [found[photo_id] for photo_id in by_id if photo_id in found]
    size = held_out.model.card.image_size
    for batch in decoded_batches(photos, lambda photo: held_out.read(photo, size), size=BATCH):
        if not batch.photos:
            continue
        images = held_out.model.prepare(batch.pixels)
        for photo, image in zip(batch.photos, images, strict=True):
            try:
                mask = held_out.masks.read(photo)
            except MaskError:
                continue
            if mask is not None:
                height, width = image.shape[-2:]
                scaled = Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST)
                yield Example(candidate=by_id[photo.photo_id], image=image, mask=np.asarray(scaled))
