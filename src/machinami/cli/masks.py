"""Command about regions: masks."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from machinami.cli.options import folder_argument, json_option, machine_options, quiet_option
from machinami.cli.output import print_json, print_table, progress_for, share
from machinami.errors import SomePhotosFailed, UsageError

__all__ = ["masks"]


@click.command()
@folder_argument
@click.option("--segment", is_flag=True, help="Let a segmenter make the masks of photos that have none of their own.")
@click.option("--model", help="The segmenter: a name on the model hub or a folder; regions.model by default.")
@machine_options
@json_option
@quiet_option
def masks(
    folder: Path, *, segment: bool, model: str | None, device: str, threads: int | None, as_json: bool, quiet: bool
) -> None:
    """What is there beside what is used: the share of each region in a place's photos, and its share of the evidence.

    \b
    Example:
      machinami masks tokyo
      machinami masks tokyo --segment
    """
    from machinami.explain.region_shares import region_shares
    from machinami.models.device import using_threads
    from machinami.project import Project

    project, progress = Project.open(folder), progress_for(quiet=quiet)
    config = project.config()
    if model and not segment:
        raise UsageError("--model goes with --segment: it names the segmenter that makes masks")
    made = None
    if segment:
        from machinami.explain.segmenting import segment_photos

        if model:
            chosen = str(Path(model).absolute()) if Path(model).is_dir() else model
            config = replace(config, regions=replace(config.regions, model=chosen))
        with using_threads(threads):
            made = segment_photos(project, config, device=device, progress=progress)
    shares = region_shares(project, config, progress=progress)
    if as_json:
        print_json({"segmented": None if made is None else asdict(made), **asdict(shares)})
    else:
        _print(made, shares, project.root)
    if made is not None and made.unreadable:
        raise SomePhotosFailed(made.unreadable)


def _print(made: Any, shares: Any, root: Path) -> None:
    if made is not None:
        click.echo(
            f"{made.segmenter}: {made.made} masks made, {made.there} were there, {made.own} photos have their own"
        )
        if made.unknown:
            click.echo(f"Labels that no region takes, so that they are unlabelled: {', '.join(made.unknown)}")
    if not shares.photos:
        click.echo("No photo has a region mask: import some with --masks, or run this with --segment")
        return
    origins = ", ".join(f"{origin} ({photos} photos)" for origin, photos in shares.masks_from.items())
    click.echo(f"Regions from: {origins}")
    if shares.weak:
        click.echo("No model looked at these photos: the regions are told by colour alone, and say little")
    for reason, photos in shares.without.items():
        click.echo(f"{photos} photos are not counted: {reason}")
    if shares.blocks is None:
        click.echo(f"Intervals need blocks: run `machinami split {root}`")
    rows = [
        _row(place, region, facts)
        for place, table in shares.places.items()
        for region, facts in table.items()
        if facts["photos"]  # what no photo shows is in --json
    ]
    click.echo()
    print_table(["place", "region", "there", "photos with it", "of the evidence", "lift"], rows)
    if not shares.explained:
        click.echo(f"\nWhat is used is not known yet: run `machinami explain {root}`")
    elif shares.stale:
        click.echo(
            f"\nWhat is used was found from other masks, photos or settings: run `machinami explain {root}` again"
        )


def _row(place: str, region: str, facts: dict[str, Any]) -> tuple[Any, ...]:
    there = {"value": facts["area_share"], "low": facts["low"], "high": facts["high"]}
    used = facts["used"] or {}
    return (
        place,
        region,
        share(there) if facts["low"] is not None else f"{100 * facts['area_share']:.0f} %",
        facts["photos"],
        None if used.get("share") is None else f"{100 * used['share']:.0f} %",
        _lift(used),
    )


def _lift(used: dict[str, Any]) -> str | None:
    if used.get("lift") is None:
        return None
    if used.get("low") is None or used.get("high") is None:
        return f"{used['lift']:.2f}"
    return f"{used['lift']:.2f} ({used['low']:.2f}–{used['high']:.2f})"
