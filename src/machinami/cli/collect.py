"""Commands about collecting: plan, collect, forget."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from machinami.cli.keys import read_keys
from machinami.cli.options import folder_argument, json_option, key_file_option, quiet_option, user_cache
from machinami.cli.output import print_json, print_table, progress_for
from machinami.config_file import check_config
from machinami.errors import BudgetError, Incomplete, UsageError

if TYPE_CHECKING:
    from types import FrameType

    from machinami.collect.plan import PlacePlan, Plan
    from machinami.collect.result import CollectReport
    from machinami.config import Config
    from machinami.progress import Progress
    from machinami.project import Project
    from machinami.sources.setup import Setup

__all__ = ["collect", "collect_as_configured", "forget", "plan"]

_max_cost = click.option(
    "--max-cost", type=click.FloatRange(min=0), metavar="USD", help="Instead of budget.max_cost_usd."
)
_max_photos = click.option(
    "--max-photos", type=click.IntRange(min=0), metavar="N", help="Instead of budget.max_photos."
)


@click.command()
@folder_argument
@click.option("--probe", is_flag=True, help="Ask a few free searches, and tell how many photos there may be.")
@_max_cost
@_max_photos
@key_file_option
@json_option
@quiet_option
def plan(
    folder: Path, *, probe: bool, max_cost: float | None, max_photos: int | None, key_file: Path | None, as_json: bool,
    quiet: bool,
) -> None:  # fmt: skip
    """What collecting would ask for: requests, minutes, gigabytes, dollars. Asks no provider without --probe.

    \b
    Example:
      machinami plan tokyo
    """
    from machinami.collect.prepare import plan_project
    from machinami.project import Project

    project = Project.open(folder)
    config = _within(project.config(), max_cost, max_photos)
    with _setup(config, key_file) as setup:
        planned = plan_project(
            project, config, setup, probe=probe, user_cache=user_cache(), progress=progress_for(quiet=quiet)
        )
    if as_json:
        print_json(planned.to_json())
        return
    print_plan(planned)


@click.command()
@folder_argument
@_max_cost
@_max_photos
@click.option("-y", "--yes", is_flag=True, help="Do not ask after showing the plan.")
@click.option("--refresh", is_flag=True, help="Search places that still want photos anew, for what is new there.")
@key_file_option
@json_option
@quiet_option
def collect(
    folder: Path, *, max_cost: float | None, max_photos: int | None, yes: bool, refresh: bool, key_file: Path | None,
    as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """Collect street photos of the places' areas from the source in machinami.toml, within the budget.

    Shows the plan and asks. What is there is never asked for again: a run that was stopped goes on where it was.

    \b
    Example:
      machinami collect tokyo --max-photos 500
    """
    from machinami.project import Project

    project = Project.open(folder)
    config = _within(project.config(), max_cost, max_photos)
    try:
        report = collect_as_configured(
            project, config, key_file=key_file, yes=yes, refresh=refresh, show=not as_json,
            progress=progress_for(quiet=quiet),
        )  # fmt: skip
    except (BudgetError, Incomplete) as error:
        if error.report is not None:
            _print_report(cast("CollectReport", error.report), as_json=as_json)
        raise
    _print_report(report, as_json=as_json)


def _print_report(report: "CollectReport", *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(report))
        return
    print_table(["place", "photos"], report.by_place.items())
    click.echo(
        f"\n{report.added} added, {report.already} there already, {report.rejected} rejected, {report.failed} failed, "
        f"{report.unknown} unknown"
    )
    if report.requests:
        asked = ", ".join(f"{host} {count}" for host, count in report.requests.items())
        click.echo(f"Requests: {asked}; cost {report.cost_usd:.2f} USD")
    for note in report.notes:
        click.echo(f"  {note}")


@click.command()
@folder_argument
@click.argument("photos", metavar="PHOTO...", nargs=-1, required=True)
@json_option
def forget(folder: Path, photos: tuple[str, ...], *, as_json: bool) -> None:
    """Take photos out everywhere and keep them out: a licence withdrawn, a person's wish.

    A PHOTO is its photo_id in the catalogue, SOURCE:ID, or its file. Photos, masks and results that show them are
    deleted; the model stays until `machinami run` trains it again without them.

    \b
    Example:
      machinami forget tokyo 17 mapillary:498763468214164
    """
    from machinami.collect.forget import forget_photos
    from machinami.project import Project

    project = Project.open(folder)
    report = forget_photos(project, project.config(), photos)
    if as_json:
        print_json(asdict(report))
        return
    click.echo(f"Photos taken out: {report.photos}; files deleted: {report.files}")
    if report.removed:
        click.echo(f"Deleted, since they may show them: {', '.join(report.removed)}")
    for file in report.linked:
        click.echo(f"Left where it is, outside the project: {file}")
    if (project.model / "card.json").exists():
        click.echo(f"The model was trained with them. `machinami run {folder}` trains it again without.")


def collect_as_configured(
    project: "Project",
    config: "Config",
    *,
    key_file: Path | None,
    yes: bool,
    refresh: bool = False,
    show: bool = True,
    progress: "Progress",
) -> "CollectReport":
    """Collect, after the plan was shown and agreed to; the made town is made at once."""
    if config.source.kind == "town":
        from machinami.collect.made import collect_town

        return collect_town(project, config, progress=progress)
    from machinami.collect.prepare import plan_project
    from machinami.collect.stage import collect_photos

    with _setup(config, key_file) as setup:
        if not yes:
            planned = plan_project(project, config, setup, user_cache=user_cache())
            if show:
                print_plan(planned)
            _agree()
        return collect_photos(project, config, setup, refresh=refresh, user_cache=user_cache(), progress=progress)


def _agree() -> None:
    import sys

    if not sys.stdin.isatty():
        raise UsageError("nobody is there to agree to the plan: say --yes, after `machinami plan`")
    click.confirm("\nCollect?", abort=True, err=True)


def _within(config: "Config", max_cost: float | None, max_photos: int | None) -> "Config":
    budget = config.budget
    if max_cost is not None:
        budget = replace(budget, max_cost_usd=max_cost)
    if max_photos is not None:
        budget = replace(budget, max_photos=max_photos)
    within = replace(config, budget=budget)
    check_config(within, name="--max-cost, --max-photos")  # click's ranges let nan and inf through
    return within


@contextmanager
def _setup(config: "Config", key_file: Path | None) -> "Iterator[Setup]":
    """The source's surroundings, with connections to the real network."""
    from machinami.sources.setup import Setup
    from machinami.sources.transport import HttpxTransport

    keys = read_keys(key_file)
    collect = config.collect
    with (
        HttpxTransport(timeout_s=collect.timeout_s, connections=collect.in_flight + 1) as transport,
        _sleep_until_stopped() as sleep,
    ):
        yield Setup(source=config.source, collect=collect, transport=transport, keys=keys, sleep=sleep)


