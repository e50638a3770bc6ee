"""The stage `collect`: search each place, choose by samples, fetch until there are enough or nothing is left."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from machinami.areas import Area
from machinami.catalog import Catalog, Photo
from machinami.collect.arrivals import Arrivals
from machinami.collect.choose import Candidates, Choice, choose_by_samples, choose_in_turn
from machinami.collect.fetch import Fetcher, Job, Result
from machinami.collect.ledger import Ledger
from machinami.collect.prepare import Ground, frozen_ground, note_terms, open_ledger, samples_of
from machinami.collect.result import CollectReport
from machinami.collect.search import Searcher, SearchTally
from machinami.config import Config
from machinami.errors import BudgetError, Incomplete, ProjectError
from machinami.files import digest_json
from machinami.geo import LatLon, LocalPlane
from machinami.ordered import in_batches, in_order
from machinami.progress import Progress, silent
from machinami.project import Project
from machinami.sampling import Sample
from machinami.sources import make_source
from machinami.sources.setup import Setup
from machinami.sources.source import Source

__all__ = ["collect_photos"]

_BATCH = 32  # rows written together
_SPOTS_AT_ONCE = 200  # fewest samples that are asked for at a time
_MOST_SPOTS = 20  # times the photos wanted, after which a place counts as used up


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
        collector.judge()
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

    def __post_init__(self) -> None:
        arrivals = Arrivals(self.project.photos / ".arrived")
        self.fetcher = Fetcher(
            project=self.project, config=self.config, source=self.source, ledger=self.ledger, arrivals=arrivals,
            now=self.setup.now, forgotten=self.catalog.forgotten_files(),
        )  # fmt: skip

    def collect(self) -> CollectReport:
        before, spent = self._kept(), self.ledger.spent_micro_usd
        self.notes += self.ground.notes
        self._fetch(self._leftovers(), label="Taking in what had arrived")
        for place in self.ground.areas:
            self._collect_place(place)
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

    def judge(self) -> None:
        """Raises where the collection must not call itself complete."""
        if self.ceiling is not None:
            raise self.ceiling
        asked = sum(tally.cells for tally in self.searched) + self.counts.total()
        unknown = self._unknown()
        if unknown > self.config.collect.max_unknown * asked:
            why = next((f"; e.g. {reason}" for tally in self.searched for reason in tally.why.values()), "")
            raise Incomplete(
                f"{unknown} of {asked} questions to {self.source.terms.name} have no answer{why}: the same command "
                "asks again for those alone; what was collected is kept"
            )

    def _unknown(self) -> int:
        return sum(tally.unknown for tally in self.searched) + self.counts["unknown"]

    def _kept(self) -> dict[str, int]:
        return {place: self.catalog.kept(self.source.name, place) for place in self.ground.areas}

    def _leftovers(self) -> Iterator[Job]:
        """What a stopped run had received: the bytes are here, so nothing is asked."""
        for photo_ids in list(self.fetcher.arrivals.leftovers()):
            photos = [photo for photo_id in photo_ids if (photo := self.catalog.find_id(photo_id)) is not None]
            if len(photos) == len(photo_ids) and all(photo.state in {"found", "unknown"} for photo in photos):
                yield Job(tuple(photos))
            else:
                self.fetcher.arrivals.clear(photo_ids)  # the rows know their files, or are gone

    def _collect_place(self, place: str) -> None:
        wanted = self.config.sampling.per_place
        if self.catalog.kept(self.source.name, place) >= wanted or self.ceiling is not None:
            return
        searcher = self._searcher(place)
        if not self.source.spots:
            self.searched.append(searcher.search(self.source.cells(self.ground.areas[place], ())))
            self._top_up(place)
        else:
            self._walk_spots(place, searcher)
        kept = self.catalog.kept(self.source.name, place)
        if kept < wanted and self.ceiling is None:
            self.notes.append(f"{place}: {kept} photos of {wanted} wanted; the ground holds no more that are fit")

    def _walk_spots(self, place: str, searcher: Searcher) -> None:
        """Ask sample by sample, some at a time, until there is enough or new samples bring nothing."""
        wanted, asked = self.config.sampling.per_place, 0
        samples = samples_of(self.project, self.config, self.ground.areas[place])
        while asked < _MOST_SPOTS * wanted and self.ceiling is None:
            missing = wanted - self.catalog.kept(self.source.name, place)
            if missing <= 0:
                break
            some = list(islice(samples, max(_SPOTS_AT_ONCE, missing)))
            if not some:
                break
            asked += len(some)
            before = searcher.tally.found
            searcher.search(self.source.cells(self.ground.areas[place], some))
            self._top_up(place)
            if searcher.tally.found == before and not self._any_known(place, some):
                break
        self.searched.append(searcher.tally)

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

    def _top_up(self, place: str) -> None:
        """Fetch in the order of the choices until enough are kept; what stayed unknown is asked once more."""
        choices = self._choices(place)
        jobs = self._jobs(choices)
        while self.ceiling is None:
            missing = self.config.sampling.per_place - self.catalog.kept(self.source.name, place)
            first = next(jobs, None) if missing > 0 else None
            if first is None:
                break
            asked = chain([first], islice(jobs, -(-missing // len(first.photos)) - 1))
            unknown = self._fetch(asked, label=f"Fetching {place}", total=missing)
            if unknown and self.ceiling is None:
                self.counts["unknown"] -= sum(len(job.photos) for job in unknown)
                self._fetch(unknown, label=f"Asking again for {place}", total=len(unknown))

    def _choices(self, place: str) -> Iterator[Choice]:
        candidates = _candidates(self.catalog, self.source.name, self.ground.areas[place], place)
        limits = self.config.sampling
        generator = np.random.default_rng([self.config.seed, *place.encode()])
        samples = samples_of(self.project, self.config, self.ground.areas[place])
        if self.source.spots:
            return choose_in_turn(candidates, samples, limits=limits, generator=generator)
        plane = _plane(self.ground.areas[place])
        placed = (
            (sample, tuple(plane.to_metres(np.array([sample.lat]), np.array([sample.lon]))[0].tolist()))
            for sample in samples
        )
        return choose_by_samples(candidates, placed, limits=limits, generator=generator)

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
        results = in_order(self.fetcher.fetch, open_jobs, threads=self.config.collect.in_flight)
        for batch in in_batches(self.progress.track(results, total=total, label=label), _BATCH):
            with self.catalog.transaction():
                for result in batch:
                    unknown += self._write(result)
            for result in batch:
                self.fetcher.settle(result)
        return unknown

    def _write(self, result: Result) -> list[Job]:
        if result.ceiling is not None:
            self.ceiling = result.ceiling
            return []
        for photo in result.photos:
            self.counts[photo.state] += 1
            self.catalog.write(photo)
        return [Job(result.photos)] if any(photo.state == "unknown" for photo in result.photos) else []


def _candidates(catalog: Catalog, source: str, area: Area, place: str) -> Candidates:
    """The columns that choosing works on; names of sequences and contributors become numbers."""
    rows = list(catalog.candidates(source, place))
    lat, lon = (np.array([row[name] for row in rows], float) for name in ("lat", "lon"))
    spherical = np.array([row["projection"] == "spherical" for row in rows], bool)
    heading = [
        row["centre_heading_deg"] if turned else row["heading_deg"] for row, turned in zip(rows, spherical, strict=True)
    ]
    return Candidates(
        photo_ids=np.array([row["photo_id"] for row in rows], np.int64),
        east_north_m=_plane(area).to_metres(lat, lon),
        heading_deg=np.array(heading, float),
        spherical=spherical,
        sequence=_numbered(row["sequence"] for row in rows),
        creator=_numbered(row["creator"] for row in rows),
        sample=np.array([-1 if row["sample"] is None else row["sample"] for row in rows], np.int64),
    )


def _numbered(names: Iterable[str | None]) -> npt.NDArray[np.int64]:
    """int64 (N,): a number for each name, -1 for none."""
    numbers: dict[str, int] = {}
    return np.array([-1 if name is None else numbers.setdefault(name, len(numbers)) for name in names], np.int64)


def _plane(area: Area) -> LocalPlane:
    centre = area.shape.centroid
    return LocalPlane(LatLon(centre.y, centre.x))
