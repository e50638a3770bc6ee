"""What can only be judged once every photo has been measured, or by a network."""

from collections.abc import Iterator
from pathlib import Path

from machinami.catalog import Catalog, Photo
from machinami.check.indoor import indoor_probabilities
from machinami.check.marks import Mark, is_about_others, is_candidate, is_second_look
from machinami.check.measures import Measures
from machinami.check.overlays import find_overlays
from machinami.check.watermarks import SharedMark, Smallest, find_shared_mark
from machinami.config import CheckConfig
from machinami.files import digest_json
from machinami.ordered import in_batches
from machinami.progress import Progress
from machinami.project import Project

__all__ = ["SecondLook"]

_BATCH = 256


class SecondLook:
    """Overlays of whole sequences, and rooms."""

    def __init__(
        self, project: Project, config: CheckConfig, catalog: Catalog, measures: Measures, progress: Progress
    ) -> None:
        self._project = project
        self._config = config
        self._measures = measures
        self._overlays = find_overlays(catalog, measures.find, max_share=config.max_overlay_share)
        if config.indoor:
            self._look_for_rooms(catalog, progress)

    def judge(self, photo: Photo) -> Mark | None:
        """The mark of a photo that is fit by itself; the user's word stands."""
        if photo.kept_by_user:
            return None
        return self._overlays.judge(photo) or self._judge_indoor(photo)

    def _judge_indoor(self, photo: Photo) -> Mark | None:
        if not self._config.indoor:
            return None
        probability = self._measures.find_indoor(photo.pixels_sha256)
        if probability is None or probability <= self._config.min_indoor:
            return None
        return Mark(f"indoor: {100 * probability:.0f} % likely by things of rooms, a weak sign", probability)

    def _look_for_rooms(self, catalog: Catalog, progress: Progress) -> None:
        asked = progress.track(self._unasked(catalog), total=None, label="Looking for rooms")
        for batch in in_batches(indoor_probabilities(asked, max_pixels=self._config.max_pixels), _BATCH):
            self._measures.add_indoor(batch)

    def _unasked(self, catalog: Catalog) -> Iterator[tuple[str, Path]]:
        for photo in catalog.photos():
            fit = photo.state == "fetched" or is_about_others(photo) or is_second_look(photo)
            if not (fit and is_candidate(photo) and photo.file and photo.pixels_sha256) or photo.kept_by_user:
                continue
            if self._measures.find_indoor(photo.pixels_sha256) is None:
                yield photo.pixels_sha256, self._project.path_of(photo.file)

    def shared_marks(self, catalog: Catalog) -> dict[tuple[str, str], SharedMark]:
        """(source, place) → the mark that nearly all its photos bear, where there is one."""
        samples: dict[tuple[str, str], Smallest] = {}
        for photo in catalog.photos(state="fetched"):
            if photo.place and photo.file and photo.pixels_sha256:
                sample = samples.setdefault((photo.source, photo.place), Smallest())
                sample.add(photo.pixels_sha256, photo.file)
        found = {key: self._shared_mark(sample.items()) for key, sample in samples.items()}
        return {key: mark for key, mark in found.items() if mark is not None}

    def _shared_mark(self, sample: list[tuple[str, str]]) -> SharedMark | None:
        name = digest_json([digest for digest, _ in sample])
        box = self._measures.find_shared(name)
        if box is None:
            files = [self._project.path_of(file) for _, file in sample]
            mark = find_shared_mark(files, max_pixels=self._config.max_pixels)
            box = () if mark is None else (mark.left, mark.top, mark.right, mark.bottom)
            self._measures.add_shared(name, box)
        return SharedMark(left=box[0], top=box[1], right=box[2], bottom=box[3]) if len(box) == 4 else None
