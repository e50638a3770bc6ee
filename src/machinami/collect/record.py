"""Findings become rows of the catalogue: a new one, the completion of an old one, or nothing."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace

from machinami.catalog import Catalog, Photo
from machinami.collect.examine import Finding, is_settled
from machinami.collect.layout import Candidate
from machinami.collect.masks import PreparedMask
from machinami.files import write_bytes
from machinami.project import Project

__all__ = ["Job", "Recorder", "Tally"]

Job = tuple[Candidate, str, Photo | None]  # a candidate, its source_id, the row of that name
_SHOWN = 20
_IDENTITY = ("photo_id", "source", "source_id")


@dataclass(slots=True)
class Tally:
    """How many photos went which way, and what to tell the reader."""

    counts: Counter[str] = field(default_factory=Counter)
    masks: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)
    mask_problems: Counter[str] = field(default_factory=Counter)
    unknown_numbers: Counter[int] = field(default_factory=Counter)
    outside: int = 0
    repeated: int = 0
    gone: int = 0

    def refuse(self, name: str, reason: str) -> None:
        """A photo that gets no row."""
        self.counts["rejected"] += 1
        if len(self.problems) < _SHOWN:
            self.problems.append((name, reason))

    def notes(self) -> Iterator[str]:
        """A sentence for each thing that happened."""
        if self.mask_problems:
            why = ", ".join(f"{reason} {count}" for reason, count in self.mask_problems.most_common())
            yield f"{self.mask_problems.total()} masks were refused, their photos stay: {why}"
        if self.unknown_numbers:
            numbers = ", ".join(f"{number} in {n} masks" for number, n in sorted(self.unknown_numbers.items()))
            yield f"masks hold numbers that regions.json does not name, taken as unlabelled: {numbers}"
        if self.outside:
            yield f"{self.outside} photos lie outside the area of the place they are said to show"
        if self.repeated:
            yield f"{self.repeated} rows of the table repeat a photo of the same place"
        if self.gone:
            yield f"{self.gone} files can no longer be read; what the project has of them stays"


@dataclass(slots=True)
class Recorder:
    """Writes findings into the catalogue, a transaction a batch."""

    project: Project
    catalog: Catalog
    link: bool
    tally: Tally = field(default_factory=Tally)

    def identify(self, candidates: Iterable[Candidate]) -> Iterator[Job]:
        """Each candidate with its name in the catalogue and the row that bears it.

        A table may name one file twice: with another place it is another photo, "NAME (PLACE)"; with the same
        place it is a repetition, which is counted.
        """
        seen: dict[int, str | None] = {}
        for candidate in candidates:
            row = candidate.row
            source_id = row.source_id if row and row.source_id else candidate.name
            source = row.source if row and row.source else "folder"
            if row is not None:
                if seen.get(hash((source, source_id)), candidate.place) != candidate.place:
                    source_id = f"{source_id} ({candidate.place})"
                key = hash((source, source_id))
                self.tally.repeated += key in seen
                seen[key] = candidate.place
            if source != "folder" and self.catalog.is_forgotten(source, source_id):  # names of files are used again
                self.tally.refuse(source_id, "forgotten: it was taken out of this project")
                continue
            yield candidate, source_id, self.catalog.find(source, source_id)

    def record(self, findings: Sequence[Finding]) -> None:
        """Write a batch."""
        tally = self.tally
        with self.catalog.transaction():
            for finding in findings:
                tally.counts[self._record(finding)] += 1

    def _record(self, finding: Finding) -> str:
        """What became of it: added, updated, already, rejected or failed."""
        photo = finding.photo
        known = self.catalog.find(photo.source, photo.source_id)
        if known is not None and known.rejected_by == "user":
            return "already"
        if known is None or not is_settled(known):
            return self._write(finding, photo, known)
        if photo.sha256 is None:
            self.tally.gone += 1
            return "already"
        if known.sha256 == photo.sha256:
            return self._complete(finding, known)
        other = replace(photo, source_id=f"{photo.source_id}#{photo.sha256[:12]}")
        return self._record(replace(finding, photo=other))

    def _write(self, finding: Finding, photo: Photo, known: Photo | None) -> str:
        """A new row, or all of an old one that had no photo."""
        if known is None:
            photo_id = self.catalog.add(photo)
        else:
            photo_id = known.photo_id
            self.catalog.update(photo_id, **_columns(photo))
        assert photo_id is not None
        self.tally.outside += finding.outside
        self._take_mask(finding, photo_id, None)
        if photo.state == "fetched":
            return "added"
        if len(self.tally.problems) < _SHOWN:
            self.tally.problems.append((photo.source_id, photo.reason or ""))
        return photo.state

    def _complete(self, finding: Finding, known: Photo) -> str:
        """What is new about a known photo: what the table says, its mask, its file where that was gone."""
        changes = {name: value for name, value in finding.told.items() if value != getattr(known, name)}
        file = finding.photo.file
        if file is not None and not (known.file and self.project.path_of(known.file).exists()):
            changes["file"] = file
        if changes:
            self.catalog.update(known.photo_id, **changes)
        taken = self._take_mask(finding, known.photo_id, known.mask_sha256)
        return "updated" if changes or taken else "already"

    def _take_mask(self, finding: Finding, photo_id: int, before: str | None) -> bool:
        """Store the mask, where it is another than before; whether it is."""
        if finding.mask_problem is not None:
            self.tally.mask_problems[finding.mask_problem.partition(":")[0]] += 1
        mask = finding.mask
        if mask is None or mask.sha256 == before:
            return False
        self.tally.unknown_numbers.update(mask.unknown)
        self.tally.masks += 1
        self.catalog.update(photo_id, mask=self._keep_mask(mask, photo_id), mask_sha256=mask.sha256)
        return True

    def _keep_mask(self, mask: PreparedMask, photo_id: int) -> str:
        if self.link and mask.data is None:
            return os.path.abspath(mask.path)  # noqa: PTH100  as for photos
        file = f"masks/{photo_id}.png"
        write_bytes(self.project.path_of(file), mask.data or mask.path.read_bytes())
        return file


def _columns(photo: Photo) -> dict[str, object]:
    return {name: value for name, value in asdict(photo).items() if name not in _IDENTITY}
