"""What is there, beside what is used: the share of each region in a place's photos, and in the evidence."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from machinami.catalog import Catalog, Photo
from machinami.config import Config
from machinami.errors import NotReady, ProjectError
from machinami.explain.inputs import explain_inputs
from machinami.explain.lift_interval import lift_interval
from machinami.explain.region_masks import RegionMasks, open_masks
from machinami.files import read_json
from machinami.images.masks import MaskError
from machinami.places import resolve_places
from machinami.progress import Progress, silent
from machinami.project import Project
from machinami.split import read_split

__all__ = ["RegionShares", "region_shares"]

UNLABELLED = "unlabelled"
CHUNK = 64  # masks read at once
WORKERS = 4
Used = Mapping[str, Mapping[str, Mapping[str, Any]]]
USED = ("share", "lift", "low", "high", "photos")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionShares:
    """The regions of a project, place by place."""

    masks_from: Mapping[str, int]  # photos by who made their mask
    without: Mapping[str, int]  # photos that are not counted, by reason
    weak: bool  # whether colours alone make the regions
    photos: int
    blocks: int | None  # None before the split
    places: Mapping[str, Mapping[str, Mapping[str, Any]]]  # area_share, low, high, photos, and `used` or None
    explained: bool  # whether `used` is known
    stale: bool  # whether it was found from other masks, photos or settings than those of now


@dataclass(slots=True)
class _Sums:
    """Area summed over the photos of each place and block, which is all that the shares and their intervals need."""

    areas: dict[tuple[str, str], npt.NDArray[np.float64]] = field(default_factory=dict)
    known: dict[tuple[str, str], npt.NDArray[np.float64]] = field(default_factory=dict)  # photos that could show each
    photos: Counter[tuple[str, str]] = field(default_factory=Counter)
    showing: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict)
    masks_from: Counter[str] = field(default_factory=Counter)
    without: Counter[str] = field(default_factory=Counter)


def region_shares(project: Project, config: Config, *, progress: Progress = silent) -> RegionShares:
    """The mean share of each region in the photos of each place, with intervals over blocks, beside its attention.

    area_share: mean over all photos of a place whose mask knows the region, those that do not show it too (the user's
    masks and a segmenter's may know different ones); None where no mask does. low, high: its interval, as
    `lift_interval` draws it, None before the split or with one block. photos: those that show the region on
    `explain.min_area` of their area or more. used: share, lift, low and high of the lift, and photos, from
    attention.json, which is of the test photos that were told rightly. After the split only its photos count.
    """
    blocks = _blocks(project)
    sums = _Sums()
    with project.catalog() as catalog:
        masks = open_masks(catalog, config, path_of=project.path_of)
        keys = [place.key for place in resolve_places(config, catalog)]
        photos = _photos(catalog, keys, blocks, sums)
        total = sum(count for _, state, _, count in catalog.counts() if state == "fetched")
        _sum_up(progress.track(photos, total=total, label="Reading masks"), masks, blocks, config, sums)
    used = _used(project)
    names = (*(masks.regions.names if masks.regions else ()), UNLABELLED)
    last = project.last_done("explain")
    return RegionShares(
        masks_from=dict(sorted(sums.masks_from.items())),
        without=dict(sorted(sums.without.items())),
        weak=masks.weak,
        photos=sum(sums.photos.values()),
        blocks=None if blocks is None else len({block for _, block in sums.photos}),
        places={key: _place(key, names, sums, blocks, config, used) for key in keys},
        explained=used is not None,
        stale=used is not None and (last is None or last["inputs"] != explain_inputs(project, config)),
    )


def _blocks(project: Project) -> Mapping[int, str] | None:
    """The block of each photo, or None before the split."""
    try:
        return read_split(project).block_of()
    except NotReady:
        return None


def _photos(catalog: Catalog, keys: Collection[str], blocks: Mapping[int, str] | None, sums: _Sums) -> Iterator[Photo]:
    for photo in catalog.photos(state="fetched"):
        if photo.place not in keys:
            sums.without["of no place"] += 1
        elif blocks is not None and photo.photo_id not in blocks:
            sums.without["not in the split"] += 1
        else:
            yield photo


def _sum_up(
    photos: Iterator[Photo], masks: RegionMasks, blocks: Mapping[int, str] | None, config: Config, sums: _Sums
) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        while chunk := list(islice(photos, CHUNK)):
            for photo, found in zip(chunk, pool.map(lambda photo: _area(photo, masks), chunk), strict=True):
                if isinstance(found, str):
                    sums.without[found] += 1
                    continue
                key = (photo.place or "", "" if blocks is None else blocks[photo.photo_id])
                sums.areas[key] = sums.areas.get(key, 0) + found
                sums.known[key] = sums.known.get(key, 0) + np.append(masks.may_show(photo), True).astype(float)
                sums.photos[key] += 1
                sums.masks_from[masks.origin(photo) or ""] += 1
                shows = found >= config.explain.min_area
                sums.showing[key[0]] = sums.showing.get(key[0], 0) + shows.astype(np.int64)


def _area(photo: Photo, masks: RegionMasks) -> npt.NDArray[np.float64] | str:
    """The share of each region and, last, of all else: float64 (S + 1,); or the reason why it is not known."""
    if masks.regions is None:
        return "none"
    try:
        mask = masks.read(photo)
    except MaskError as error:
        return error.reason.partition(":")[0]
    counts = np.bincount(mask.ravel(), minlength=256)[list(masks.regions.numbers)] / mask.size
    return np.append(counts, 1 - counts.sum())


def _place(
    key: str,
    names: Sequence[str],
    sums: _Sums,
    blocks: Mapping[int, str] | None,
    config: Config,
    used: Used | None,
) -> dict[str, dict[str, Any]]:
    mine = [block for place, block in sums.photos if place == key]
    if not mine:
        return {}
    area = np.stack([sums.areas[key, block] for block in mine])
    known = np.stack([sums.known[key, block] for block in mine])
    return {
        name: {
            **_share(area[:, column], known[:, column], mine, config, split=blocks is not None),
            "photos": int(sums.showing[key][column]),
            "used": None if used is None else used.get(key, {}).get(name),
        }
        for column, name in enumerate(names)
    }


def _share(
    area: npt.NDArray[np.float64],
    photos: npt.NDArray[np.float64],
    blocks: Sequence[str],
    config: Config,
    *,
    split: bool,
) -> dict[str, float | None]:
    """The mean of a region's share, which is a ratio of block sums, and its interval where the blocks are known."""
    there = photos > 0
    if not there.any():
        return dict.fromkeys(("area_share", "low", "high"))
    interval = None
    if split:
        interval = lift_interval(
            area[there],
            photos[there],
            [block for block, counts in zip(blocks, there, strict=True) if counts],
            draws=config.evaluate.draws,
            level=config.evaluate.level,
            seed=config.seed,
        )
    return {
        "area_share": round(float(area.sum() / photos.sum()), 6),
        "low": None if interval is None else round(interval.low, 6),
        "high": None if interval is None else round(min(interval.high, 1.0), 6),
    }


def _used(project: Project) -> Used | None:
    """By place and region what attention.json says; None where nothing was explained. Raises ProjectError."""
    file = project.explanations / "attention.json"
    if not file.is_file():
        return None
    try:
        places = read_json(file)["places"].items()
        return {
            key: {name: {field: row[field] for field in USED} for name, row in table.items()} for key, table in places
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"{type(error).__name__}: {error}"
        raise ProjectError(f"{file} is damaged ({problem}): run `machinami explain` again") from error