@contextmanager
def _sleep_until_stopped() -> "Iterator[Callable[[float], None]]":
    """A sleep that Ctrl-C ends in every thread, so that nobody waits for a host's next try before the command stops."""
    import signal
    import threading

    from machinami.errors import Interrupted

    stopped = threading.Event()

    def stop(number: int, frame: "FrameType | None") -> None:
        stopped.set()
        signal.default_int_handler(number, frame)

    def sleep(seconds: float) -> None:
        if stopped.wait(seconds):
            raise Interrupted("stopped while waiting for a host")

    former = signal.getsignal(signal.SIGINT)
    if former is signal.default_int_handler:  # not where the caller ignores the signal or has its own way with it
        signal.signal(signal.SIGINT, stop)
    try:
        yield sleep
    finally:
        signal.signal(signal.SIGINT, former)


def print_plan(planned: "Plan") -> None:
    """The plan as tables."""
    click.echo(f"{planned.source}: terms at {planned.terms_url}\n")
    hosts = list(planned.requests)
    rows: list[list[Any]] = [
        [place.place, place.photos, *(place.requests.get(host, 0) for host in hosts), *_amounts(place)]
        for place in planned.places
    ]
    rows.append(["in all", planned.photos, *planned.requests.values(), *_amounts(planned)])
    print_table(["place", "photos wanted", *(f"requests to {host}" for host in hosts), "minutes", "GB", "USD"], rows)
    money = planned.money
    if money is not None:
        click.echo()
        tiers = [(f"{s.images:,}", f"{s.micro_usd / 1000:.2f}", f"{s.cost_usd:.2f}") for s in money.tiers]
        print_table([f"images in {money.month}", "USD per 1,000", "USD"], tiers)
        click.echo(
            f"\n{money.used_this_month:,} images were asked for this month; {money.spent_usd:.2f} USD spent in all, "
            f"{money.left_usd:.2f} left under the ceiling"
        )
    click.echo(f"\n{planned.requests_left:,} more image requests are allowed (budget.max_photos)")
    for note in planned.notes:
        click.echo(f"  {note}")


def _amounts(part: "PlacePlan | Plan") -> tuple[str, str, str]:
    """Minutes, gigabytes and dollars, as they are shown."""
    cost_usd = part.cost_usd
    return f"{part.minutes:.1f}", f"{part.gigabytes:.2f}", f"{cost_usd:.2f}"
