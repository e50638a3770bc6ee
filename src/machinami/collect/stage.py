"""The stage `collect`: search each place, choose by samples, fetch until there are enough or nothing is left."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path

import numpy as np

from machinami.catalog import Catalog, Photo
from machinami.collect.arrivals import Arrivals
from machinami.collect.candidates import place_samples, read_candidates
from machinami.collect.choose import Choice, choose_by_samples, choose_in_turn, keep_room
from machinami.collect.fetch import Fetcher, Job, Result
from machinami.collect.ledger import Ledger
from machinami.collect.prepare import Ground, frozen_ground, note_terms, open_ledger, samples_of
from machinami.collect.result import CollectReport
from machinami.collect.search import Searcher, SearchTally, settle_overlaps
from machinami.config import Config
from machinami.errors import BudgetError, Incomplete, ProjectError
from machinami.files import digest_json
from machinami.ordered import in_batches, in_order
from machinami.progress import Progress, silent
from machinami.project import Project
from machinami.sampling import Sample
from machinami.sources import make_source
from machinami.sources.setup import Setup
from machinami.sources.source import Source

__all__ = ["collect_photos"]

_BATCH = 32  # rows written together
_STEP = 200  # most photos that one place gets before the next has its turn
_AHEAD = 16  # times the requests under way; one that is repeated after waits must not stop the others
_SPOTS_AT_ONCE = 200  # fewest samples that are asked for at a time
_IDLE_SPOTS = 1000  # samples in a row that bring nothing new, after which a place counts as used up; or
_MOST_SPOTS = 20  # samples for each photo wanted; but
_FEWEST_SPOTS = 2000  # where few are wanted


def collect_photos(
    project: Project,
    config: Config,
    setup: Setup,
    *,
    refresh: bool = False,
    user_cache: Path | None = None,
    progress: Progress = silent,
) -> CollectReport:
    """Collect until every place has `sampling.per_place` photos that are kept, or its ground is used up.

    What is there is not asked for again, so that the same call goes on where another was stopped; with `refresh`
    the search begins anew. Raises BudgetError where a ceiling ends it before, Incomplete where more than
    `collect.max_unknown` of what was asked has no answer, SourceError and its kin where the provider cannot be used;
    what was collected is kept.
    """
    source = make_source(config, setup)
    inputs = digest_json([config.source.kind, str(config.sampling), str(config.collect)])
    with (
        project.stage("collect", inputs=inputs, config=config) as run,
        project.catalog() as catalog,
        open_ledger(project, config, setup) as ledger,
    ):
        ground = frozen_ground(project, config, catalog, user_cache=user_cache)
        note_terms(catalog, config, source)
        if refresh:
            catalog.forget_cells(source.name)
        collector = _Collector(
            project=project, config=config, setup=setup, source=source, catalog=catalog, ledger=ledger, ground=ground,
            progress=progress,
        )  # fmt: skip
        try:
            report = collector.collect()
        except OSError as error:
            raise ProjectError(
                f"{project.root} cannot be written ({error.strerror or error}): make room or check its rights, then "
                "collect again; what was collected is kept"
            ) from error
        run.notes.update(photos=report.added, requests=dict(report.requests), cost_usd=report.cost_usd)
        collector.judge(report)
    return report


@dataclass(slots=True, kw_only=True)
class _Collector:
    project: Project
    config: Config
    setup: Setup
    source: Source
    catalog: Catalog
    ledger: Ledger
    ground: Ground
    progress: Progress
    fetcher: Fetcher = field(init=False)
    counts: Counter[str] = field(default_factory=Counter)  # of rows, by the state they came to in this run
    searched: list[SearchTally] = field(default_factory=list)
    ceiling: BudgetError | None = None
    notes: list[str] = field(default_factory=list)
    why: str = ""  # the last reason for which a photo stayed unknown

    def __post_init__(self) -> None:
        arrivals = Arrivals(self.project.photos / ".arrived")
        self.fetcher = Fetcher(
            project=self.project, config=self.config, source=self.source, ledger=self.ledger, arrivals=arrivals,
            now=self.setup.now, forgotten=self.catalog.forgotten_files(),
        )  # fmt: skip

    def collect(self) -> CollectReport:
        before, spent = self._kept(), self.ledger.spent_micro_usd
        self.notes += self.ground.notes
        settle_overlaps(self.catalog, self.source.name, self.ground.areas)
        self._fetch(self._leftovers(), label="Taking in what had arrived")
        self._grow_together()
        kept = self._kept()
        return CollectReport(
            added=sum(kept.values()) - sum(before.values()),
            already=sum(before.values()),
            by_place=kept,
            found=sum(tally.found for tally in self.searched),
            rejected=self.counts["rejected"],
            failed=self.counts["failed"],
            unknown=self._unknown(),
            requests=self.setup.requests.by_host(),
            cost_usd=(self.ledger.spent_micro_usd - spent) / 1e6,
            notes=tuple(self.notes),
        )

    def judge(self, report: CollectReport) -> None:
        """Raises where the collection must not call itself complete; the error knows what was collected."""
        if self.ceiling is not None:
            self.ceiling.report = report
            raise self.ceiling
        asked = sum(tally.cells for tally in self.searched) + self.counts.total()
        unknown = self._unknown()
        if unknown > self.config.collect.max_unknown * asked:
            reasons = [self.why, *(reason for tally in self.searched for reason in tally.why.values())]
            incomplete = Incomplete(
                f"{unknown} of {asked} questions to {self.source.terms.name} have no answer; e.g. "
                f"{next(filter(None, reasons))}: the same command asks again for those alone, and what was collected "
                "is kept"
            )
            incomplete.report = report
            raise incomplete

    def _unknown(self) -> int:
        return sum(tally.unknown for tally in self.searched) + self.counts["unknown"]

    def _kept(self) -> dict[str, int]:
        return {place: self.catalog.kept(self.source.name, place) for place in self.ground.areas}

    def _leftovers(self) -> Iterator[Job]:
        """What a stopped run had received: the bytes are here, so nothing is asked."""
        left = list(self.fetcher.arrivals.leftovers())
        for aside in self.project.photos.glob("*/.*.part*") if left else ():  # half-written when the run was killed
            aside.unlink()
        for photo_ids in left:
            photos = [photo for photo_id in photo_ids if (photo := self.catalog.find_id(photo_id)) is not None]
            if any(photo.source != self.source.name for photo in photos):
                continue  # it waits until that source is collected from again
            if len(photos) == len(photo_ids) and all(photo.state in {"found", "unknown"} for photo in photos):
                yield Job(tuple(photos))
            else:
                self.fetcher.arrivals.clear(photo_ids)  # the rows know their files, or are gone

    def _grow_together(self) -> None:
        """Collect some photos of each place in turn, so that a ceiling, or a stop, leaves the places even."""
        growing = deque(self._grow(place) for place in self.ground.areas)
        while growing and self.ceiling is None:
            place = growing.popleft()
            if next(place, None) is not None:
                growing.append(place)

    def _grow(self, place: str) -> Iterator[int]:
        """Collect one place; after each step the number of photos that are kept."""
        wanted = self.config.sampling.per_place
        if self.catalog.kept(self.source.name, place) >= wanted or self.ceiling is not None:
            return
        unknown_before = self._unknown()
        searcher = self._searcher(place)
        if not self.source.spots:
            self.searched.append(searcher.search(self.source.cells(self.ground.areas[place], ())))
            yield from self._top_up(place)
        else:
            self.searched.append(searcher.tally)
            yield from self._walk_spots(place, searcher)
        kept = self.catalog.kept(self.source.name, place)
        if kept < wanted and self.ceiling is None:
            unsure = self._unknown() - unknown_before
            why = f"{unsure} questions have no answer" if unsure else "no more that are fit were found"
            self.notes.append(f"{place}: {kept} photos of {wanted} wanted; {why}")

    def _walk_spots(self, place: str, searcher: Searcher) -> Iterator[int]:
        """Ask sample by sample, some at a time, until there is enough or new samples bring nothing."""
        wanted, asked, idle = self.config.sampling.per_place, 0, 0
        samples = samples_of(self.project, self.config, self.ground.areas[place])
        most = max(_FEWEST_SPOTS, _MOST_SPOTS * wanted)
        while asked < most and idle < _IDLE_SPOTS and self.ceiling is None:
            missing = wanted - self.catalog.kept(self.source.name, place)
            if missing <= 0:
                break
            some = list(islice(samples, max(_SPOTS_AT_ONCE, missing)))
            if not some:
                break
            asked += len(some)
            before = searcher.tally.found
            searcher.search(self.source.cells(self.ground.areas[place], some))
            yield from self._top_up(place)
            idle = 0 if searcher.tally.found > before or self._any_known(place, some) else idle + len(some)

    def _any_known(self, place: str, samples: list[Sample]) -> bool:
        """Whether an earlier run found a photo for one of these samples."""
        numbers = {sample.number for sample in samples}
        return any(row["sample"] in numbers for row in self.catalog.candidates(self.source.name, place))

    def _searcher(self, place: str) -> Searcher:
        return Searcher(
            source=self.source, catalog=self.catalog, areas=self.ground.areas, place=place,
            digest=self.ground.digests[place], in_flight=self.config.collect.in_flight,
            now=self.setup.now(), progress=self.progress,
        )  # fmt: skip

    def _top_up(self, place: str) -> Iterator[int]:
        """Fetch in the order of the choices until enough are kept; what stayed unknown is asked once more."""
        jobs = self._jobs(self._choices(place))
        while self.ceiling is None:
            kept = self.catalog.kept(self.source.name, place)
            step = min(self.config.sampling.per_place - kept, self._step())
            asked = _enough(jobs, step)
            first = next(asked, None)
            if first is None:
                break
            unknown = self._fetch(chain([first], asked), label=f"Fetching {place}", total=step)
            if unknown and self.ceiling is None:
                self.counts["unknown"] -= sum(len(job.photos) for job in unknown)
                self._fetch(unknown, label=f"Asking again for {place}", total=len(unknown))
            yield self.catalog.kept(self.source.name, place)

    def _step(self) -> int:
        """Photos that one place gets before the next has its turn; fewer where few may be asked for at all."""
        return max(1, min(_STEP, self.ledger.summary().requests_left // len(self.ground.areas)))

    def _choices(self, place: str) -> Iterator[Choice]:
        candidates = read_candidates(self.catalog, self.source.name, self.ground.areas[place])
        limits = self.config.sampling
        generator = np.random.default_rng([self.config.seed, *place.encode()])
        samples = samples_of(self.project, self.config, self.ground.areas[place])
        placed = place_samples(samples, self.ground.areas[place])
        choose = choose_in_turn if self.source.spots else choose_by_samples
        choices = choose(candidates, placed, limits=limits, generator=generator)
        return keep_room(choices, candidates, limits)

    def _jobs(self, choices: Iterator[Choice]) -> Iterator[Job]:
        """What is still to be fetched, in the order of the choices; the views of 360° photos get their rows."""
        for batch in in_batches(choices, _BATCH):
            with self.catalog.transaction():
                jobs = [job for choice in batch for job in self._job(choice)]
            yield from jobs

    def _job(self, choice: Choice) -> Iterator[Job]:
        photo = self.catalog.photo(choice.photo_id)
        if photo.state not in {"found", "unknown"}:
            return
        views = [photo]
        if choice.heading_deg is not None:
            views = list(self._views(photo, choice.heading_deg))
        if self.source.cuts_views:
            yield from (Job((view,)) for view in views if view.state in {"found", "unknown"})
        elif all(view.state in {"found", "unknown"} for view in views):
            yield Job(tuple(views))

    def _views(self, photo: Photo, heading_deg: float) -> Iterator[Photo]:
        """The rows of the flat views of a 360° photo, evenly around from `heading_deg`."""
        count = self.config.collect.views
        for number in range(count):
            turned_deg = (heading_deg + 360 * number / count) % 360
            source_id = photo.source_id if number == 0 else f"{photo.source_id}@{number}"
            field_of_view_deg = self.config.collect.field_of_view_deg
            view = replace(photo, source_id=source_id, heading_deg=turned_deg, field_of_view_deg=field_of_view_deg)
            self.catalog.add(view)
            known = self.catalog.find(photo.source, source_id)
            assert known is not None
            if known.state in {"found", "unknown"}:
                self.catalog.update(known.photo_id, heading_deg=turned_deg, field_of_view_deg=field_of_view_deg)
                known = replace(known, heading_deg=turned_deg, field_of_view_deg=field_of_view_deg)
            yield known

    def _fetch(self, jobs: Iterable[Job], *, label: str, total: int | None = None) -> list[Job]:
        """Fetch and write down; the jobs whose outcome stays unknown."""
        unknown: list[Job] = []
        open_jobs = (job for job in jobs if self.ceiling is None)
        results = in_order(self.fetcher.fetch, open_jobs, threads=self.config.collect.in_flight, ahead=_AHEAD)
        for batch in in_batches(self.progress.track(results, total=total, label=label), _BATCH):
            with self.catalog.transaction():
                for result in batch:
                    unknown += self._write(result)
            self.fetcher.settle(batch)
        return unknown

    def _write(self, result: Result) -> list[Job]:
        if result.ceiling is not None:
            self.ceiling = result.ceiling
            return []
        for photo in result.photos:
            self.counts[photo.state] += 1
            self.catalog.write(photo)
        unknown = [photo for photo in result.photos if photo.state == "unknown"]
        if not unknown:
            return []
        self.why = unknown[0].reason or ""
        return [Job(result.photos)]


def _enough(jobs: Iterator[Job], missing: int) -> Iterator[Job]:
    """As many jobs as bring the photos that are missing."""
    while missing > 0 and (job := next(jobs, None)) is not None:
        missing -= len(job.photos)
        yield job
