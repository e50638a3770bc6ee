"""The part of `check` that marks photos which show nearly the same: hashes, pairs, features, groups, marks."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from machinami.catalog import Catalog, Photo
from machinami.check.hash_index import near_pairs
from machinami.check.marks import Mark, is_candidate, is_near_mark
from machinami.check.near import NearGroup, group_pairs, judge_group
from machinami.check.near_features import INPUT_PX, is_bundled, pooled_features
from machinami.check.near_store import NearStore
from machinami.config import CheckConfig
from machinami.images.decode import PhotoError, decode_photo
from machinami.images.hashes import HASHED_SIDE_PX, hash_pixels
from machinami.ordered import in_batches, in_order
from machinami.progress import Progress
from machinami.project import Project

__all__ = ["NearReport", "confirm", "mark_near"]

_BATCH = 256
LENIENCE = 0.05  # JPEG quality 40 takes features down to 0.88 but moves neither hash by more than 3 bits

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class NearReport:
    """What the search for near duplicates did."""

    pairs: int  # whose hashes are near
    groups: int
    crowded: int  # see NearPairs: 0 where nothing was left out
    by_features: bool  # False where the network's weights are not installed, so that hashes alone decided


class Marking(Protocol):
    """Who writes marks into the catalogue."""

    catalog: Catalog

    def set(self, photo: Photo, mark: Mark | None, *, before: Photo) -> None:
        """Bring one row up to date: what changed of it, and its mark."""


@dataclass(frozen=True, slots=True)
class _Hashed:
    """Photos in the order of preference."""

    ids: Rows
    dhash: npt.NDArray[np.uint64]
    phash: npt.NDArray[np.uint64]


def mark_near(
    project: Project, config: CheckConfig, reader: Catalog, marking: Marking, progress: Progress
) -> NearReport:
    """Mark photos that nearly show what another one does, and take back marks that no longer hold."""
    report = NearReport(pairs=0, groups=0, crowded=0, by_features=is_bundled())
    groups: list[NearGroup] = []
    hashed = _Hashed(np.zeros(0, np.int64), np.zeros(0, np.uint64), np.zeros(0, np.uint64))
    if config.near_duplicates:
        with NearStore(project.cache / "hashes.sqlite") as store:
            hashed = _hash_photos(project, config, reader, store, progress)
            first, second, crowded = _candidates(hashed, config.near_hash_bits)
            if report.by_features:
                _fill_features(project, config, reader, store, hashed.ids[np.union1d(first, second)], progress)
                likeness = _cosines(reader, store, hashed.ids, first, second)
                near = confirm(likeness, np.maximum(*_distances(hashed, first, second)), config)
            else:
                progress.say("near duplicates are told by their hashes alone: the bundled network is not installed")
                bits = np.maximum(*_distances(hashed, first, second))
                likeness, near = 1 - bits / 64, bits <= config.near_hash_bits_alone
            pairs = zip(first[near].tolist(), second[near].tolist(), likeness[near].tolist(), strict=True)
            groups = list(group_pairs(pairs))
            report = replace(report, pairs=len(first), groups=len(groups), crowded=crowded)
    _write(reader, marking, hashed.ids, groups)
    return report


def confirm(cosines: npt.NDArray[np.float64], bits: Rows, config: CheckConfig) -> npt.NDArray[np.bool_]:
    """Which pairs are near duplicates, by the cosine of their features and the bits of the hash that differs more.

    Where both hashes are nearly equal, a little less likeness is enough.
    """
    return cosines >= np.where(bits <= config.near_hash_bits_alone, config.near_cosine - LENIENCE, config.near_cosine)


def _eligible(photo: Photo) -> bool:
    """Fit by itself and among its twins: nothing but another photo that is nearly the same speaks against it."""
    fit = photo.state == "fetched" or (is_candidate(photo) and is_near_mark(photo))
    return fit and None not in (photo.file, photo.pixels_sha256, photo.place)


def _hash_photos(
    project: Project, config: CheckConfig, reader: Catalog, store: NearStore, progress: Progress
) -> _Hashed:
    """The hashes of all eligible photos; only those that are not in the store are decoded."""
    kept, areas, ids, hashes = bytearray(), [], [], []
    photos = (photo for photo in reader.photos() if _eligible(photo))
    jobs = ((photo, store.hashes(photo.pixels_sha256 or "")) for photo in photos)

    def hash_photo(job: tuple[Photo, tuple[int, int] | None]) -> tuple[Photo, tuple[int, int] | None, bool]:
        photo, known = job
        if known is not None:
            return photo, known, False
        pixels = _decode(project, config, photo, HASHED_SIDE_PX)
        return photo, None if pixels is None else hash_pixels(pixels), True

    watched = progress.track(in_order(hash_photo, jobs), total=None, label="Hashing")
    for batch in in_batches(watched, _BATCH):
        fresh = [(photo.pixels_sha256 or "", found) for photo, found, is_new in batch if is_new and found]
        store.add_hashes(fresh)
        for photo, found, _ in batch:
            if found is not None:
                kept.append(photo.kept_by_user)
                areas.append((photo.width or 0) * (photo.height or 0))
                ids.append(photo.photo_id)
                hashes.append(found)
    order = np.lexsort((np.array(ids), -np.array(areas, np.int64), -np.array(kept, np.int64)))  # see `preference`
    table = np.array(hashes, np.uint64).reshape(-1, 2)[order]
    return _Hashed(np.array(ids, np.int64)[order], table[:, 0].copy(), table[:, 1].copy())


def _decode(project: Project, config: CheckConfig, photo: Photo, side_px: int) -> npt.NDArray[np.uint8] | None:
    try:
        return decode_photo(project.path_of(photo.file or ""), max_pixels=config.max_pixels, shorter_side_px=side_px)
    except PhotoError:  # it went since it was looked at: the next check says so
        return None


def _candidates(hashed: _Hashed, radius: int) -> tuple[Rows, Rows, int]:
    """Pairs whose dHash or pHash is near, the preferred photo first."""
    by_dhash, by_phash = near_pairs(hashed.dhash, radius=radius), near_pairs(hashed.phash, radius=radius)
    count = max(1, len(hashed.ids))
    codes = np.union1d(by_dhash.first * count + by_dhash.second, by_phash.first * count + by_phash.second)
    return codes // count, codes % count, by_dhash.crowded + by_phash.crowded


def _distances(hashed: _Hashed, first: Rows, second: Rows) -> tuple[Rows, Rows]:
    """Bits that differ, of both hashes."""
    dhash = np.bitwise_count(hashed.dhash[first] ^ hashed.dhash[second])
    return dhash.astype(np.int64), np.bitwise_count(hashed.phash[first] ^ hashed.phash[second]).astype(np.int64)


def _fill_features(
    project: Project, config: CheckConfig, reader: Catalog, store: NearStore, ids: Rows, progress: Progress
) -> None:
    """Features of these photos in the store, of those that have none yet."""

    def missing() -> Iterator[Photo]:
        for photo in reader.photos(ids=progress.track(ids.tolist(), total=len(ids), label="Comparing")):
            if store.vector(photo.pixels_sha256 or "") is None:
                yield photo

    def decode(photo: Photo) -> tuple[str, npt.NDArray[np.uint8] | None]:
        return photo.pixels_sha256 or "", _decode(project, config, photo, INPUT_PX)

    first = next(missing(), None)
    if first is None:
        return
    decoded = ((name, pixels) for name, pixels in in_order(decode, missing()) if pixels is not None)
    for batch in pooled_features(decoded):
        store.add_vectors(batch)


def _cosines(reader: Catalog, store: NearStore, ids: Rows, first: Rows, second: Rows) -> npt.NDArray[np.float64]:
    """Cosine of the features of each pair; 0 where one photo has none."""
    cosines = np.zeros(len(first))
    for start in range(0, len(first), _BATCH):
        part = slice(start, start + _BATCH)
        rows, number = np.unique(np.concatenate([first[part], second[part]]), return_inverse=True)
        vectors = [store.vector(photo.pixels_sha256 or "") for photo in reader.photos(ids=ids[rows].tolist())]
        size = next((len(vector) for vector in vectors if vector is not None), 1)
        table = np.stack([np.zeros(size, np.float32) if vector is None else vector for vector in vectors])
        half = len(number) // 2
        cosines[part] = (table[number[:half]] * table[number[half:]]).sum(axis=1)
    return np.minimum(cosines, 1)


def _write(reader: Catalog, marking: Marking, ids: Rows, groups: list[NearGroup]) -> None:
    """Marks and group numbers of all members; those of photos that are in no group any more are taken back."""
    members: set[int] = set()
    for batch in in_batches(groups, _BATCH):
        with marking.catalog.transaction():
            for group in batch:
                numbers = [group.leader, *group.members]
                photos = [reader.photo(int(ids[number])) for number in numbers]
                near = list(zip(photos[1:], group.members.values(), strict=True))
                name = min(photo.photo_id for photo in photos)
                members.update(photo.photo_id for photo in photos)
                for photo, mark in judge_group(photos[0], near):
                    marking.set(replace(photo, near_group=name), mark, before=photo)
    former = (p for p in reader.photos() if p.near_group is not None and p.photo_id not in members)
    for rows in in_batches(former, _BATCH):
        with marking.catalog.transaction():
            for photo in rows:
                keep = photo.state == "rejected" and not (is_candidate(photo) and is_near_mark(photo))
                mark = Mark(photo.reason or "", photo.score) if keep else None
                marking.set(replace(photo, near_group=None), mark, before=photo)
