"""What a reader of a split should know besides its numbers."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from machinami.config import SplitConfig
from machinami.split.photo import SplitPhoto
from machinami.split.report import typical_spacing_m

__all__ = ["split_notes"]


def split_notes(
    photos: Sequence[SplitPhoto], points_m: npt.NDArray[np.float64], config: SplitConfig
) -> tuple[str, ...]:
    """Sentences about photos without positions or sequences, and about blocks that are too small."""
    notes = []
    known = np.isfinite(points_m[:, 0]).tolist()
    all_of = Counter(photo.place for photo in photos)
    without = Counter(photo.place for photo, located in zip(photos, known, strict=True) if not located)
    if without:
        shares = ", ".join(f"{place} {count} of {all_of[place]}" for place, count in sorted(without.items()))
        notes.append(
            f"photos without coordinates ({shares}) are in runs of neighbouring names, and no buffer lies "
            "between these: the ends of neighbouring runs may show the same street"
        )
    lone = sum(not photo.sequence for photo in photos)
    if config.strategy == "sequences" and lone:
        notes.append(f"{lone} photos have no sequence and were split by ground or by name")
    spacing_m = typical_spacing_m(points_m)
    if spacing_m is not None and config.block_m < 4 * spacing_m and config.strategy != "areas":
        notes.append(
            f"photos lie {spacing_m:.0f} m apart (median): blocks of {config.block_m:g} m are smaller than "
            "four times that, so most hold a photo or two"
        )
    return tuple(notes)
