"""What a check found, as the command line and the contact sheet tell it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from machinami.catalog import Catalog
from machinami.check.watermarks import SharedMark

__all__ = ["CheckReport", "make_report", "notes_of"]

_DOUBTS = {
    "impossible-date": "lie in the future or before photography was digital",
    "upload-date": "are those of the upload",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """How many photos are fit, and why the others are not."""

    kept: int
    by_place: Mapping[str, int]  # kept photos of each place
    marked: Mapping[str, int]  # photos that bear a mark of `check` now, by the reason's code
    marked_by_place: Mapping[str, Mapping[str, int]]  # the same by place, then by reason; "" for no place
    newly_marked: int
    taken_back: int  # marks of an earlier run whose reason no longer holds
    kept_by_user: int
    notes: tuple[str, ...]  # what was seen and is no reason to take a photo out
    sheet: str  # where the marked photos can be looked at


def make_report(
    catalog: Catalog, *, newly_marked: int, taken_back: int, notes: tuple[str, ...], sheet: str
) -> CheckReport:
    """The counts as the catalogue has them now."""
    by_place: Counter[str] = Counter()
    for place, state, _, count in catalog.counts():
        if state == "fetched" and place is not None:
            by_place[place] += count
    return CheckReport(
        kept=by_place.total(),
        by_place=dict(sorted(by_place.items())),
        marked=catalog.marks("check"),
        marked_by_place=catalog.marks_by_place("check"),
        newly_marked=newly_marked,
        taken_back=taken_back,
        kept_by_user=catalog.kept_by_user(),
        notes=notes,
        sheet=sheet,
    )


def notes_of(doubts: Mapping[str, int], shared: Mapping[tuple[str, str], SharedMark]) -> tuple[str, ...]:
    """Sentences about dates that were set aside, and marks that all photos of a source and place bear."""
    dates = [
        f"{photos} capture dates were set aside: they {_DOUBTS[doubt]} (the photos stay)"
        for doubt, photos in sorted(doubts.items())
    ]
    marks = [
        f"nearly all photos from {source} of {place} bear the same mark ({mark}): a name, a date or a logo; "
        "what tells this place apart may be that mark"
        for (source, place), mark in sorted(shared.items())
    ]
    return (*dates, *marks)
