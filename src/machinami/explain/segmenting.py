"""Region masks by a segmenter, for the photos that have none of their own; a rerun makes only what is missing."""

import io
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt
from PIL import Image

from machinami.catalog import Catalog, Photo
from machinami.config import Config
from machinami.explain.batches import DecodedBatch, decoded_batches
from machinami.explain.inputs import segment_inputs
from machinami.explain.regions import SEGMENTER, made_by
from machinami.explain.segmenter import Segmenter, load_segmenter
from machinami.explain.street_regions import region_numbers
from machinami.files import digest_file, write_bytes
from machinami.images.decode import decode_photo
from machinami.models.device import resolve_device
from machinami.progress import Progress, silent
from machinami.project import Project

__all__ = ["SegmentReport", "segment_photos"]

BATCH = 4
CHUNK = 512  # photos whose rows are held in memory at once


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentReport:
    """What a segmenter did."""

    segmenter: str
    made: int  # masks made now
    there: int  # masks of this segmenter that were there
    own: int  # photos with a mask that the user brought, or the town: they are left as they are
    unknown: tuple[str, ...]  # labels of the checkpoint that no region takes
    unreadable: tuple[tuple[str, str], ...]  # file, reason


def segment_photos(
    project: Project,
    config: Config,
    *,
    device: str = "auto",
    endpoint: str | None = None,
    progress: Progress = silent,
) -> SegmentReport:
    """A mask in masks/segmenter-DIGEST for every photo without one of its own, and its row in the catalogue.

    The digest is of the segmenter, so that masks of another one are made again and those of this one stay; stopped, it
    goes on where it was. Masks that the user brought are never touched. `endpoint`: a hub other than the public
    one. Raises MissingExtra, WeightsError; photos that cannot be read are reported.
    """
    inputs = segment_inputs(project, config)
    with project.stage("masks", inputs=inputs, config=config) as run, project.catalog() as catalog:
        where = resolve_device(device)
        segmenter = load_segmenter(config.regions, root=project.root, device=where, endpoint=endpoint)
        folder = f"{SEGMENTER}{segmenter.digest[:12]}"
        catalog.set_fact(folder, _facts(segmenter, config))
        work = _Work(project, catalog, segmenter, folder, config.check.max_pixels)
        missing, there, own = work.missing()
        unreadable = work.do(missing, progress)
        if not unreadable:
            _clear_up(project, catalog, keep=folder)
        report = SegmentReport(
            segmenter=segmenter.name,
            made=len(missing) - len(unreadable),
            there=there,
            own=own,
            unknown=segmenter.unknown,
            unreadable=tuple(unreadable),
        )
        run.notes |= {"folder": folder, **asdict(report), "unreadable": len(unreadable)}
    return report


def _facts(segmenter: Segmenter, config: Config) -> str:
    """What the masks in a folder mean, and who made them."""
    regions = {str(number): name for number, name in region_numbers().items()}
    facts = {
        "name": segmenter.name,
        "revision": config.regions.revision,
        "size_px": segmenter.size_px,
        "digest": segmenter.digest,
        "regions": regions,
        "unlabelled": [0],
        "labels_of_no_region": list(segmenter.unknown),
    }
    return json.dumps(facts, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class _Work:
    """Photos in, masks and rows out."""

    project: Project
    catalog: Catalog
    segmenter: Segmenter
    folder: str
    max_pixels: int

    def mask_of(self, photo: Photo) -> str:
        """Where the photo's mask lies: photos of one content share it."""
        name = photo.sha256 or f"{photo.photo_id:08d}"
        return f"masks/{self.folder}/{name[:2]}/{name}.png"

    def missing(self) -> tuple[list[int], int, int]:
        """Photos that want a mask, how many have one of this segmenter, how many one of their own."""
        missing: list[int] = []
        there = own = 0
        for photo in self.catalog.photos(state="fetched"):
            if photo.mask is not None and made_by(photo.mask) is None:
                own += 1
            elif photo.mask == self.mask_of(photo) and self.project.path_of(photo.mask).is_file():
                there += 1
            else:
                missing.append(photo.photo_id)
        return missing, there, own

    def do(self, missing: Sequence[int], progress: Progress) -> list[tuple[str, str]]:
        """Make them, a batch a transaction; the photos that cannot be read."""
        unreadable: list[tuple[str, str]] = []
        batches = self._decoded(missing)
        for batch in progress.track(batches, total=-(-len(missing) // BATCH), label="Segmenting", unit="batches"):
            unreadable += [(photo.file or "", reason) for photo, reason in batch.failures]
            written = [(photo, self._write(photo, mask)) for photo, mask in self._segmented(batch)]
            with self.catalog.transaction():
                for photo, sha256 in written:
                    self.catalog.update(photo.photo_id, mask=self.mask_of(photo), mask_sha256=sha256)
        return unreadable

    def _decoded(self, missing: Sequence[int]) -> Iterator[DecodedBatch]:
        for start in range(0, len(missing), CHUNK):
            photos = list(self.catalog.photos(ids=missing[start : start + CHUNK]))
            yield from decoded_batches(photos, self._read, size=BATCH)

    def _read(self, photo: Photo) -> npt.NDArray[np.uint8]:
        path = self.project.path_of(photo.file or "")
        return decode_photo(path, max_pixels=self.max_pixels, shorter_side_px=self.segmenter.size_px)

    def _segmented(self, batch: DecodedBatch) -> Iterator[tuple[Photo, npt.NDArray[np.uint8] | None]]:
        """Each photo with its mask; None where a process that was stopped had written it already."""
        wanted = []
        for photo, pixels in zip(batch.photos, batch.pixels, strict=True):
            if self.project.path_of(self.mask_of(photo)).is_file():
                yield photo, None
            else:
                wanted.append((photo, pixels))
        wanted.sort(key=lambda pair: pair[1].shape)
        for _, alike in groupby(wanted, key=lambda pair: pair[1].shape):
            photos, pictures = zip(*alike, strict=True)
            yield from zip(photos, self.segmenter.segment(pictures), strict=True)

    def _write(self, photo: Photo, mask: npt.NDArray[np.uint8] | None) -> str:
        """The digest of the photo's mask, which is written first where there is one to write."""
        path = self.project.path_of(self.mask_of(photo))
        if mask is not None:
            buffer = io.BytesIO()
            Image.fromarray(mask).save(buffer, "PNG")
            write_bytes(path, buffer.getvalue())
        return digest_file(path)


def _clear_up(project: Project, catalog: Catalog, *, keep: str) -> None:
    """Take out the masks of earlier segmenters: every photo that is kept has one of this one, or one of its own.

    And what a killed process had half written of this one's.
    """
    for leftover in (project.masks / keep).rglob(".*.part*"):
        leftover.unlink(missing_ok=True)
    stale = []
    for photo in catalog.photos():
        folder = made_by(photo.mask) if photo.mask is not None else None
        if folder is not None and folder != keep:
            stale.append(photo.photo_id)
    with catalog.transaction():
        for photo_id in stale:
            catalog.update(photo_id, mask=None, mask_sha256=None)
        for name in catalog.facts(SEGMENTER):
            if name != keep:
                catalog.drop_fact(name)
    for former in project.masks.glob(f"{SEGMENTER}*"):
        if former.name != keep and former.is_dir():
            shutil.rmtree(former, ignore_errors=True)
