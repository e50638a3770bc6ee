"""Held-out photos batch by batch: heatmaps for the disk, and what is noted of each photo."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from torch import Tensor

from machinami.catalog import Photo
from machinami.config import Config
from machinami.errors import InputError
from machinami.explain.attention_row import attention_row
from machinami.explain.attention_sums import AttentionSums
from machinami.explain.batches import decoded_batches
from machinami.explain.cam import Heatmaps, heatmaps
from machinami.explain.centre import centred
from machinami.explain.choice import Candidate, margin_of
from machinami.explain.heatmap_files import HeatmapBatch
from machinami.explain.nulls import Nulls
from machinami.explain.random_networks import random_heads
from machinami.explain.region_masks import RegionMasks
from machinami.explain.upsample import pool_mask
from machinami.images.masks import MaskError
from machinami.models import LoadedModel, PlaceModel
from machinami.models.device import autocast
from machinami.progress import Progress

__all__ = ["BATCH", "Findings", "HeldOut"]

Floats = npt.NDArray[np.float32]
BATCH = 16


@dataclass(slots=True)
class Findings:
    """What is gathered photo by photo; everything large goes to disk at once."""

    sums: AttentionSums
    nulls: Nulls | None = None  # gathers for the null models, where they are wanted
    candidates: list[Candidate] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    masks: Counter[str] = field(default_factory=Counter)
    masks_from: Counter[str] = field(default_factory=Counter)
    completeness_max: float = 0.0
    closed_form: bool = True
    complete: bool = True
    layer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """The photos to explain, and all that explaining them needs."""

    model: LoadedModel
    network: PlaceModel  # the model's, folded, on the device that computes
    config: Config
    photos: Sequence[Photo]
    masks: RegionMasks
    block_of: Mapping[int, str]  # by photo_id
    read: Callable[[Photo, int], npt.NDArray[np.uint8]]  # a photo's pixels at a shorter side

    def explain(self, found: Findings, progress: Progress) -> Iterator[HeatmapBatch]:
        """Heatmaps batch by batch; what is to be known of each photo besides goes into `found`."""
        size = self.model.card.image_size
        decoded = decoded_batches(self.photos, lambda photo: self.read(photo, size), size=BATCH)
        total = -(-len(self.photos) // BATCH)
        heads = self._heads(found)
        for batch in progress.track(decoded, total=total, label="Explaining photos", unit="batches"):
            found.unreadable += [(photo.file or "", reason) for photo, reason in batch.failures]
            if not batch.photos:
                continue
            result = self._heatmaps(self.model.prepare(batch.pixels), heads)
            maps, logits = result.maps.cpu().numpy(), result.logits.cpu().numpy()
            others = None if result.others is None else result.others.cpu().numpy()
            completeness = result.completeness.cpu().numpy()
            found.completeness_max = max(found.completeness_max, float(completeness.max()))
            found.closed_form &= result.closed_form
            found.complete &= result.complete
            found.layer = result.layer
            for row, photo in enumerate(batch.photos):
                self._note(photo, maps[row], logits[row], None if others is None else others[row], found)
            yield HeatmapBatch(
                photo_id=np.array([photo.photo_id for photo in batch.photos], np.int64),
                places=result.places,
                maps=maps,
                completeness=completeness,
                logits=logits,
            )
        if not found.candidates:
            reasons = "; ".join(f"{file}: {reason}" for file, reason in found.unreadable[:3])
            raise InputError(f"no test photo can be explained ({reasons or 'there is none'}): check and split again")

    def told_rightly(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """Those of the candidates whose place was told rightly and which have a mask."""
        masked = {photo.photo_id for photo in self.photos if photo.mask is not None}
        return [c for c in candidates if c.predicted == c.place and c.photo_id in masked]

    def _heads(self, found: Findings) -> Tensor | None:
        """Random heads for the null models; None where there are no such models, or the network has no such head."""
        head = self.network.linear_head()
        if found.nulls is None or head is None:
            return None
        return random_heads(head[0].shape[1], found.nulls.draws, seed=self.config.seed)

    def _heatmaps(self, images: Tensor, heads: Tensor | None) -> Heatmaps:
        device = next(self.network.parameters()).device
        explain = self.config.explain
        with autocast(device):
            return heatmaps(
                self.network, images.to(device), method=explain.method, layer=explain.layer or None, heads=heads
            )

    def _note(self, photo: Photo, maps: Floats, logits: Floats, heads: Floats | None, found: Findings) -> None:
        """One photo's margin, and its attention where it has a mask."""
        place = self.network.places.index(photo.place or "")
        predicted, block = int(logits.argmax()), self.block_of[photo.photo_id]
        margin = margin_of(logits, place)
        found.candidates.append(
            Candidate(photo_id=photo.photo_id, block=block, place=place, predicted=predicted, margin=margin)
        )
        if self.masks.regions is None:
            return
        shares = self._shares(photo, maps.shape[-2:], found)
        if shares is None:
            return
        right = predicted == place
        found.sums.add(attention_row(maps, shares, place=place, correct=right, block=block))
        if right and found.nulls is not None:
            found.nulls.add(place, block, centred(maps)[place], shares, heads)

    def _shares(self, photo: Photo, grid: tuple[int, ...], found: Findings) -> Floats | None:
        """What share of each cell each region takes; None without a usable mask, which is counted."""
        assert self.masks.regions is not None
        try:
            mask = self.masks.read(photo)
        except MaskError as error:
            found.masks[error.reason.partition(":")[0]] += 1
            return None
        found.masks["read"] += 1
        found.masks_from[self.masks.origin(photo) or ""] += 1
        return pool_mask(mask, self.masks.regions.numbers, grid=(grid[0], grid[1]))
