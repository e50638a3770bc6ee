"""Commands about the network: train, explain, report."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from machinami.cli.options import folder_argument, json_option, machine_options, quiet_option
from machinami.cli.output import print_brand, print_json, print_table, progress_for
from machinami.cli.standing import warn_of_stale

__all__ = ["explain", "report", "train"]


@click.command()
@folder_argument
@machine_options
@json_option
@quiet_option
def train(folder: Path, *, device: str, threads: int | None, as_json: bool, quiet: bool) -> None:
    """Train the network on the training blocks; validation blocks choose. Ctrl-C keeps the best state so far.

    \b
    Example:
      machinami train tokyo
    """
    from machinami.project import Project
    from machinami.train.stage import train_project

    project, progress = Project.open(folder), progress_for(quiet=quiet)
    config = project.config()
    warn_of_stale(project, config, before="train")
    trained = train_project(project, config, device=device, threads=threads, progress=progress)
    if as_json:
        print_json(asdict(trained))
        return
    print_brand(trained.branded)
    print_table(
        ["tried", "loss", "balanced accuracy"],
        [(name, f"{f['loss']:.3f}", f"{f['balanced_accuracy']:.3f}") for name, f in trained.candidates.items()],
    )
    click.echo(f"\nTrained: {trained.tuned} (figures above are of the validation blocks)")
    click.echo(f"Next: `machinami evaluate {folder}`")


@click.command()
@folder_argument
@machine_options
@json_option
@quiet_option
def explain(folder: Path, *, device: str, threads: int | None, as_json: bool, quiet: bool) -> None:
    """Heatmaps of the test photos, and how much of the evidence falls on which region.

    \b
    Example:
      machinami explain tokyo
    """
    from machinami.explain.stage import explain_project
    from machinami.models.device import using_threads
    from machinami.project import Project

    project, progress = Project.open(folder), progress_for(quiet=quiet)
    config = project.config()
    warn_of_stale(project, config, before="explain")
    with using_threads(threads):
        explained = explain_project(project, config, device=device, progress=progress)
    if as_json:
        print_json(asdict(explained))
        return
    print_brand(explained.attention["branded"])
    sums = (
        f"each map sums to its score within {explained.completeness_max:.1e} logits"
        if explained.complete
        else "maps of this method and layer do not sum to the score"
    )
    click.echo(f"{explained.photos} photos explained ({explained.method}, {explained.layer}); {sums}")
    effects = {} if explained.knockout is None else explained.knockout["places"]
    rows = [
        (
            place,
            region,
            *(_figure(row[name]) for name in ("share", "area_share", "lift", "low", "high")),
            row["photos"],
            _BEYOND_CHANCE[row["distinguishable"]],
            _effect(effects.get(place, {}).get(region)),
        )
        for place, regions in explained.attention["places"].items()
        for region, row in regions.items()
    ]
    if rows:
        click.echo()
        columns = ["place", "region", "share", "area", "lift", "low", "high", "photos", "beyond chance", "blanked out"]
        print_table(columns, rows)


_BEYOND_CHANCE = {True: "yes", False: "no", None: None}


def _effect(found: Mapping[str, Any] | None) -> str | None:
    """Logits lost by filling, least to most, and a disagreement with the lift where there is one."""
    values = [] if found is None else [effect["value"] for effect in found["effect"].values()]
    if found is None or any(value is None for value in values):
        return None
    text = f"{min(values):+.2f} to {max(values):+.2f}"
    return f"{text}, {found['disagreement']}" if found["disagreement"] else text


def _figure(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"


@click.command()
@folder_argument
@json_option
@quiet_option
def report(folder: Path, *, as_json: bool, quiet: bool) -> None:
    """Write report.html: one file that opens anywhere, with everything that was found.

    \b
    Example:
      machinami report tokyo
    """
    from machinami.project import Project
    from machinami.report import build_report

    project = Project.open(folder)
    config = project.config()
    warn_of_stale(project, config, before="report")
    built = build_report(project, config, progress=progress_for(quiet=quiet))
    if as_json:
        print_json(asdict(built))
        return
    for sentence in built.sentences:
        click.echo(sentence)
    click.echo(f"\nThe report: {Path(built.path).resolve()}")
