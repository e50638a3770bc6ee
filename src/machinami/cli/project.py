"""Commands about the project as a whole: new, status, run."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from machinami.cli.options import folder_argument, json_option, key_file_option, machine_options, quiet_option
from machinami.cli.output import print_json, print_table, progress_for
from machinami.errors import ProjectError, UsageError

__all__ = ["new", "run", "status"]


@click.command()
@folder_argument
@click.option(
    "--place",
    "places",
    multiple=True,
    metavar="KEY[=AREA]",
    help="A place. AREA is FILE (GeoJSON, GeoPackage, Shapefile), FILE:PROPERTY=VALUE for one feature of it, "
    "osm:R123 for an OpenStreetMap relation, or query:TEXT for a name there. Repeat for each place.",
)
@click.option(
    "--source",
    type=click.Choice(["folder", "panoramax", "mapillary", "kartaview", "google", "town"]),
    help="Where photos come from; your own folder unless said.",
)
@click.option("--backbone", help="The network; efficientnet-lite0 works with no network connection.")
@click.option("--seed", type=int, default=0, show_default=True, help="Every random choice follows from it.")
def new(folder: Path, places: tuple[str, ...], source: str | None, backbone: str | None, seed: int) -> None:
    """Make a project: a folder with a machinami.toml that lists every setting.

    Without --place the sub-folders or the table that you import tell the places.

    \b
    Example:
      machinami new tokyo --place machida=tokyo.geojson:N03_007=13209 --place chuo=tokyo.geojson:N03_007=13102
    """
    from machinami.config_file import CONFIG_NAME, parse_config, render_config
    from machinami.files import write_text

    file = folder / CONFIG_NAME
    if file.exists():
        raise ProjectError(f"{file} exists already: edit it, or take another folder")
    chosen: dict[str, dict[str, Any]] = {"train": {"backbone": backbone}} if backbone else {}
    if source:
        chosen["source"] = {"kind": source}
    text = render_config(tuple(_place(place, folder) for place in places), chosen, seed=seed)
    parse_config(text)
    try:
        write_text(file, text)
    except OSError as error:
        raise ProjectError(f"{folder}: cannot be written ({error.strerror}): take another folder") from error
    step = "import" if source in {None, "folder"} else "collect"
    click.echo(f"{file} is written. Next: `{_next_command(folder, step)}`")


def _place(text: str, folder: Path) -> Any:
    """KEY, or KEY=AREA with a FILE, FILE:PROPERTY=VALUE, osm:R123 or query:TEXT, as a PlaceConfig."""
    from machinami.config import AreaConfig, PlaceConfig

    key, _, area = text.partition("=")
    if not area:
        return PlaceConfig(key=key)
    kind, _, rest = area.partition(":")
    if kind == "osm":
        return PlaceConfig(key=key, area=AreaConfig(osm=rest))
    if kind == "query":
        return PlaceConfig(key=key, area=AreaConfig(query=rest))
    return PlaceConfig(key=key, area=_file_area(text, area, folder))


def _file_area(text: str, area: str, folder: Path) -> Any:
    """FILE or FILE:PROPERTY=VALUE as an AreaConfig; the file is named from the project folder."""
    import os

    from machinami.config import AreaConfig

    name, _, condition = area.partition(":")
    where = dict([condition.split("=", 1)]) if "=" in condition else {}
    if condition and not where:
        raise UsageError(f"--place {text}: after the ':' write PROPERTY=VALUE")
    if not Path(name).is_file():
        raise UsageError(f"--place {text}: there is no file {name} (osm:R123 and query:TEXT ask OpenStreetMap)")
    return AreaConfig(file=Path(os.path.relpath(name, folder)).as_posix(), where=where)


@click.command()
@folder_argument
@json_option
def status(folder: Path, *, as_json: bool) -> None:
    """What is done, what is stale, what to run next.

    \b
    Example:
      machinami status tokyo
    """
    from machinami.pipeline import stage_states
    from machinami.project import Project

    project = Project.open(folder)
    config = project.config()
    with project.catalog() as catalog:
        counts = catalog.counts()
    kept = sum(photos for _, state, _, photos in counts if state == "fetched")
    states = stage_states(project, config)
    todo = next((state.stage for state in states if state.state != "done"), None)
    following = _next_command(folder, _photos_step(project, config, kept) or todo)
    if as_json:
        print_json(
            {
                "photos": [
                    {"place": place, "state": state, "reason": reason, "photos": photos}
                    for place, state, reason, photos in counts
                ],
                "stages": [asdict(state) for state in states],
                "next": following,
            }
        )
        return
    print_table(["place", "state", "reason", "photos"], counts)
    click.echo()
    print_table(
        ["stage", "state", "seconds", "when (UTC)"],
        [(s.stage, s.state, s.seconds, (s.finished_at or "–")[:16].replace("T", " ")) for s in states],
    )
    click.echo(f"\nNext: {following}" if following else f"\nAll is up to date: open {project.report_file}")


def _photos_step(project: Any, config: Any, kept: int) -> str | None:
    """What brings photos in: import or collect; None where there are some, and none are still being collected."""
    if config.source.kind == "folder":
        return "import" if kept == 0 else None
    runs = [run for run in project.runs() if run["stage"] == "collect"]
    return "collect" if kept == 0 or (runs and runs[-1].get("outcome") != "done") else None


def _next_command(folder: Path, step: str | None) -> str | None:
    if step is None:
        return None
    commands = {"import": f"machinami import {folder} PHOTOS", "collect": f"machinami collect {folder}"}
    return commands.get(step, f"machinami run {folder}")


@click.command()
@folder_argument
@machine_options
@click.option("--collect", "with_collect", is_flag=True, help="Collect photos first, as the config says.")
@click.option("-y", "--yes", is_flag=True, help="With --collect: do not ask after showing the plan.")
@key_file_option
@json_option
@quiet_option
def run(
    folder: Path, *, device: str, threads: int | None, with_collect: bool, yes: bool, key_file: Path | None,
    as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """Run every stage that is not up to date, from check on, and end with the report.

    \b
    Example:
      machinami run tokyo
    """
    from machinami.pipeline import Machine, run_stages
    from machinami.project import Project

    project, progress = Project.open(folder), progress_for(quiet=quiet)
    config = project.config()
    if with_collect:
        from machinami.cli.collect import collect_as_configured

        collect_as_configured(project, config, key_file=key_file, yes=yes, show=not as_json, progress=progress)
    ran = run_stages(project, config, machine=Machine(device=device, threads=threads), progress=progress)
    print_findings(project, ran, as_json=as_json)


def print_findings(project: Any, ran: list[str], *, as_json: bool) -> None:
    """The findings in sentences, and where the report is."""
    from machinami.files import read_json
    from machinami.report import findings_of

    sentences = findings_of(project)
    if as_json:
        figures = read_json(project.evaluation_file)
        print_json({"ran": ran, "findings": sentences, "evaluation": figures, "report": str(project.report_file)})
        return
    for sentence in sentences:
        click.echo(sentence)
    click.echo(f"\nThe report: {project.report_file.resolve()}")
