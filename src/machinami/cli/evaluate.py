"""`machinami evaluate`: how well, on which photos, and whether it can be believed."""

from pathlib import Path
from typing import Any

import click

from machinami.cli.options import folder_argument, json_option, machine_options, quiet_option
from machinami.cli.output import points, print_brand, print_json, print_table, progress_for
from machinami.cli.standing import warn_of_stale
from machinami.config import Config
from machinami.errors import UsageError

__all__ = ["evaluate"]


@click.command()
@folder_argument
@click.option(
    "--photos",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Another labelled set (a folder for each place); opens no test blocks.",
)
@click.option("--table", type=click.Path(path_type=Path, exists=True), help="The table that goes with --photos.")
@click.option(
    "--cross-validate", is_flag=True, help="Also train a network for every fold, so that each is the test once."
)
@click.option(
    "--compare",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Another project: set it beside this one on the test photos of both; trains nothing.",
)
@click.option(
    "--match",
    metavar="COLUMN",
    help="Figures on test photos that every place has equally many of by camera, size, year, month, hour, heading, "
    "source, creator or sequence_photos; measures first where that is not done.",
)
@machine_options
@json_option
@quiet_option
def evaluate(
    folder: Path,
    *,
    photos: Path | None,
    table: Path | None,
    cross_validate: bool,
    compare: Path | None,
    match: str | None,
    device: str,
    threads: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Measure the network on the test blocks; then fit it once more on all blocks, for predicting.

    The first sentence says whether the figure can be believed: Sound, Confounded (how the photos were taken tells the
    places as well), Random split, or Too few blocks.

    \b
    Example:
      machinami evaluate tokyo
      machinami evaluate tokyo --photos other-photos
      machinami evaluate tokyo --compare tokyo-larger-blocks
      machinami evaluate tokyo --match camera
    """
    from machinami.cli.evaluation_screen import print_evaluation, print_matched
    from machinami.project import Project

    project, progress = Project.open(folder), progress_for(quiet=quiet)
    config = project.config()
    if table and not photos:
        raise UsageError("--table goes with --photos: it labels another set")
    if sum(map(bool, (photos, compare, cross_validate, match))) > 1:
        raise UsageError("--photos, --compare, --cross-validate and --match are different questions: ask one at a time")
    if compare:
        _compare(project, Project.open(compare), config, as_json=as_json)
        return
    if photos:
        figures = _of_others(project, config, photos, table, device=device, threads=threads, progress=progress)
    elif match:
        figures = _matched(project, config, match, device=device, threads=threads, progress=progress)
    else:
        figures = _of_blocks(
            project, config, cross_validate=cross_validate, device=device, threads=threads, progress=progress
        )
    if as_json:
        print_json(figures)
        return
    show = print_matched if match else print_evaluation
    show(figures, _labels(project, config), ground="others" if photos else _ground(project))


def _labels(project: Any, config: Config) -> dict[str, str]:
    from machinami.places import label_of, resolve_places

    with project.catalog() as catalog:
        return {place.key: label_of(place) for place in resolve_places(config, catalog)}


def _ground(project: Any) -> Any:
    from machinami.report.verdict import ground_of
    from machinami.split import read_split

    return ground_of(read_split(project))


def _of_blocks(
    project: Any, config: Config, *, cross_validate: bool, device: str, threads: int | None, progress: Any
) -> dict[str, Any]:
    """The figures on the test blocks, and the refit where the settings ask for one."""
    from machinami.evaluate.stage import evaluate_project
    from machinami.train.stage import refit_project

    warn_of_stale(project, config, before="evaluate")
    figures = evaluate_project(
        project, config, device=device, threads=threads, cross_validate=cross_validate, progress=progress
    ).figures
    if config.train.refit:
        refit_project(project, config, device=device, threads=threads, progress=progress)
    return figures


def _of_others(
    project: Any,
    config: Config,
    photos: Path,
    table: Path | None,
    *,
    device: str,
    threads: int | None,
    progress: Any,
) -> dict[str, Any]:
    """The figures on another labelled set."""
    from machinami.evaluate.others import evaluate_others
    from machinami.models.device import using_threads

    with using_threads(threads):
        other = evaluate_others(project, config, photos, table=table, device=device, progress=progress)
    if other.learned:
        click.echo(
            f"machinami: {other.learned} of the {other.figures['test']['photos']} photos are among those that the "
            "network learned from, so these figures say little of new photos: leave them out",
            err=True,
        )
    return other.figures


def _matched(
    project: Any, config: Config, column: str, *, device: str, threads: int | None, progress: Any
) -> dict[str, Any]:
    """The figures with those of the photos that share a column's values; measured first where that is not done."""
    from machinami.evaluate.matching import match_project
    from machinami.evaluate.metadata import COLUMNS
    from machinami.pipeline import stage_states

    if column not in COLUMNS:
        raise UsageError(f"--match {column}: there is no such column: {', '.join(COLUMNS)}")
    states = {state.stage: state.state for state in stage_states(project, config)}
    if states["evaluate"] != "done":
        _of_blocks(project, config, cross_validate=False, device=device, threads=threads, progress=progress)
    return match_project(project, config, column)


def _compare(first: Any, second: Any, config: Config, *, as_json: bool) -> None:
    from machinami.evaluate.compare import compare_runs
    from machinami.split import read_split

    for project in (first, second):
        warn_of_stale(project, project.config(), before="explain")
        if not as_json:
            print_brand(read_split(project).branded)
    compared = compare_runs(first, second, evaluate=config.evaluate, seed=config.seed)
    if as_json:
        print_json(compared.to_json())
        return
    click.echo(f"On {compared.photos} photos in {compared.blocks} blocks that neither has learned from\n")
    rows = [
        (
            name.replace("_", " "),
            f"{100 * score.first:.1f} %",
            f"{100 * score.second:.1f} %",
            points(score.difference.value, score.difference.low, score.difference.high),
        )
        for name, score in (("balanced_accuracy", compared.balanced_accuracy), ("accuracy", compared.accuracy))
    ]
    print_table(["", str(first.root), str(second.root), "second less first"], rows)
    click.echo(f"\n{compared.sentence()}")
