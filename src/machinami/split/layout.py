"""Laying the split: link, block, fold, buffer; pure, and the same for the same photos, settings and seed."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from machinami.config import SplitConfig
from machinami.errors import SplitError
from machinami.split.buffer import TEST, TRAIN, VALIDATION, within_buffer
from machinami.split.folds import assign_folds, check_blocks, deal_photos
from machinami.split.ground import Ground, SplitPhoto, lay_ground, locate, stand_alone
from machinami.split.links import earth_points_m
from machinami.split.report import (
    SplitReport,
    SubsetCount,
    distances_to_train,
    shared_across,
    typical_spacing_m,
)
from machinami.split.result import SUBSETS, Block, Dropped, Split

__all__ = ["split_photos"]

Floats = npt.NDArray[np.float64]
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
    random = config.strategy == "random"
    ground = stand_alone(photos) if random else lay_ground(photos, config)
    fold_of = _fold(places, place_of, ground, config, np.random.default_rng(seed))
    subset_of = _subsets(fold_of, config)
    # A plain random split is what others do, so that nothing is held back from it either.
    dropped = within_buffer(points_m, subset_of, buffer_m=0 if random else config.buffer_m)
    _check_subsets(places, place_of, subset_of, dropped=dropped, config=config)
    blocks, lost = _name_blocks(photos, ground, fold_of=fold_of, dropped=dropped, config=config)
    report = SplitReport(
        counts=_count(places, blocks),
        test_to_train_m=distances_to_train(points_m[~dropped], subset_of[~dropped]),
        near_duplicates_across=shared_across([photo.pixels_sha256 for photo in photos], fold_of),
        cut_chains=ground.cut_chains,
        notes=() if random else _notes(photos, points_m, config),
    )
    return Split(
        seed=seed,
        strategy=config.strategy,
        block_m=config.block_m,
        buffer_m=config.buffer_m,
        run_photos=config.run_photos,
        folds=config.folds,
        fold=config.fold,
        branded=_BRAND if random else None,
        blocks=blocks,
        dropped=lost,
        report=report,
    ).sealed()


def _fold(places: Sequence[str], place_of: Ints, ground: Ground, config: SplitConfig, rng: np.random.Generator) -> Ints:
    """int64 (N,): the fold of each photo."""
    counts = np.zeros((len(ground.squares), len(places)), np.int64)
    np.add.at(counts, (ground.unit_of, place_of), 1)
    check_blocks(places, counts, folds=config.folds)
    if config.strategy == "random":
        return deal_photos(place_of, folds=config.folds, rng=rng)
    return assign_folds(counts, folds=config.folds, rng=rng)[ground.unit_of]


def _subsets(fold_of: Ints, config: SplitConfig) -> Ints:
    """int64 (N,): TEST, VALIDATION or TRAIN."""
    subset_of = np.full(len(fold_of), TRAIN, np.int64)
    subset_of[fold_of == config.fold] = TEST
    subset_of[fold_of == (config.fold + 1) % config.folds] = VALIDATION
    return subset_of


def _check_subsets(
    places: Sequence[str], place_of: Ints, subset_of: Ints, *, dropped: Bools, config: SplitConfig
) -> None:
    """Raises SplitError where the buffer has left a place without photos in a subset."""
    for place, name in enumerate(places):
        for subset in (VALIDATION, TRAIN):
            members = (place_of == place) & (subset_of == subset)
            if not (members & ~dropped).any():
                raise SplitError(
                    f"the buffer of {config.buffer_m:g} m around test photos leaves {name!r} without "
                    f"{SUBSETS[subset]} photos (it had {int(members.sum())}). Ways out: a smaller buffer "
                    "(split.buffer_m); larger blocks (split.block_m), so that fewer photos lie near an edge; "
                    "more photos, from other streets"
                )


def _name_blocks(
    photos: Sequence[SplitPhoto], ground: Ground, *, fold_of: Ints, dropped: Bools, config: SplitConfig
) -> tuple[tuple[Block, ...], tuple[Dropped, ...]]:
    """The blocks, one for each place and unit of ground, numbered within the place; and what was dropped."""
    members: dict[tuple[str, int], list[int]] = {}
    for row, (photo, unit) in enumerate(zip(photos, ground.unit_of.tolist(), strict=True)):
        members.setdefault((photo.place, unit), []).append(row)
    subset_of_fold = _subsets(np.arange(config.folds), config).tolist()
    numbers: Counter[str] = Counter()
    blocks: list[Block] = []
    lost: list[Dropped] = []
    for (place, unit), rows in sorted(members.items()):
        name = f"{place}/{numbers[place]:04d}"
        numbers[place] += 1
        fold = int(fold_of[rows[0]])
        kept = tuple(photos[row].photo_id for row in rows if not dropped[row])
        lost += [Dropped(photo_id=photos[row].photo_id, reason="buffer", block=name) for row in rows if dropped[row]]
        if kept:
            square = ground.squares[unit]
            blocks.append(
                Block(
                    block=name,
                    place=place,
                    fold=fold,
                    subset=SUBSETS[subset_of_fold[fold]],
                    photos=kept,
                    centre=None if square is None else square.centre,
                    corners=None if square is None else square.corners,
                )
            )
    return tuple(blocks), tuple(sorted(lost, key=lambda drop: drop.photo_id))


def _count(places: Sequence[str], blocks: Sequence[Block]) -> dict[str, dict[str, SubsetCount]]:
    photos: Counter[tuple[str, str]] = Counter()
    pieces: Counter[tuple[str, str]] = Counter()
    for block in blocks:
        photos[block.place, block.subset] += len(block.photos)
        pieces[block.place, block.subset] += 1
    return {
        place: {subset: SubsetCount(photos=photos[place, subset], blocks=pieces[place, subset]) for subset in SUBSETS}
        for place in places
    }


def _notes(photos: Sequence[SplitPhoto], points_m: Floats, config: SplitConfig) -> tuple[str, ...]:
    """What a reader of the split should know besides its numbers."""
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
    if spacing_m is not None and config.block_m < 4 * spacing_m:
        notes.append(
            f"photos lie {spacing_m:.0f} m apart (median): blocks of {config.block_m:g} m are smaller than "
            "four times that, so most hold a photo or two"
        )
    return tuple(notes)
