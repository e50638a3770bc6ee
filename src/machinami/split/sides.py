"""The fold and the subset of every photo: by ground, at random, or by whole areas."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from machinami.config import SplitConfig
from machinami.errors import SplitError
from machinami.split.buffer import TEST, TRAIN, VALIDATION
from machinami.split.chains import Bound
from machinami.split.folds import assign_folds, check_blocks, deal_photos, table_of_places
from machinami.split.ground import Ground, lay_areas, lay_ground, stand_alone
from machinami.split.photo import SplitPhoto

__all__ = ["NO_FOLD", "Sides", "take_sides"]

NO_FOLD = -1  # of areas beyond those that every place has: always for training

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Where each photo stands, before anything is left out."""

    ground: Ground
    fold_of: Ints  # (N,)
    subset_of: Ints  # (N,): TEST, VALIDATION or TRAIN
    folds: int
    notes: tuple[str, ...] = ()


def take_sides(
    photos: Sequence[SplitPhoto],
    place_of: Ints,
    points_m: Floats,
    bound: Bound,
    config: SplitConfig,
    *,
    seed: int,
) -> Sides:
    """The fold and subset of each photo. Raises SplitError with the ways out.

    `place_of`: int64 (N,), the rank of each photo's place; `points_m`: float64 (N, 3), `earth_points_m`; `bound`: see
    `bind_photos`.
    """
    rng = np.random.default_rng(seed)
    places = sorted({photo.place for photo in photos})
    if config.strategy == "areas":
        return _by_area(photos, places, place_of, config, rng)
    ground = stand_alone(photos) if config.strategy == "random" else lay_ground(photos, points_m, bound, config)
    counts = _count(ground, place_of, places)
    check_blocks(places, counts, folds=config.folds)
    if config.strategy == "random":
        fold_of = deal_photos(place_of, folds=config.folds, rng=rng)
    else:
        fold_of = assign_folds(counts, folds=config.folds, rng=rng)[ground.unit_of]
    subset_of = np.full(len(fold_of), TRAIN, np.int64)
    subset_of[fold_of == config.fold] = TEST
    subset_of[fold_of == (config.fold + 1) % config.folds] = VALIDATION
    return Sides(ground=ground, fold_of=fold_of, subset_of=subset_of, folds=config.folds)


def _count(ground: Ground, place_of: Ints, places: Sequence[str]) -> Ints:
    """int64 (units, places): photos."""
    counts = np.zeros((len(ground.shapes), len(places)), np.int64)
    np.add.at(counts, (ground.unit_of, place_of), 1)
    return counts


def _by_area(
    photos: Sequence[SplitPhoto], places: Sequence[str], place_of: Ints, config: SplitConfig, rng: np.random.Generator
) -> Sides:
    """Leave one area out: the test is one area of each place, validation another one where there are three."""
    _check_areas(photos)
    whole = lay_areas(photos, carved=np.zeros(len(photos), bool), block_m=config.block_m)
    counts = _count(whole, place_of, places)
    folds = _count_folds(places, counts, config)
    fold_of = _number_areas(counts, folds=folds, rng=rng)[whole.unit_of]
    subset_of = np.where(fold_of == config.fold, TEST, TRAIN)
    spare = counts[:, (counts > 0).sum(axis=0) > folds].sum(axis=1)
    notes = [f"there are {folds} folds, since that many areas is what every place has"]
    if spare.any():
        notes.append("where a place has more, the areas with the fewest photos are in no fold and always for training")
    if folds > 2:
        subset_of[fold_of == (config.fold + 1) % folds] = VALIDATION
        return Sides(ground=whole, fold_of=fold_of, subset_of=subset_of, folds=folds, notes=tuple(notes))
    notes.append("a place has two areas, so that validation is of blocks of the area that training learns from")
    carved = subset_of != TEST
    ground = lay_areas(photos, carved=carved, block_m=config.block_m)
    counts = _count(ground, place_of, places)
    parts = max(2, config.folds - 1)
    remaining = np.flatnonzero(np.bincount(ground.unit_of[carved], minlength=len(counts)))
    check_blocks(places, counts[remaining], folds=parts)
    part_of = np.full(len(counts), -1)
    part_of[remaining] = assign_folds(counts[remaining], folds=parts, rng=rng)
    subset_of[part_of[ground.unit_of] == 0] = VALIDATION
    return Sides(ground=ground, fold_of=fold_of, subset_of=subset_of, folds=folds, notes=tuple(notes))


def _check_areas(photos: Sequence[SplitPhoto]) -> None:
    """Raises SplitError where a photo lies in no area."""
    lost = [photo for photo in photos if photo.area is None or photo.lat is None or photo.lon is None]
    if not lost:
        return
    places = sorted({photo.place for photo in lost})
    nowhere = sum(photo.lat is None or photo.lon is None for photo in lost)
    raise SplitError(
        f"{len(lost)} photos of {', '.join(places)} lie in no area of their place ({nowhere} of them without a "
        f'position), the first is photo {lost[0].photo_id}. Ways out: split by ground (split.strategy = "blocks"); '
        "give each place its area in machinami.toml and import or collect again; take these photos out with "
        "`machinami forget`"
    )


def _count_folds(places: Sequence[str], counts: Ints, config: SplitConfig) -> int:
    """As many folds as the place with the fewest areas has areas. Raises SplitError where that is one."""
    areas = (counts > 0).sum(axis=0)
    fewest = int(areas.min())
    table = table_of_places(["place", "photos", "areas"], places, counts.sum(axis=0), areas)
    if fewest < 2:
        short = ", ".join(place for place, number in zip(places, areas.tolist(), strict=True) if number < 2)
        raise SplitError(
            f"no area can be left out: only one area of {short} holds photos\n{table}\n"
            'Ways out: several areas for the place (where = { NAME = "*" } takes every feature that has the column); '
            'photos from another area of it; split by ground (split.strategy = "blocks")'
        )
    if config.fold >= fewest:
        raise SplitError(
            f"split.fold = {config.fold}, and there are {fewest} folds, one for each area that every place has: "
            f"choose one of 0 … {fewest - 1}\n{table}"
        )
    return fewest


def _number_areas(counts: Ints, *, folds: int, rng: np.random.Generator) -> Ints:
    """int64 (areas,): each place's areas with the most photos in folds by chance, the others in none."""
    fold_of = np.full(len(counts), NO_FOLD, np.int64)
    for place in range(counts.shape[1]):
        largest = np.argsort(-counts[:, place], kind="stable")[:folds]
        fold_of[largest] = rng.permutation(folds)
    return fold_of
