"""Attention summed by block of ground as the photos pass, so that a million of them need no more memory than theirs."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from machinami.explain.attention_row import AttentionRow

__all__ = ["AttentionSums", "BlockSums"]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(slots=True, kw_only=True, eq=False)
class BlockSums:
    """One block of one place: sums over its photos that hold evidence for the place and show the region."""

    share: Floats  # (S + 1,): of the positive evidence
    area: Floats  # (S + 1,)
    against: Floats  # (S + 1,): of the negative evidence
    shown: Counts  # (S + 1,): photos
    opposed: Counts  # (S + 1,): those of them that hold negative evidence
    photos: int = 0  # all of them, whatever they show
    silent: int = 0  # without any positive evidence

    @classmethod
    def of(cls, regions: int) -> "BlockSums":
        """Nothing yet."""
        return cls(
            share=np.zeros(regions),
            area=np.zeros(regions),
            against=np.zeros(regions),
            shown=np.zeros(regions, np.int64),
            opposed=np.zeros(regions, np.int64),
        )

    def add(self, row: AttentionRow, min_area: float) -> None:
        """One photo more."""
        self.photos += 1
        if row.share is None:
            self.silent += 1
            return
        shows = row.area >= min_area
        self.share += np.where(shows, row.share, 0)
        self.area += np.where(shows, row.area, 0)
        self.shown += shows
        if row.against is not None:
            self.against += np.where(shows, row.against, 0)
            self.opposed += shows


@dataclass(slots=True)
class AttentionSums:
    """Sums by place, by whether the photo was told rightly, and by block; a region counts from `min_area` on."""

    min_area: float
    blocks: dict[tuple[int, bool], dict[str, BlockSums]] = field(default_factory=dict)

    def add(self, row: AttentionRow) -> None:
        """One photo more."""
        of_place = self.blocks.setdefault((row.place, row.correct), {})
        if row.block not in of_place:
            of_place[row.block] = BlockSums.of(len(row.area))
        of_place[row.block].add(row, self.min_area)

    def of(self, place: int, *, right_only: bool) -> list[tuple[str, BlockSums]]:
        """Blocks with their sums, of the photos of a place: told rightly, or all (then a block may come twice)."""
        kinds: Iterable[bool] = (True,) if right_only else (True, False)
        return [item for correct in kinds for item in self.blocks.get((place, correct), {}).items()]

    @property
    def photos(self) -> int:
        """All that were added."""
        return sum(sums.photos for blocks in self.blocks.values() for sums in blocks.values())

    @property
    def names(self) -> set[str]:
        """The blocks that the photos lie in."""
        return {name for blocks in self.blocks.values() for name in blocks}
