"""One photo looked at: is it sound, where and when was it taken, where is it kept."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np

from machinami.areas import Area, places_at
from machinami.catalog import Photo
from machinami.collect.layout import Candidate
from machinami.collect.masks import Legend, PreparedMask, prepare_mask
from machinami.dates import CaptureDate
from machinami.files import replacing
from machinami.geo import LatLon
from machinami.images.decode import PhotoError, copy_photo, digest_photo
from machinami.images.exif import ExifFacts
from machinami.images.masks import MaskError
from machinami.images.measure import measure_photo
from machinami.project import Project
from machinami.sources.table import TableRow

__all__ = ["Examiner", "Finding", "is_settled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is known of a candidate; nothing is in the catalogue yet."""

    photo: Photo
    told: Mapping[str, Any]  # what was said of it beside its file: place, and the table's facts, by column
    mask: PreparedMask | None = None
    mask_problem: str | None = None
    outside: bool = False  # it lies outside the area of the place it is said to show


def is_settled(photo: Photo) -> bool:
    """Whether a row stands for a stored photo, whatever `check` or the user thinks of it."""
    return photo.state == "fetched" or (photo.state == "rejected" and photo.rejected_by != "import")


@dataclass(frozen=True, slots=True, kw_only=True)
class Examiner:
    """Looks at candidates, several at once; writes nothing but the files of photos, named by content."""

    project: Project
    max_pixels: int
    min_side_px: int
    areas: Mapping[str, Area]
    link: bool
    legend: Legend | None
    now: datetime
    forgotten: frozenset[str] = frozenset()  # digests of files that were taken out for good

    def examine(self, candidate: Candidate, source_id: str, known: Photo | None) -> Finding:
        """The finding; `known` is the row that the catalogue has under this name, if any."""
        row = candidate.row
        told = _told(row) if row else {}
        if candidate.place is not None:
            told["place"] = candidate.place
        photo = Photo(source=row.source if row and row.source else "folder", source_id=source_id, **told)
        finding = Finding(photo=photo, told=told)
        try:
            return self._examine(candidate, finding, known)
        except PhotoError as error:
            by: Literal["import"] | None = "import" if error.state == "rejected" else None
            return replace(finding, photo=replace(photo, state=error.state, reason=error.reason, rejected_by=by))

    def _examine(self, candidate: Candidate, finding: Finding, known: Photo | None) -> Finding:
        sha256 = digest_photo(candidate.path)
        if sha256 in self.forgotten:
            raise PhotoError(str(candidate.path), "forgotten: it was taken out of this project")
        photo = replace(finding.photo, sha256=sha256)
        if known is not None and self._is_kept(known, sha256):
            mask, problem = self._mask(candidate, (known.width or 0, known.height or 0))
            return replace(finding, photo=photo, mask=mask, mask_problem=problem)
        measured = measure_photo(candidate.path, max_pixels=self.max_pixels, now=self.now)
        photo = _with_exif(photo, measured.exif)
        photo = replace(
            photo,
            width=measured.width,
            height=measured.height,
            pixels_sha256=measured.pixels_sha256,
            grey_share=measured.grey_share,
        )
        if photo.place is None:
            photo = self._placed(photo)
            if photo.state == "rejected":
                return replace(finding, photo=photo)
        photo = replace(photo, state="fetched", file=self._keep(candidate.path, sha256, measured.suffix))
        photo = self._sized(photo, min(measured.width, measured.height))
        mask, problem = self._mask(candidate, (measured.width, measured.height))
        return replace(finding, photo=photo, mask=mask, mask_problem=problem, outside=self._is_outside(photo))

    def _is_kept(self, known: Photo, sha256: str) -> bool:
        return (
            is_settled(known)
            and known.sha256 == sha256
            and known.file is not None
            and self.project.path_of(known.file).exists()
        )

    def _placed(self, photo: Photo) -> Photo:
        """The place whose area holds the photo's position; rejected where there is none, or no position."""
        if photo.lat is None or photo.lon is None:
            return replace(photo, state="rejected", rejected_by="import", reason="no-position")
        found = places_at(self.areas, np.array([photo.lat]), np.array([photo.lon]))[0]
        if len(found) == 1:
            return replace(photo, place=found[0])
        reason = f"ambiguous-area: {', '.join(found)}" if found else "outside-every-area"
        return replace(photo, state="rejected", rejected_by="import", reason=reason)

    def _sized(self, photo: Photo, side_px: int) -> Photo:
        """Too small is a rule of [check], so `check` may take the mark back when the rule changes."""
        if side_px >= self.min_side_px:
            return photo
        reason = f"too-small: {side_px} px, less than {self.min_side_px}"
        return replace(photo, state="rejected", rejected_by="check", reason=reason, score=float(side_px))

    def _is_outside(self, photo: Photo) -> bool:
        area = self.areas.get(photo.place or "")
        if area is None or photo.lat is None or photo.lon is None:
            return False
        return not area.contains(np.array([photo.lat]), np.array([photo.lon]))[0]

    def _keep(self, path: Path, sha256: str, suffix: str) -> str:
        """Where the project has the photo: a copy named by its content, or, linked, the user's own file."""
        if self.link:
            absolute = os.path.abspath(path)  # noqa: PTH100  links stay links: where they lead may change
            try:
                absolute.encode()
            except UnicodeEncodeError:
                raise PhotoError(str(path), "name-not-utf8: import it without --link") from None
            return absolute
        file = f"photos/{sha256[:2]}/{sha256}{suffix}"
        target = self.project.path_of(file)
        if not target.exists():
            with replacing(target) as aside:
                if copy_photo(path, aside) != sha256:
                    raise PhotoError(str(path), "changed-while-read")
        return file

    def _mask(self, candidate: Candidate, size: tuple[int, int]) -> tuple[PreparedMask | None, str | None]:
        if candidate.mask_missing:
            return None, "mask-missing"
        if candidate.mask is None or self.legend is None:
            return None, None
        try:
            return prepare_mask(candidate.mask, size=size, legend=self.legend, max_pixels=self.max_pixels), None
        except MaskError as error:
            return None, error.reason


def _told(row: TableRow) -> dict[str, Any]:
    """What a table says of a photo, by column of the catalogue; nothing where it says nothing."""
    return {
        **_where(row.position),
        **_when(row.captured),
        **({} if row.heading_deg is None else {"heading_deg": row.heading_deg}),
        **row.texts,
    }


def _with_exif(photo: Photo, exif: ExifFacts) -> Photo:
    """The photo with what only its EXIF says."""
    told: dict[str, Any] = {**_where(exif.position), **_when(exif.captured)}
    for name in ("heading_deg", "camera_make", "camera_model", "creator", "attribution"):
        told[name] = getattr(exif, name)
    return replace(photo, **{name: value for name, value in told.items() if getattr(photo, name) is None})


def _where(position: LatLon | None) -> dict[str, Any]:
    return {} if position is None else {"lat": position.lat, "lon": position.lon}


def _when(captured: CaptureDate | None) -> dict[str, Any]:
    return {} if captured is None else {"captured_at": captured.text, "captured_precision": captured.precision}
