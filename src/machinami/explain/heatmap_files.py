"""Heatmaps on disk: part files of bounded size, float16 at the native grid, written whole or not at all."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from machinami.errors import ProjectError
from machinami.explain.centre import centred
from machinami.files import replacing_folder

__all__ = ["HeatmapBatch", "read_centred", "read_heatmaps", "write_heatmaps"]

PART_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeatmapBatch:
    """Heatmaps of some photos, as they lie in one part file."""

    photo_id: npt.NDArray[np.int64]  # (n,)
    places: tuple[str, ...]  # (k,)
    maps: npt.NDArray[np.floating]  # (n, k, h, w): signed, logit units; float16 when read
    completeness: npt.NDArray[np.float32]  # (n,), taken before rounding to float16
    logits: npt.NDArray[np.float32]  # (n, k)


def write_heatmaps(folder: Path, batches: Iterable[HeatmapBatch], *, part_bytes: int = PART_BYTES) -> int:
    """Write all batches as part-00000.npz, … in place of `folder`; the number of parts comes back.

    A part holds as many photos as fit into `part_bytes`. Until all are written, `folder` stays as it was.
    """
    parts = 0
    with replacing_folder(folder) as aside:
        for part in _parts(batches, part_bytes):
            _write_part(aside / f"part-{parts:05d}.npz", part)
            parts += 1
    return parts


def _parts(batches: Iterable[HeatmapBatch], part_bytes: int) -> Iterator[HeatmapBatch]:
    """The same photos in the same order, in batches of part size."""
    waiting: list[HeatmapBatch] = []
    size = 0
    for batch in batches:
        each = max(1, 2 * int(np.prod(batch.maps.shape[1:])))
        start = 0
        while start < len(batch.photo_id):
            room = max(1, (part_bytes - size) // each)
            piece = _slice(batch, start, start + room)
            waiting.append(piece)
            size += each * len(piece.photo_id)
            start += len(piece.photo_id)
            if size + each > part_bytes:
                yield _joined(waiting)
                waiting, size = [], 0
    if waiting:
        yield _joined(waiting)


def _slice(batch: HeatmapBatch, start: int, stop: int) -> HeatmapBatch:
    """Some photos of a batch, the maps rounded."""
    return HeatmapBatch(
        photo_id=batch.photo_id[start:stop],
        places=batch.places,
        maps=batch.maps[start:stop].astype(np.float16),
        completeness=batch.completeness[start:stop],
        logits=batch.logits[start:stop],
    )


def _joined(batches: list[HeatmapBatch]) -> HeatmapBatch:
    return HeatmapBatch(
        photo_id=np.concatenate([batch.photo_id for batch in batches]),
        places=batches[0].places,
        maps=np.concatenate([batch.maps for batch in batches]),
        completeness=np.concatenate([batch.completeness for batch in batches]),
        logits=np.concatenate([batch.logits for batch in batches]),
    )


def _write_part(path: Path, part: HeatmapBatch) -> None:
    np.savez_compressed(
        path,
        photo_id=part.photo_id.astype(np.int64),
        places=np.array(part.places, dtype=np.str_),
        maps=part.maps,
        completeness=part.completeness.astype(np.float32),
        logits=part.logits.astype(np.float32),
    )


def read_heatmaps(folder: Path) -> Iterator[HeatmapBatch]:
    """The part files in order, one at a time. Raises ProjectError for a damaged one."""
    for path in sorted(folder.glob("part-*.npz")):
        try:
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                yield HeatmapBatch(
                    photo_id=file["photo_id"],
                    places=tuple(str(place) for place in file["places"]),
                    maps=file["maps"],
                    completeness=file["completeness"],
                    logits=file["logits"],
                )
        except (OSError, KeyError, ValueError, EOFError, BadZipFile) as error:
            raise ProjectError(f"{path} cannot be read ({error}): run `machinami explain` again") from error


def read_centred(folder: Path, photo_ids: Collection[int], places: Sequence[str]) -> dict[int, npt.NDArray[np.float32]]:
    """Class-centred maps (places, h, w) of these photos, those of them that there are, in the order of `places`.

    Maps of a network that told other places apart are left out. Raises ProjectError for a damaged file.
    """
    found: dict[int, npt.NDArray[np.float32]] = {}
    for part in read_heatmaps(folder):
        if set(part.places) != set(places):
            continue
        order = [part.places.index(place) for place in places]
        for row in np.flatnonzero(np.isin(part.photo_id, list(photo_ids))):
            found[int(part.photo_id[row])] = centred(part.maps[row][order].astype(np.float32))
    return found
