"""What planning and collecting need before anything is asked: areas, source, ledger, and the plan made of them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from machinami.areas import Area, freeze_areas, project_areas, project_streets
from machinami.catalog import Catalog
from machinami.collect.ledger import Ledger
from machinami.collect.plan import Plan, make_plan
from machinami.collect.probe import probe_places
from machinami.config import Config
from machinami.errors import ConfigError
from machinami.progress import Progress, silent
from machinami.project import Project
from machinami.sampling import Sample, draw_samples
from machinami.sources import make_source
from machinami.sources.prices import cost_micro_usd
from machinami.sources.setup import Setup
from machinami.sources.source import Source

__all__ = ["Ground", "frozen_ground", "note_terms", "open_ledger", "plan_project", "samples_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The areas of all places, with the digests under which they are frozen."""

    areas: Mapping[str, Area]
    digests: Mapping[str, str]
    notes: tuple[str, ...]


def frozen_ground(project: Project, config: Config, catalog: Catalog, *, user_cache: Path | None = None) -> Ground:
    """The areas that photos are collected in, frozen now if they were not. Raises ConfigError for a place without."""
    if not config.places:
        raise ConfigError("machinami.toml names no [[places]]: collecting needs each place with its area")
    without = [place.key for place in config.places if place.area is None]
    if without:
        raise ConfigError(
            f"place {without[0]!r} has no area, so that nobody knows where to collect: write e.g. "
            'area = { file = "areas.geojson", where = { code = "13209" } } into machinami.toml'
        )
    settled = project_areas(project, config, catalog, user_cache=user_cache)
    with catalog.transaction():
        freeze_areas(catalog, settled.areas)
    digests = {place: str(row["digest"]) for place, row in catalog.areas().items()}
    return Ground(areas=settled.areas, digests=digests, notes=settled.notes)


@contextmanager
def open_ledger(project: Project, config: Config, setup: Setup) -> Iterator[Ledger]:
    """The ledger of the config's source, held to the config's budget."""
    price = cost_micro_usd if config.source.kind == "google" else None
    kind, budget = config.source.kind, config.budget
    with Ledger(project.catalog_file, source=kind, budget=budget, price=price, now=setup.now) as ledger:
        yield ledger


def note_terms(catalog: Catalog, config: Config, source: Source) -> None:
    """Write down whose terms hold, and the permission that the user stated, beside the photos they are about."""
    facts = {
        "url": source.terms.url,
        "licence": source.terms.licence,
        "attribution": source.terms.attribution,
        "may_be_shown": source.terms.may_be_shown,
        "acknowledgement": config.source.acknowledgement.isoformat() if config.source.acknowledgement else None,
    }
    catalog.set_fact(f"terms:{source.name}", json.dumps(facts, sort_keys=True))


def plan_project(
    project: Project,
    config: Config,
    setup: Setup,
    *,
    probe: bool = False,
    user_cache: Path | None = None,
    progress: Progress = silent,
) -> Plan:
    """What collecting would ask for now. With `probe` a few free searches tell how many photos there may be."""
    source = make_source(config, setup)
    with project.catalog() as catalog, open_ledger(project, config, setup) as ledger:
        ground = frozen_ground(project, config, catalog, user_cache=user_cache)
        kept = {place: catalog.kept(source.name, place) for place in ground.areas}
        plan = make_plan(source, ground.areas, config, ledger.summary(), today=setup.now().date(), kept=kept)
    if not probe:
        return plan
    samples = {place: samples_of(project, config, area) for place, area in ground.areas.items()}
    probed = probe_places(config, source, ground.areas, samples, progress=progress)
    return replace(plan, notes=(*plan.notes, *probed))


def samples_of(project: Project, config: Config, area: Area) -> Iterator[Sample]:
    """The samples of one place, from the first."""
    streets = project_streets(project, config, area) if config.sampling.method == "streets" else ()
    return draw_samples(area, config.sampling, seed=config.seed, block_m=config.split.block_m, streets=streets)
