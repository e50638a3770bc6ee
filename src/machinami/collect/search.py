"""What a source says it has in a place: asked cell by cell, each answer remembered, unknown never taken for empty."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from machinami.areas import Area, places_at
from machinami.catalog import Catalog, Photo
from machinami.geo import LatLon, ground_distance_m
from machinami.ordered import in_batches, in_order
from machinami.progress import Progress
from machinami.sources.manners import Unanswered
from machinami.sources.source import Box, Cell, Found, PhotoRef, Source, Spot, touches

__all__ = ["SearchTally", "Searcher", "settle_overlaps"]

_LEAST_M = 2.0  # a box of this size that still holds more than one answer is left as it is
_BATCH = 16
_SPOTS_AHEAD = 16  # times the questions under way; one that is repeated after waits must not stop the others
_PASSING = ("outside-area", "too-far")  # reasons that another sample's answer may lift
_AMBIGUOUS = "ambiguous-area"


@dataclass(slots=True)
class SearchTally:
    """How a search went."""

    cells: int = 0  # that were asked now
    unknown: int = 0  # of those, without an answer
    found: int = 0  # photos new to the catalogue
    outside: int = 0  # photos that lie outside the place
    why: dict[str, str] = field(default_factory=dict)  # a few of the unknown cells, with the reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Searcher:
    """Asks for one place and writes down what there is."""

    source: Source
    catalog: Catalog
    areas: Mapping[str, Area]
    place: str
    digest: str  # of the place's area: another area is another search
    in_flight: int
    now: datetime
    progress: Progress
    tally: SearchTally = field(default_factory=SearchTally)
    spots: dict[int, Spot] = field(default_factory=dict)  # of this search, by the number of their sample

    def search(self, cells: Iterable[Cell]) -> SearchTally:
        """Ask every cell that has no answer yet; those without one at the end are asked once more."""
        unknown = self._rounds(cells)
        if unknown:
            self.tally.unknown -= len(unknown)
            self._rounds(unknown)
        return self.tally

    def _rounds(self, cells: Iterable[Cell]) -> list[Cell]:
        """Ask them, then the quarters of those that hold more than one answer, and so on; those left unanswered."""
        unknown: list[Cell] = []
        while True:
            quarters: list[Cell] = []
            open_cells = self._open(cells, quarters)
            ahead = _SPOTS_AHEAD if self.source.spots else 2  # the answer to a box can be large
            answers = in_order(self._ask, open_cells, threads=self.in_flight, ahead=ahead)
            label = f"Searching {self.place}"
            for batch in in_batches(self.progress.track(answers, total=None, label=label, unit="cells"), _BATCH):
                with self.catalog.transaction():
                    for cell, answer in batch:
                        self._write(cell, answer, quarters, unknown)
            if not quarters:
                return unknown
            cells = quarters

    def _open(self, cells: Iterable[Cell], quarters: list[Cell]) -> Iterator[Cell]:
        """The cells that have no answer yet; of those known to hold too much, the quarters are noted."""
        for cell in cells:
            if isinstance(cell, Spot):
                self.spots[cell.sample.number] = cell
            state = self.catalog.cell_state(self.source.name, self.place, self.digest, cell.name)
            if state == "split" and isinstance(cell, Box):
                quarters += self._quarters(cell)
            elif state != "done":
                yield cell

    def _quarters(self, box: Box) -> list[Cell]:
        return [quarter for quarter in box.quarters() if touches(self.areas[self.place], quarter)]

    def _ask(self, cell: Cell) -> tuple[Cell, Found | Unanswered]:
        try:
            return cell, self.source.search(cell)
        except Unanswered as error:
            return cell, error

    def _write(self, cell: Cell, answer: Found | Unanswered, quarters: list[Cell], unknown: list[Cell]) -> None:
        self.tally.cells += 1
        if isinstance(answer, Unanswered):
            self._leave_unknown(cell, str(answer), unknown)
            return
        for ref in answer.refs:
            self._add(ref, cell)
        if not answer.whole and isinstance(cell, Box):
            if cell.side_m > _LEAST_M:
                self._note(cell, "split", found=len(answer.refs))
                quarters += self._quarters(cell)
                return
            self._leave_unknown(cell, f"more photos within {_LEAST_M:g} m than one answer holds", unknown)
            return
        self._note(cell, "done", found=len(answer.refs))

    def _leave_unknown(self, cell: Cell, reason: str, unknown: list[Cell]) -> None:
        self._note(cell, "unknown", found=0, reason=reason)
        self.tally.unknown += 1
        unknown.append(cell)
        if len(self.tally.why) < 5:
            self.tally.why[cell.name] = reason

    def _note(self, cell: Cell, state: str, *, found: int, reason: str | None = None) -> None:
        self.catalog.note_cell(
            self.source.name, self.place, self.digest, cell.name, state, found=found, reason=reason, now=self.now
        )

    def _add(self, ref: PhotoRef, cell: Cell) -> None:
        """A row for a photo inside the place. A spot's answer from nowhere is kept as a rejected row that says so."""
        inside = places_at(self.areas, np.array([ref.lat]), np.array([ref.lon]))[0]
        reason = ref.reason
        if self.place not in inside:
            self.tally.outside += 1
            if isinstance(cell, Box) or inside:
                return  # the box is larger than the place, or another place's own search finds it
            reason = reason or "outside-area"
        elif len(inside) > 1:
            reason = reason or f"{_AMBIGUOUS}: {', '.join(inside)}"
        if self.catalog.is_forgotten(self.source.name, ref.source_id):
            return
        sample = None if isinstance(cell, Box) else cell.sample.number
        row = _row(ref, self.source.name, self.place, reason, sample)
        self.tally.found += self.catalog.add(row) is not None or self._renew(row)

    def _renew(self, row: Photo) -> bool:
        """Whether a photo that was known, but is not here, is of use where it was not: its row is written anew.

        It may have been rejected for a reason that has passed, or found for another place or sample of an older
        config.
        """
        known = self.catalog.find(row.source, row.source_id)
        if known is None or row.state != "found":
            return False
        lifted = known.rejected_by == "collect" and (known.reason or "").startswith(_PASSING)
        moved = known.state in {"found", "unknown"} and (known.place != row.place or self._is_outdated(known, row))
        if not lifted and not moved:
            return False
        self.catalog.write(replace(row, photo_id=known.photo_id))
        return True

    def _is_outdated(self, known: Photo, row: Photo) -> bool:
        """Whether the sample that a photo was found for is no point of this search, or no longer near it."""
        if row.sample is None:
            return False
        spot = self.spots.get(-1 if known.sample is None else known.sample)
        if spot is None or row.lat is None or row.lon is None:
            return True
        point = LatLon(spot.sample.lat, spot.sample.lon)
        return ground_distance_m(point, LatLon(row.lat, row.lon)) > spot.radius_m


