"""Commands about the network: train, evaluate, explain, report."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from machinami.cli.options import folder_argument, json_option, machine_options, quiet_option
from machinami.cli.output import points, print_brand, print_json, print_table, progress_for, share
from machinami.cli.standing import warn_of_stale
from machinami.config import Config
from machinami.errors import UsageError

__all__ = ["evaluate", "explain", "report", "train"]


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
    device: str,
    threads: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Measure the network on the test blocks; then fit it once more on all blocks, for predicting.

    \b
    Example:
      machinami evaluate tokyo
      machinami evaluate tokyo --photos other-photos
      machinami evaluate tokyo --compare tokyo-larger-blocks
    """
    from machinami.project import Project

    project, progress = Project.open(folder), progress_for(quiet=quiet)
    config = project.config()
    if table and not photos:
        raise UsageError("--table goes with --photos: it labels another set")
    if sum(map(bool, (photos, compare, cross_validate))) > 1:
        raise UsageError("--photos, --compare and --cross-validate are three different questions: ask one at a time")
    if compare:
        _compare(project, Project.open(compare), config, as_json=as_json)
        return
    if photos:
        from machinami.evaluate.others import evaluate_others
        from machinami.models.device import using_threads

        with using_threads(threads):
            other = evaluate_others(project, config, photos, table=table, device=device, progress=progress)
        figures = other.figures
        if other.learned:
            click.echo(
                f"machinami: {other.learned} of the {figures['test']['photos']} photos are among those that the "
                "network learned from, so these figures say little of new photos: leave them out",
                err=True,
            )
    else:
        from machinami.evaluate.stage import evaluate_project
        from machinami.train.stage import refit_project

        warn_of_stale(project, config, before="evaluate")
        figures = evaluate_project(
            project, config, device=device, threads=threads, cross_validate=cross_validate, progress=progress
        ).figures
        if config.train.refit:
            refit_project(project, config, device=device, threads=threads, progress=progress)
    if as_json:
        print_json(figures)
        return
    print_brand(figures["branded"])
    test = figures["test"]
    click.echo(f"Balanced accuracy {share(test['balanced_accuracy'])}, accuracy {share(test['accuracy'])}")
    click.echo(f"on {test['photos']} photos in {test['blocks']} blocks never learned from\n" if not photos else "")
    rows = [
        (
            place,
            f["photos"],
            f["blocks"],
            *(None if f[m] is None else f"{f[m]:.3f}" for m in ("precision", "recall", "f1")),
        )
        for place, f in figures["per_place"].items()
    ]
    print_table(["place", "photos", "blocks", "precision", "recall", "F1"], rows)
    _print_further(figures)


def _print_further(figures: dict[str, Any]) -> None:
    """A line for each figure that needed further fits."""
    random, folds, curve = (figures[part] for part in ("random_split", "cross_validation", "learning_curve"))
    if random and random["balanced_gap"] is not None:
        low, high = random["balanced_gap_low"], random["balanced_gap_high"]
        why = "; so much is memory of the ground" if low is not None and low > 0 else ""
        gap = points(random["balanced_gap"], low, high)
        click.echo(f"\nA random split would say {100 * random['balanced_accuracy']:.0f} %: {gap}{why}")
    if folds:
        click.echo(f"\nEvery fold once the test: balanced accuracy {share(folds['balanced_accuracy'])}")
    if curve:
        ahead = "; ".join(f"{share(step)} with {step['blocks']} blocks" for step in curve["forecast"])
        last = curve["points"][-1]
        click.echo(f"\nA linear probe reaches {share(last)} from {last['blocks']} blocks; {ahead}")


def _compare(first: Any, second: Any, config: Config, *, as_json: bool) -> None:
    from machinami.evaluate.compare import compare_runs

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
