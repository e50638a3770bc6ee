"""The stage `check`: marks of unfit photos, recomputed on every run, and the user's word against them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

from machinami.catalog import Catalog, Photo
from machinami.check.duplicates import mark_twins
from machinami.check.marks import OPINIONS, Mark, code_of, is_about_others, is_candidate, is_near_mark, is_second_look
from machinami.check.measures import Measures
from machinami.check.near_stage import mark_near
from machinami.check.quality import Judged, judge_photo
from machinami.check.report import CheckReport, make_report, notes_of
from machinami.check.second_look import SecondLook
from machinami.check.sheet import write_sheet
from machinami.check.verified import Stamp, VerifiedFiles
from machinami.config import Config
from machinami.errors import InputError, NotReady
from machinami.files import digest_json
from machinami.images.signs import Signs
from machinami.ordered import in_batches, in_order
from machinami.progress import Progress, silent
from machinami.project import Project

__all__ = ["CheckReport", "check_inputs", "check_photos", "restore_photos"]

_BATCH = 256
_DEPENDS_ON = (
    "photo_id", "place", "file", "sha256", "kept_by_user", "source", "source_id", "sequence", "creator", "attribution",
    "projection", "panorama", "captured_at", "uploaded_at",
)  # fmt: skip
_MEASURES = (
    "sha256",
    "width",
    "height",
    "pixels_sha256",
    "grey_share",
    "captured_at",
    "captured_precision",
    "near_group",
)


def check_inputs(project: Project, config: Config) -> str:
    """Digest of everything that the marks depend on."""
    with project.catalog() as catalog:
        photos = catalog.digest(*_DEPENDS_ON, states=("fetched", "rejected"))
    return digest_json([asdict(config.check), photos])


def check_photos(
    project: Project, config: Config, *, read_all: bool = False, progress: Progress = silent
) -> CheckReport:
    """Mark the unfit photos and take back marks that no longer hold; nothing is deleted.

    A file is read where its size or one of its times is not what it was when its bytes were last found to be right;
    with `read_all` every file is.

    Reasons: missing-file, unreadable-file, file-changed, undecodable …; too-small; placeholder; third-party; dark,
    overexposed, cut-short, little-information, blurred; uncut-sphere, portrait; overlay, indoor; exact-duplicate
    (the first of a place stays); near-duplicate (the largest stays); label-conflict (the same pixels, or nearly the
    same, in two places: none stays). What each of them is stands in docs/how-to/check.md. Capture dates that cannot be
    are set aside. The contact sheet `rejected.html` is brought up to date. Raises NotReady where there are no photos
    at all, and WeightsError with `check.indoor` where the bundled network is not installed.
    """
    inputs = check_inputs(project, config)
    with project.stage("check", inputs=inputs, config=config) as run:
        with project.catalog() as reader, project.catalog() as writer:
            if not reader.counts():
                raise NotReady("there are no photos", command=f"machinami import {project.root} PHOTOS")
            marking = _Marking(writer)
            with (
                VerifiedFiles(project.cache / "verified.sqlite") as verified,
                Measures(project.cache / "measures.sqlite") as measures,
            ):
                if read_all:
                    verified.forget()
                _check_each(project, config, reader, marking, _Memory(verified, measures), progress)
                look = SecondLook(project, config.check, reader, measures, progress)
                _check_again(reader, marking, look)
                _check_twins(reader, marking)
                near = mark_near(project, config.check, reader, marking, progress)
                notes = notes_of(marking.doubts, look.shared_marks(reader))
            report = make_report(
                writer,
                newly_marked=marking.newly_marked,
                taken_back=marking.taken_back,
                notes=notes,
                sheet=str(project.rejected_file),
            )
            write_sheet(project, writer, report, max_pixels=config.check.max_pixels)
        run.inputs = check_inputs(project, config)  # the dates that were set aside are part of them
        run.notes["near_duplicates"] = asdict(near)
        run.notes["photos"] = {"kept": report.kept, **report.marked}
        return report


def restore_photos(project: Project, config: Config, ids: Sequence[int]) -> int:
    """Take `check`'s marks off these photos for good; how many bore one.

    Raises InputError, and changes nothing, for an id that does not exist or a photo that cannot be kept: with
    no stored picture, with no place, taken out by the user, or with a file that is missing or changed.
    """
    inputs = digest_json(list(ids))
    with project.stage("restore", inputs=inputs, config=config), project.catalog() as catalog:
        photos = [_restorable(project, catalog, photo_id) for photo_id in dict.fromkeys(ids)]
        marked = [photo for photo in photos if photo.state != "fetched"]
        with catalog.transaction():
            for photo in photos:  # those without a mark too: they were named, so they are wanted
                catalog.update(
                    photo.photo_id, state="fetched", reason=None, rejected_by=None, score=None, kept_by_user=1
                )
    return len(marked)


def _restorable(project: Project, catalog: Catalog, photo_id: int) -> Photo:
    try:
        photo = catalog.photo(photo_id)
    except (KeyError, OverflowError):
        raise InputError(f"there is no photo {photo_id} in the catalogue") from None
    name = f"photo {photo_id} ({photo.source_id})"
    if photo.rejected_by == "user":
        raise InputError(f"{name} was taken out by hand: import it again to have it back")
    if not is_candidate(photo) or photo.file is None or photo.place is None:
        raise InputError(f"{name} cannot be kept ({photo.reason or photo.state}): nothing of it is stored")
    if not project.path_of(photo.file).is_file():
        raise InputError(f"{name} cannot be kept: its file {photo.file} is gone; import it again")
    if photo.state == "rejected" and code_of(photo) not in OPINIONS:
        raise InputError(f"{name} cannot be kept ({photo.reason}): import it again")
    return photo


@dataclass(slots=True)
class _Marking:
    """Writes marks, and counts what changed."""

    catalog: Catalog
    newly_marked: int = 0
    taken_back: int = 0
    doubts: Counter[str] = field(default_factory=Counter)  # dates set aside, by what is wrong with them

    def set(self, photo: Photo, mark: Mark | None, *, before: Photo) -> None:
        """Bring one row up to date: its measures, and its mark."""
        changes: dict[str, object] = {
            name: getattr(photo, name) for name in _MEASURES if getattr(photo, name) != getattr(before, name)
        }
        if mark is None and before.state == "rejected":
            self.taken_back += 1
            changes |= {"state": "fetched", "reason": None, "rejected_by": None, "score": None}
        elif mark is not None and (mark.reason, mark.score) != (before.reason, before.score):
            self.newly_marked += before.state != "rejected"
            changes |= {
                "state": "rejected",
                "reason": mark.reason,
                "rejected_by": "check",
                "score": mark.score,
            }
        if changes:
            self.catalog.update(before.photo_id, **changes)


@dataclass(frozen=True, slots=True)
class _Memory:
    """What earlier runs found out."""

    verified: VerifiedFiles
    measures: Measures


def _check_each(
    project: Project, config: Config, reader: Catalog, marking: _Marking, memory: _Memory, progress: Progress
) -> None:
    """Marks that a photo earns by itself; the others stay until `_check_again` and `_check_twins` see to them."""
    total = sum(count for _, state, _, count in reader.counts() if state in {"fetched", "rejected"})
    candidates = (photo for photo in reader.photos() if is_candidate(photo))
    watched = progress.track(candidates, total=total, label="Checking")
    jobs = (
        (photo, memory.verified.find(photo.file or "", photo.sha256 or ""), memory.measures.find(photo.pixels_sha256))
        for photo in watched
    )

    def judge(job: tuple[Photo, Stamp | None, Signs | None]) -> tuple[Photo, Judged]:
        photo, stamp, signs = job
        return photo, judge_photo(project, photo, config.check, verified=stamp, signs=signs)

    for batch in in_batches(in_order(judge, jobs), _BATCH):
        with marking.catalog.transaction():
            for before, now in batch:
                keep = now.mark is None and (is_about_others(before) or is_second_look(before))
                mark = Mark(before.reason or "", before.score) if keep else now.mark
                marking.set(now.photo, mark, before=before)
                if now.doubt:
                    marking.doubts[now.doubt] += 1
        memory.measures.add((now.photo.pixels_sha256 or "", now.signs) for _, now in batch if now.signs)
        memory.verified.add((now.photo.file or "", now.photo.sha256 or "", now.stamp) for _, now in batch if now.stamp)


def _check_again(reader: Catalog, marking: _Marking, look: SecondLook) -> None:
    """Marks that take all measures, or a network: on every photo that is fit by itself."""
    alone = (p for p in reader.photos() if p.state == "fetched" or is_about_others(p) or is_second_look(p))
    for batch in in_batches(((photo, look.judge(photo)) for photo in alone if is_candidate(photo)), _BATCH):
        with marking.catalog.transaction():
            for photo, mark in batch:
                if mark is not None or is_second_look(photo):
                    marking.set(photo, mark, before=photo)


def _check_twins(reader: Catalog, marking: _Marking) -> None:
    """Marks that other photos are the reason of."""
    alike = (p for p in reader.by_pixels() if p.state == "fetched" or (is_candidate(p) and is_about_others(p)))
    for batch in in_batches(mark_twins(alike), _BATCH):
        with marking.catalog.transaction():
            for photo, mark in batch:
                if mark is not None:
                    marking.set(replace(photo, near_group=None), mark, before=photo)
                elif not is_near_mark(photo):  # of which `mark_near` has the say
                    marking.set(photo, None, before=photo)