def settle_overlaps(catalog: Catalog, source: str, areas: Mapping[str, Area]) -> None:
    """Photos that lay in several areas, and lie in one now, are that place's."""
    with catalog.transaction():
        for photo in list(catalog.rejected_for(source, _AMBIGUOUS)):
            inside = places_at(areas, np.array([photo.lat], float), np.array([photo.lon], float))[0]
            if len(inside) == 1:
                catalog.update(photo.photo_id, state="found", reason=None, rejected_by=None, place=inside[0])


def _row(ref: PhotoRef, source: str, place: str, reason: str | None, sample: int | None) -> Photo:
    spherical = ref.projection == "spherical"
    return Photo(
        state="found" if reason is None else "rejected",
        reason=reason,
        rejected_by=None if reason is None else "collect",
        source=source,
        source_id=ref.source_id,
        place=place,
        lat=ref.lat,
        lon=ref.lon,
        heading_deg=None if spherical else ref.heading_deg,
        captured_at=ref.captured.text if ref.captured else None,
        captured_precision=ref.captured.precision if ref.captured else None,
        uploaded_at=ref.uploaded_at,
        camera_make=ref.camera_make,
        camera_model=ref.camera_model,
        sequence=ref.sequence,
        creator=ref.creator,
        licence=ref.licence,
        attribution=ref.attribution,
        page_url=ref.page_url,
        width=ref.width,
        height=ref.height,
        projection=ref.projection,
        panorama=ref.source_id if spherical else None,
        centre_heading_deg=ref.heading_deg if spherical else None,
        field_of_view_deg=ref.field_of_view_deg,
        sample=sample,
    )
