"""The stage `check`: marks of unfit photos, recomputed on every run, and the user's word against them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from machinami.catalog import Catalog, Photo
from machinami.check.duplicates import mark_twins
from machinami.check.marks import Mark, is_about_others, is_candidate, is_near_mark
from machinami.check.near_stage import mark_near
from machinami.check.quality import Judged, judge_photo
from machinami.check.verified import Stamp, VerifiedFiles
from machinami.config import Config
from machinami.errors import InputError, NotReady
from machinami.files import digest_json
from machinami.ordered import in_batches, in_order
from machinami.progress import Progress, silent
from machinami.project import Project

__all__ = ["CheckReport", "check_inputs", "check_photos", "restore_photos"]

_BATCH = 256
_MEASURES = ("sha256", "width", "height", "pixels_sha256", "grey_share", "near_group")
_OPINIONS = frozenset(
    {"too-small", "placeholder", "exact-duplicate", "near-duplicate", "label-conflict"}
)  # the user may differ


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """How many photos are fit, and why the others are not."""

    kept: int
    by_place: Mapping[str, int]  # kept photos of each place
    marked: Mapping[str, int]  # photos that bear a mark of `check` now, by the reason's code
    newly_marked: int
    taken_back: int  # marks of an earlier run whose reason no longer holds
    kept_by_user: int


def check_inputs(project: Project, config: Config) -> str:
    """Digest of everything that the marks depend on."""
    with project.catalog() as catalog:
        photos = catalog.digest("photo_id", "place", "file", "sha256", "kept_by_user", states=("fetched", "rejected"))
    return digest_json([asdict(config.check), photos])


def check_photos(
    project: Project, config: Config, *, read_all: bool = False, progress: Progress = silent
) -> CheckReport:
    """Mark the unfit photos and take back marks that no longer hold; nothing is deleted.

    A file is read where its size or one of its times is not what it was when its bytes were last found to be right;
    with `read_all` every file is.

    Reasons: missing-file, unreadable-file, file-changed, undecodable …; too-small; placeholder; exact-duplicate
    (the first of a place stays); near-duplicate (the largest stays); label-conflict (the same pixels, or nearly the
    same, in two places: none stays). Raises NotReady where there are no photos at all.
    """
    inputs = check_inputs(project, config)
    with project.stage("check", inputs=inputs, config=config) as run:
        with project.catalog() as reader, project.catalog() as writer:
            if not reader.counts():
                raise NotReady("there are no photos", command=f"machinami import {project.root} PHOTOS")
            marking = _Marking(writer)
            with VerifiedFiles(project.cache / "verified.sqlite") as verified:
                if read_all:
                    verified.forget()
                _check_each(project, config, reader, marking, verified, progress)
            _check_twins(reader, marking)
            near = mark_near(project, config.check, reader, marking, progress)
            report = _report(writer, marking)
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
        photos = [_restorable(catalog, photo_id) for photo_id in dict.fromkeys(ids)]
        marked = [photo for photo in photos if photo.state != "fetched"]
        with catalog.transaction():
            for photo in marked:
                catalog.update(
                    photo.photo_id, state="fetched", reason=None, rejected_by=None, score=None, kept_by_user=1
                )
    return len(marked)


def _restorable(catalog: Catalog, photo_id: int) -> Photo:
    try:
        photo = catalog.photo(photo_id)
    except KeyError:
        raise InputError(f"there is no photo {photo_id} in the catalogue") from None
    name = f"photo {photo_id} ({photo.source_id})"
    if photo.rejected_by == "user":
        raise InputError(f"{name} was taken out by hand: import it again to have it back")
    if not is_candidate(photo) or photo.file is None or photo.place is None:
        raise InputError(f"{name} cannot be kept ({photo.reason or photo.state}): nothing of it is stored")
    if photo.state == "rejected" and (photo.reason or "").partition(":")[0] not in _OPINIONS:
        raise InputError(f"{name} cannot be kept ({photo.reason}): import it again")
    return photo


@dataclass(slots=True)
class _Marking:
    """Writes marks, and counts what changed."""

    catalog: Catalog
    newly_marked: int = 0
    taken_back: int = 0

    def set(self, photo: Photo, mark: Mark | None, *, before: Photo) -> None:
        """Bring one row up to date: its measures, and its mark."""
        changes: dict[str, object] = {
            name: getattr(photo, name) for name in _MEASURES if getattr(photo, name) != getattr(before, name)
        }
        if mark is None and before.state == "rejected":
            self.taken_back += 1
            changes |= {"state": "fetched", "reason": None, "rejected_by": None, "score": None}
        elif mark is not None and mark.reason != before.reason:
            self.newly_marked += before.state != "rejected"
            changes |= {
                "state": "rejected",
                "reason": mark.reason,
                "rejected_by": "check",
                "score": mark.score,
            }
        if changes:
            self.catalog.update(before.photo_id, **changes)


def _check_each(
    project: Project,
    config: Config,
    reader: Catalog,
    marking: _Marking,
    verified: VerifiedFiles,
    progress: Progress,
) -> None:
    """Marks that a photo earns by itself; those about others wait for `_check_twins`."""
    total = sum(count for _, state, _, count in reader.counts() if state in {"fetched", "rejected"})
    candidates = (photo for photo in reader.photos() if is_candidate(photo))
    watched = progress.track(candidates, total=total, label="Checking")
    jobs = ((photo, verified.find(photo.file or "", photo.sha256 or "")) for photo in watched)

    def judge(job: tuple[Photo, Stamp | None]) -> tuple[Photo, Judged]:
        photo, stamp = job
        return photo, judge_photo(project, photo, config.check, verified=stamp)

    for batch in in_batches(in_order(judge, jobs), _BATCH):
        with marking.catalog.transaction():
            for before, now in batch:
                keep = now.mark is None and is_about_others(before)
                mark = Mark(before.reason or "", before.score) if keep else now.mark
                marking.set(now.photo, mark, before=before)
        verified.add((now.photo.file or "", now.photo.sha256 or "", now.stamp) for _, now in batch if now.stamp)


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


def _report(catalog: Catalog, marking: _Marking) -> CheckReport:
    by_place: Counter[str] = Counter()
    for place, state, _, count in catalog.counts():
        if state == "fetched" and place is not None:
            by_place[place] += count
    return CheckReport(
        kept=by_place.total(),
        by_place=dict(sorted(by_place.items())),
        marked=catalog.marks("check"),
        newly_marked=marking.newly_marked,
        taken_back=marking.taken_back,
        kept_by_user=catalog.kept_by_user(),
    )
