"""One photo's attention: what share of the evidence for its place falls on each region, beside the region's area."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from machinami.explain.centre import centred

__all__ = ["AttentionRow", "attention_row", "evidence"]

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AttentionRow:
    """One photo: where the evidence for its true place lies."""

    place: int  # index of the true place
    correct: bool  # whether that place got the highest score
    block: str
    area: Floats  # (S + 1,): share of the photo's area that is each region; the last is everything unlabelled
    share: Floats | None  # (S + 1,): share of the positive evidence; None where there is none
    against: Floats | None  # (S + 1,): share of the negative evidence; None where there is none


def evidence(maps: Floats, shares: Floats) -> Floats:
    """What each region adds to each place's score: float32 (K, S), in the unit of the maps.

    maps: float32 (K, h, w), logit units.  shares: float32 (S, h, w), from `pool_mask`; over all its regions
    the evidence sums to the map's sum, logit − bias.
    """
    return maps.reshape(len(maps), -1) @ shares.reshape(len(shares), -1).T


def attention_row(maps: Floats, shares: Floats, *, place: int, correct: bool, block: str) -> AttentionRow:
    """Shares of support and opposition in one photo.

    maps: float32 (K, h, w), raw, of all places.  shares: float32 (S + 1, h, w), from `pool_mask`.
    The class-centred map of the true place is parted by sign on its own cells, before any resizing.
    """
    own = centred(maps)[place]
    support, opposition = evidence(np.stack([own.clip(min=0), (-own).clip(min=0)]), shares)
    return AttentionRow(
        place=place,
        correct=correct,
        block=block,
        area=shares.mean((1, 2)),
        share=_normalised(support, own.clip(min=0).sum()),
        against=_normalised(opposition, (-own).clip(min=0).sum()),
    )


def _normalised(amounts: Floats, total: np.float32) -> Floats | None:
    return amounts / total if total > 0 else None
