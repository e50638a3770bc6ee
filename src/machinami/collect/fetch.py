"""One answer for one or more rows: asked for, written down, looked at, cut into flat views where it is a 360° photo."""

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from PIL import Image

from machinami.catalog import Photo
from machinami.collect.arrivals import Arrivals
from machinami.collect.ledger import Ledger
from machinami.config import Config
from machinami.dates import CaptureDate
from machinami.errors import BudgetError
from machinami.files import write_bytes
from machinami.images.decode import PhotoError, decode_photo
from machinami.images.measure import measure_photo
from machinami.images.panorama import flat_view
from machinami.project import Project
from machinami.sources.manners import Unanswered
from machinami.sources.source import PhotoGone, PhotoRef, Source

__all__ = ["Fetcher", "Job", "Result"]

_JPEG_QUALITY = 92  # of views that are cut here
_TRIES = 2  # a picture that came whole but cannot be decoded is asked for once more


@dataclass(frozen=True, slots=True)
class Job:
    """Rows that one request answers: a photo, or all the views wanted of one 360° photo."""

    photos: tuple[Photo, ...]

    @property
    def photo_ids(self) -> tuple[int, ...]:
        """Of the rows."""
        return tuple(photo.photo_id for photo in self.photos)


@dataclass(frozen=True, slots=True)
class Result:
    """The rows as they are now; or the ceiling that was reached before they could be asked for."""

    job: Job
    photos: tuple[Photo, ...]
    ceiling: BudgetError | None = None
    entries: tuple[int, ...] = ()  # of the ledger, one for each request that left


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """Fetches photos; safe to use from several threads. Writes files and the ledger, not the rows."""

    project: Project
    config: Config
    source: Source
    ledger: Ledger
    arrivals: Arrivals
    now: Callable[[], datetime]
    forgotten: frozenset[str] = frozenset()  # digests of files that were taken out for good

    def fetch(self, job: Job) -> Result:
        """What became of the job. Raises SourceError where the provider cannot be used at all."""
        entries: list[int] = []
        try:
            photos = self._fetch(job, entries)
        except BudgetError as error:
            return Result(job, job.photos, error, tuple(entries))
        except Unanswered as error:
            photos = _all(job, "unknown", str(error))
        except PhotoGone as error:
            photos = _all(job, error.state, error.reason)
        except PhotoError as error:
            photos = _all(job, error.state, error.reason)
        return Result(job, photos, None, tuple(entries))

    def settle(self, results: Sequence[Result]) -> None:
        """The rows are written: the ledger learns the outcomes, and the bytes are no longer needed twice."""
        outcomes: dict[int, str] = {}
        for result in results:
            states = {photo.state for photo in result.photos}
            outcomes |= dict.fromkeys(result.entries[:-1], "asked again")
            outcomes |= dict.fromkeys(result.entries[-1:], "unknown" if result.ceiling else "/".join(sorted(states)))
        self.ledger.settle_all(outcomes)
        for result in results:
            if result.ceiling is None:
                self.arrivals.clear(result.job.photo_ids)

    def _fetch(self, job: Job, entries: list[int]) -> tuple[Photo, ...]:
        for attempt in range(1, _TRIES + 1):
            path = self.arrivals.path(job.photo_ids)
            if path.exists():
                data = path.read_bytes()
            else:
                first = job.photos[0]
                fetched = self.source.fetch(
                    _ref(first),
                    heading_deg=first.heading_deg if first.projection == "spherical" else None,
                    before=lambda: entries.append(self.ledger.intend(job.photo_ids[0])),
                )
                data = fetched.data
                self.arrivals.keep(job.photo_ids, data)
            try:
                return tuple(self._take(job, photo, data) for photo in job.photos)
            except PhotoError as error:
                self.arrivals.clear(job.photo_ids)
                if error.state == "rejected" or attempt == _TRIES:
                    raise
        raise AssertionError("the last try returns or raises")

    def _take(self, job: Job, photo: Photo, arrived: bytes) -> Photo:
        """The row with its file in the project; rejected where the picture is a "no imagery" card."""
        cut = photo.projection == "spherical" and not self.source.cuts_views
        data = self._cut(photo, arrived) if cut else arrived
        measured = measure_photo(data, max_pixels=self.config.check.max_pixels, now=self.now())
        sha256 = hashlib.sha256(data).hexdigest()
        file = f"photos/{sha256[:2]}/{sha256}{measured.suffix}"
        if sha256 in self.forgotten:
            raise PhotoError(photo.source_id, "forgotten: it was taken out of this project")
        photo = replace(
            photo,
            width=measured.width,
            height=measured.height,
            pixels_sha256=measured.pixels_sha256,
            grey_share=measured.grey_share,
            camera_make=photo.camera_make or measured.exif.camera_make,
            camera_model=photo.camera_model or measured.exif.camera_model,
        )
        if measured.grey_share >= self.config.check.placeholder_share:
            reason = f"placeholder: {100 * measured.grey_share:.1f} % is one grey"
            return replace(photo, state="rejected", rejected_by="collect", reason=reason, score=measured.grey_share)
        if cut:
            write_bytes(self.project.path_of(file), data)
        else:
            self.arrivals.give(job.photo_ids, self.project.path_of(file))
        photo = replace(photo, state="fetched", reason=None, file=file, sha256=sha256)
        return self._sized(photo)

    def _sized(self, photo: Photo) -> Photo:
        side_px, least_px = min(photo.width or 0, photo.height or 0), self.config.check.min_side_px
        if side_px >= least_px:
            return photo
        reason = f"too-small: {side_px} px, less than {least_px}"
        return replace(photo, state="rejected", rejected_by="check", reason=reason, score=float(side_px))

    def _cut(self, photo: Photo, data: bytes) -> bytes:
        """The flat view of a 360° photo, as JPEG; it has as many pixels to a degree as the photo, and no EXIF."""
        panorama = decode_photo(data, max_pixels=self.config.check.max_pixels)
        if panorama.shape[1] != 2 * panorama.shape[0]:
            reason = f"partial-sphere: {panorama.shape[1]} × {panorama.shape[0]} is not twice as wide as high"
            raise PhotoError(photo.source_id, reason)
        collect = self.config.collect
        edge_px = round(min(collect.image_px, panorama.shape[1] * collect.field_of_view_deg / 360))
        view = flat_view(
            panorama,
            heading_deg=photo.heading_deg or 0.0,
            centre_heading_deg=photo.centre_heading_deg or 0.0,
            field_of_view_deg=collect.field_of_view_deg,
            pitch_deg=collect.pitch_deg,
            size_px=(edge_px, edge_px),
        )
        file = io.BytesIO()
        Image.fromarray(view).save(file, "JPEG", quality=_JPEG_QUALITY)
        return file.getvalue()


def _all(job: Job, state: Literal["failed", "rejected", "unknown"], reason: str) -> tuple[Photo, ...]:
    by: Literal["collect"] | None = "collect" if state == "rejected" else None
    return tuple(replace(photo, state=state, reason=reason, rejected_by=by) for photo in job.photos)


def _ref(photo: Photo) -> PhotoRef:
    """What the provider said of a row, as far as fetching needs it."""
    assert photo.lat is not None
    assert photo.lon is not None
    captured = None
    if photo.captured_at is not None and photo.captured_precision is not None:
        captured = CaptureDate(photo.captured_at, photo.captured_precision)
    spherical = photo.projection == "spherical"
    return PhotoRef(
        source_id=photo.panorama or photo.source_id,
        lat=photo.lat,
        lon=photo.lon,
        projection="spherical" if spherical else "flat",
        heading_deg=photo.centre_heading_deg if spherical else photo.heading_deg,
        captured=captured,
        width=photo.width,
        height=photo.height,
        sequence=photo.sequence,
    )
