"""Photos of one's own come into the catalogue: examined several at once, recorded a batch at a time."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from machinami.areas import freeze_areas, project_areas
from machinami.catalog import Catalog
from machinami.collect.examine import Examiner
from machinami.collect.layout import Layout, by_table, choose_layout
from machinami.collect.masks import Legend, find_legend
from machinami.collect.record import Recorder, Tally
from machinami.config import Config
from machinami.errors import InputError, ProjectError
from machinami.files import digest_file, digest_json
from machinami.ordered import in_batches, in_order
from machinami.progress import Progress, silent
from machinami.project import Project
from machinami.sources.table import read_table

__all__ = ["ImportReport", "import_photos"]

_BATCH = 64  # rows written together: what a power cut can cost at most
_REGIONS_FACT = "regions"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """How an import went. Each photo that was handed in counts once in added … failed."""

    added: int  # new, and kept
    updated: int  # known before; something about it was new: a place, a date, a mask
    already: int  # known before, nothing new
    rejected: int  # whole pictures that break a rule (reasons in the catalogue)
    failed: int  # nothing that could be read
    by_place: Mapping[str, int]  # photos kept in the catalogue now
    masks: int  # masks taken by this import
    problems: tuple[tuple[str, str], ...]  # (name, reason) of the first rejected and failed ones
    notes: tuple[str, ...]  # what else the reader should know


def import_photos(  # noqa: PLR0913  what a command line can say
    project: Project,
    config: Config,
    photos: Path,
    *,
    table: Path | None = None,
    masks: Path | None = None,
    link: bool = False,
    user_cache: Path | None = None,
    progress: Progress = silent,
) -> ImportReport:
    """Take photos into the project: from a table, from a folder a place, or by EXIF position and areas.

    Photos are copied into the project, named by their content, or with `link` referred to where they are; the
    originals are left as they are. Importing again adds nothing; what failed before is tried again. A photo is
    known by its path below `photos` (or the table's source and source_id); another picture under a known name
    is another photo. `user_cache`: a folder of the user's own, see `project_areas`. Raises InputError and TableError
    before anything is imported, ProjectError where the project cannot be written; a bad photo is a row with its
    reason.
    """
    now = datetime.now(UTC)
    with project.catalog() as catalog:
        settled = project_areas(project, config, catalog, user_cache=user_cache)
    areas = settled.areas
    if table is not None:
        layout = by_table(photos, table, config.places, masks=masks, now=now)
    else:
        layout = choose_layout(photos, config.places, areas, masks=masks)
    legend = _find_legend(photos, table, masks, now)
    inputs = digest_json([str(photos), str(masks), link, digest_file(table) if table else None])
    with project.stage("import", inputs=inputs, config=config) as run, project.catalog() as catalog:
        legend = _agree(catalog, legend)
        freeze_areas(catalog, areas)
        examiner = Examiner(
            project=project,
            max_pixels=config.check.max_pixels,
            min_side_px=config.check.min_side_px,
            areas=areas,
            link=link,
            legend=legend,
            now=now,
            forgotten=catalog.forgotten_files(),
        )
        recorder = Recorder(project, catalog, link=link)
        try:
            _import_all(layout, examiner, recorder, progress)
        except OSError as error:
            raise ProjectError(
                f"{project.root} cannot be written ({error.strerror or error}): make room or check its rights,"
                " then import again; what was imported is kept"
            ) from error
        run.notes["photos"] = dict(recorder.tally.counts)
        return _report(catalog, layout, recorder.tally, notes=settled.notes)


def _import_all(layout: Layout, examiner: Examiner, recorder: Recorder, progress: Progress) -> None:
    candidates = progress.track(layout.candidates(), total=layout.total, label="Importing")
    asked = recorder.identify(candidates)
    for batch in in_batches(in_order(lambda job: examiner.examine(*job), asked), _BATCH):
        recorder.record(batch)


def _find_legend(photos: Path, table: Path | None, masks: Path | None, now: datetime) -> Legend | None:
    """What the masks' numbers mean; None where no masks are handed in."""
    if masks is not None:
        if not masks.is_dir():
            raise InputError(f"{masks}: is no folder of masks")
        return find_legend([masks, masks.absolute().parent])
    if table is None:
        return None
    named = next((row.mask for row in read_table(table, now=now) if row.mask), None)
    if named is None:
        return None
    below = list(Path(named).parents)  # the nearest first, "." last
    return find_legend([root / folder for root in (photos, table.parent) for folder in below])


def _agree(catalog: Catalog, legend: Legend | None) -> Legend | None:
    """The legend, written down; raises InputError where masks in the project use the numbers otherwise."""
    if legend is None:
        return None
    stored = catalog.fact(_REGIONS_FACT)
    if stored is not None:
        legend = legend.joined(Legend.parse(json.loads(stored), name="the project's masks"))
    catalog.set_fact(_REGIONS_FACT, legend.to_json())
    return legend


def _report(catalog: Catalog, layout: Layout, tally: Tally, *, notes: Sequence[str]) -> ImportReport:
    kept: Counter[str] = Counter()
    for place, state, _, photos in catalog.counts():
        if state == "fetched" and place is not None:
            kept[place] += photos
    counts = tally.counts
    told = [*notes, *layout.notes, *tally.notes()]
    if layout.links:
        shown = ", ".join(layout.links[:6]) + (" …" if len(layout.links) > 6 else "")
        told.append(f"links to folders outside their place were not followed ({len(layout.links)}): {shown}")
    if layout.skipped:
        kinds = ", ".join(f"{kind} {count}" for kind, count in layout.skipped.most_common(6))
        told.append(f"{layout.skipped.total()} files that are no photos were left out: {kinds}")
    return ImportReport(
        added=counts["added"],
        updated=counts["updated"],
        already=counts["already"],
        rejected=counts["rejected"],
        failed=counts["failed"],
        by_place=dict(sorted(kept.items())),
        masks=tally.masks,
        problems=tuple(tally.problems),
        notes=tuple(told),
    )
