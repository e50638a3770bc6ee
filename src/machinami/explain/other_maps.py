"""Maps of other photos of the same place: their mean, and one drawn for a photo, always from another block."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["OtherMaps"]

Floats = npt.NDArray[np.float32]
KEPT = 8  # maps of each block to draw from; neighbours resemble each other, so more would add little


@dataclass(slots=True)
class _Block:
    total: npt.NDArray[np.float64]  # (h, w): sum of its photos' maps
    photos: int = 0
    kept: list[Floats] = field(default_factory=list)  # KEPT of them, drawn


class OtherMaps:
    """Gathers the positive maps of photos, each of sum 1, by place and block; memory grows with the blocks alone."""

    def __init__(self, *, draws: int, seed: int) -> None:
        self._draws = draws
        self._seed = seed
        self._generator = np.random.default_rng([seed, 0])
        self._blocks: dict[int, dict[int, _Block]] = {}
        self._totals: dict[int, tuple[npt.NDArray[np.float64], int]] = {}
        self._sources: dict[int, tuple[dict[int, int], npt.NDArray[np.int64]]] = {}
        self._turn: dict[tuple[int, int], int] = {}

    def add(self, place: int, block: int, share: Floats) -> None:
        """One photo's positive map (h, w), divided by its sum."""
        blocks = self._blocks.setdefault(place, {})
        if block not in blocks:
            blocks[block] = _Block(np.zeros(share.shape))
        own = blocks[block]
        own.total += share
        own.photos += 1
        if len(own.kept) < KEPT:
            own.kept.append(share)
        elif (at := int(self._generator.integers(own.photos))) < KEPT:  # a reservoir (Vitter 1985, algorithm R)
            own.kept[at] = share

    def prior(self, place: int, block: int) -> Floats | None:
        """The mean map (h, w) of the place's photos in all other blocks; None where there is no other block.

        All maps must have been added.
        """
        blocks = self._blocks[place]
        if place not in self._totals:
            total = np.sum([one.total for one in blocks.values()], axis=0)
            self._totals[place] = (total, sum(one.photos for one in blocks.values()))
        total, photos = self._totals[place]
        own = blocks[block]
        if len(blocks) < 2:
            return None
        mean: Floats = ((total - own.total) / (photos - own.photos)).clip(min=0).astype(np.float32)
        return mean

    def drawn(self, place: int, block: int) -> Floats | None:
        """A map of another block for each draw, float32 (draws, h, w), for one more photo of the block.

        In a draw, all photos of a block take the maps of the same other block, in turn, so that what neighbours have in
        common they have under chance as well. None where there is no other block. All maps must have been added.
        """
        blocks = self._blocks[place]
        if len(blocks) < 2:
            return None
        if place not in self._sources:
            self._sources[place] = self._exchange(place)
        index, sources = self._sources[place]
        names = list(blocks)
        turn = self._turn[place, block] = self._turn.get((place, block), -1) + 1
        kept = [blocks[names[source]].kept for source in sources[:, index[block]]]
        return np.stack([maps[turn % len(maps)] for maps in kept])

    def _exchange(self, place: int) -> tuple[dict[int, int], npt.NDArray[np.int64]]:
        """Number of each block, and (draws, blocks): whose maps it takes, never its own: a ring in a drawn order."""
        generator = np.random.default_rng([self._seed, 1, place])
        names = list(self._blocks[place])
        sources = np.empty((self._draws, len(names)), np.int64)
        for draw in range(self._draws):
            order = generator.permutation(len(names))
            sources[draw, order] = np.roll(order, 1 + int(generator.integers(len(names) - 1)))
        return {name: number for number, name in enumerate(names)}, sources
