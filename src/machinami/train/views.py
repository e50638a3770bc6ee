"""What the frozen part of the trunk makes of each photo and of some random crops of it: computed once, kept on disk."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from machinami.config import TrainConfig
from machinami.files import digest_json, replacing
from machinami.images.augment import CropChances, crop_randomly, resize_plainly
from machinami.images.cache import PixelCache, Stacked, open_cached
from machinami.models.device import autocast
from machinami.models.folding import fold_batch_norm
from machinami.models.network import PlaceModel
from machinami.train.task import Conditions

__all__ = ["Views", "cache_views", "chances_of"]

FORMAT = 2
BATCH = 32


@dataclass(frozen=True, slots=True)
class Views:
    """Maps behind stage `cut`, of the photo itself (view 0) and of crops (views 1 …)."""

    cut: str
    maps: tuple[Stacked, ...]  # float16 (N, C, h, w), memory-mapped, one a view

    def take(self, rows: npt.NDArray[np.int64], view: npt.NDArray[np.int64] | int) -> Tensor:
        """float32 (n, C, h, w) of photos `rows`, each in its `view`: all 0, or all of the crops 1 … views."""
        which = np.broadcast_to(view, rows.shape)
        shape = self.maps[int(which.max(initial=0))].parts[0].shape[1:]
        taken = np.empty((len(rows), *shape), np.float16)
        for number in np.unique(which):
            chosen = which == number
            taken[chosen] = self.maps[number].take(rows[chosen])
        return torch.from_numpy(taken).float()


def chances_of(config: TrainConfig) -> CropChances:
    """The augmentation that the settings ask for."""
    return CropChances(min_crop=config.min_crop, colour_jitter=config.colour_jitter, flip=config.flip)


def cache_views(
    model: PlaceModel,
    pixels: PixelCache,
    photo_ids: Sequence[int],
    cut: str,
    weights_digest: str,
    conditions: Conditions,
) -> Views:
    """Maps of all photos in `pixels`, made now or found in the cache folder.

    Each group of the pixel cache has a file for each view, so that a killed run loses one at most.
    """
    trunk = _Trunk(model, cut, conditions)
    first, stacks = 0, []
    for key, squares in zip(pixels.keys, pixels.squares.parts, strict=True):
        ids = list(photo_ids[first : first + len(squares)])
        first += len(squares)
        digest = digest_json([FORMAT, key, ids, weights_digest, *trunk.facts()])[:24]
        files = [conditions.folder / f"views-{digest}-{view}.npy" for view in range(conditions.config.views + 1)]
        for view, file in enumerate(files):
            if open_cached(file, rows=len(squares), dtype=np.float16) is None:
                with replacing(file) as aside:
                    trunk.write_maps(aside, squares, ids, view)
        stacks.append([np.load(file, mmap_mode="r") for file in files])
    return Views(cut, tuple(Stacked(parts) for parts in zip(*stacks, strict=True)))


class _Trunk:
    """The frozen part of the network, folded for speed when it is first used."""

    def __init__(self, model: PlaceModel, cut: str, conditions: Conditions) -> None:
        self.model, self.cut, self.conditions = model, cut, conditions
        self.chances = chances_of(conditions.config)
        self._folded: PlaceModel | None = None

    def facts(self) -> list[Any]:
        """Everything beside weights and photos that the maps depend on.

        Sums in another order differ in their last digits, so that another number of threads, or another torch, counts
        as other maps: what is read from the cache is then what would be computed now, to the bit.
        """
        conditions, config = self.conditions, self.conditions.config
        computing = [conditions.device.type, torch.get_num_threads(), torch.__version__]
        return [self.cut, config.whole_px, config.image_size, asdict(self.chances), conditions.seed, *computing]

    def write_maps(self, file: Path, squares: npt.NDArray[np.uint8], photo_ids: Sequence[int], view: int) -> None:
        """One view of all photos into a .npy file, float16 (N, C, h, w)."""
        device, count = self.conditions.device, self.conditions.config.views + 1
        self._folded = self._folded or fold_batch_norm(self.model, size_px=self.conditions.config.whole_px).to(device)
        store: np.memmap[Any, np.dtype[np.float16]] | None = None
        starts = range(0, len(photo_ids), BATCH)
        label = f"Looking at {'crops' if view else 'photos'} ({view + 1}/{count})"
        for start in self.conditions.progress.track(starts, total=len(starts), label=label, unit="batches"):
            batch = slice(start, start + BATCH)
            images = self._images(np.array(squares[batch]), photo_ids[batch], view)
            with torch.inference_mode(), autocast(device):
                maps = self._folded.run_stages(self.model.standardise(images), stop=self.cut).half().cpu().numpy()
            if store is None:
                shape = (len(photo_ids), *maps.shape[1:])
                store = np.lib.format.open_memmap(file, mode="w+", dtype=np.float16, shape=shape)
            store[batch] = maps
        assert store is not None
        store.flush()

    def _images(self, squares: npt.NDArray[np.uint8], photo_ids: Sequence[int], view: int) -> Tensor:
        config = self.conditions.config
        pixels = torch.from_numpy(squares).to(self.conditions.device)
        if view == 0:
            return resize_plainly(pixels, size_px=config.whole_px)
        seeds = [(self.conditions.seed, photo_id, view) for photo_id in photo_ids]
        return crop_randomly(pixels, size_px=config.image_size, chances=self.chances, seeds=seeds)
