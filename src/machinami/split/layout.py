"""Laying the split: link, block, fold, buffer; pure, and the same for the same photos, settings and seed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from machinami.config import SplitConfig
from machinami.errors import SplitError
from machinami.split.buffer import TRAIN, within_buffer
from machinami.split.chains import Gathered, bind_photos, part_ways
from machinami.split.ground import locate
from machinami.split.links import earth_points_m
from machinami.split.notes import split_notes
from machinami.split.photo import SplitPhoto
from machinami.split.report import SplitReport, SubsetCount, count_across, count_blocks, distances_to_train
from machinami.split.result import SUBSETS, Block, Dropped, Split
from machinami.split.sides import Sides, take_sides

__all__ = ["split_photos"]

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_BRAND = "random split: neighbouring photos stand on both sides, so every figure made from it is too high"


def split_photos(photos: Sequence[SplitPhoto], config: SplitConfig, *, seed: int) -> Split:
    """The split of these photos, in whatever order they come. Raises SplitError with the ways out."""
    photos = sorted(photos, key=lambda photo: photo.photo_id)
    if len({photo.photo_id for photo in photos}) < len(photos):
        raise ValueError("two photos have the same photo_id")
    places = sorted({photo.place for photo in photos})
    if len(places) < 2:
        raise SplitError(
            f"there is nothing to tell apart: {len(photos)} photos of {len(places)} places; "
            "bring photos of two places or more with `machinami import` or `machinami collect`"
        )
    lat_lon = locate(photos)
    points_m = earth_points_m(lat_lon[:, 0], lat_lon[:, 1])
    place_of = np.searchsorted(np.array(places), [photo.place for photo in photos]).astype(np.int64)
    bound = bind_photos(photos, place_of, folds=config.folds)
    sides = take_sides(photos, place_of, points_m, bound, config, seed=seed)
    side_of = (sides.fold_of + 1) * len(SUBSETS) + sides.subset_of  # with two areas, a fold has two subsets
    random = config.strategy == "random"
    # A plain random split is what others do, so that nothing is held back from it either.
    parted = np.zeros(len(photos), bool) if random else part_ways(bound.group_of, side_of)
    dropped = parted.copy()
    dropped[~parted] = within_buffer(
        points_m[~parted], sides.subset_of[~parted], buffer_m=0 if random else config.buffer_m
    )
    _check_subsets(places, place_of, sides.subset_of, _Loss(parted, dropped), config)
    blocks, lost = _name_blocks(photos, sides, _Loss(parted, dropped))
    gathered = sides.ground.gathered or Gathered(unit_of=sides.ground.unit_of)
    report = SplitReport(
        counts=_by_subset(places, blocks),
        fold_counts=_by_fold(places, blocks, folds=sides.folds),
        dropped_counts=_count_dropped(places, lost),
        test_to_train_m=distances_to_train(points_m[~dropped], sides.subset_of[~dropped]),
        near_duplicates_across=count_across(bound.group_of[~dropped], side_of[~dropped]),
        cut_chains=gathered.cut_chains,
        cut_sequences=gathered.cut_sequences,
        cut_days=gathered.cut_days,
        notes=() if random else (*sides.notes, *split_notes(photos, points_m, config)),
    )
    return Split(
        seed=seed,
        strategy=config.strategy,
        block_m=config.block_m,
        buffer_m=config.buffer_m,
        run_photos=config.run_photos,
        folds=sides.folds,
        fold=config.fold,
        branded=_BRAND if random else None,
        blocks=blocks,
        dropped=lost,
        report=report,
    ).sealed()


@dataclass(frozen=True, slots=True)
class _Loss:
    """What is left out. Both bool (N,)."""

    parted: Bools  # near duplicates of photos on another side
    dropped: Bools  # these, and those in the buffer


def _check_subsets(places: Sequence[str], place_of: Ints, subset_of: Ints, loss: _Loss, config: SplitConfig) -> None:
    """Raises SplitError where a place has no photos left in a subset."""
    for place, name in enumerate(places):
        for subset in range(TRAIN + 1):
            members = (place_of == place) & (subset_of == subset)
            if (members & ~loss.dropped).any():
                continue
            near = int((members & loss.parted).sum())
            if 2 * near > members.sum():
                raise SplitError(
                    f"{name!r} is left without {SUBSETS[subset]} photos: {near} of {int(members.sum())} show nearly "
                    "the same as photos of another fold. Ways out: larger blocks (split.block_m); more photos, from "
                    "other streets; fewer folds (split.folds)"
                )
            raise SplitError(
                f"the buffer of {config.buffer_m:g} m around test photos leaves {name!r} without "
                f"{SUBSETS[subset]} photos (it had {int(members.sum())}). Ways out: a smaller buffer "
                "(split.buffer_m); larger blocks (split.block_m), so that fewer photos lie near an edge; "
                "more photos, from other streets"
            )


def _name_blocks(
    photos: Sequence[SplitPhoto], sides: Sides, loss: _Loss
) -> tuple[tuple[Block, ...], tuple[Dropped, ...]]:
    """The blocks, one for each place and unit of ground, numbered within the place; and what was dropped."""
    members: dict[tuple[str, int], list[int]] = {}
    for row, (photo, unit) in enumerate(zip(photos, sides.ground.unit_of.tolist(), strict=True)):
        members.setdefault((photo.place, unit), []).append(row)
    is_parted, is_dropped = loss.parted.tolist(), loss.dropped.tolist()
    numbers: Counter[str] = Counter()
    blocks: list[Block] = []
    lost: list[Dropped] = []
    for (place, unit), rows in sorted(members.items()):
        name = f"{place}/{numbers[place]:04d}"
        numbers[place] += 1
        lost += [
            Dropped(photo_id=photos[row].photo_id, reason="near-duplicate" if is_parted[row] else "buffer", block=name)
            for row in rows
            if is_dropped[row]
        ]
        kept = tuple(photos[row].photo_id for row in rows if not is_dropped[row])
        if kept:
            shape = sides.ground.shapes[unit]
            blocks.append(
                Block(
                    block=name,
                    place=place,
                    fold=int(sides.fold_of[rows[0]]),
                    subset=SUBSETS[sides.subset_of[rows[0]]],
                    photos=kept,
                    centre=None if shape is None else shape.centre,
                    corners=None if shape is None else shape.corners,
                )
            )
    return tuple(blocks), tuple(sorted(lost, key=lambda drop: drop.photo_id))


def _by_subset(places: Sequence[str], blocks: Sequence[Block]) -> dict[str, dict[str, SubsetCount]]:
    found = count_blocks((block.place, str(block.subset), len(block.photos)) for block in blocks)
    return {place: {subset: found[place][subset] for subset in SUBSETS} for place in places}


def _by_fold(places: Sequence[str], blocks: Sequence[Block], *, folds: int) -> dict[str, dict[int, SubsetCount]]:
    """Place -> every fold, and -1 where some areas are in none."""
    found = count_blocks((block.place, block.fold, len(block.photos)) for block in blocks)
    nothing = SubsetCount(photos=0, blocks=0)
    return {
        place: {fold: found[place].get(fold, nothing) for fold in range(folds)}
        | {fold: count for fold, count in found[place].items() if fold < 0}
        for place in places
    }


def _count_dropped(places: Sequence[str], lost: Sequence[Dropped]) -> dict[str, dict[str, int]]:
    counts = Counter((drop.block.rpartition("/")[0], drop.reason) for drop in lost)
    return {place: {reason: counts[place, reason] for reason in ("near-duplicate", "buffer")} for place in places}
