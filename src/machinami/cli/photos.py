"""Commands about photos: import, check, split."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import click

from machinami.cli.options import folder_argument, json_option, quiet_option
from machinami.cli.output import print_brand, print_json, print_table, progress_for
from machinami.cli.split_tables import print_split
from machinami.cli.standing import warn_of_stale
from machinami.errors import InputError

__all__ = ["check", "import_", "split"]

_EXISTING = click.Path(path_type=Path, exists=True)


@click.command(name="import")
@folder_argument
@click.argument("photos", metavar="PHOTOS", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--table", type=_EXISTING, help="CSV or Parquet: file, place, and what else is known of each photo.")
@click.option("--masks", type=_EXISTING, help="Region masks: PNGs named like the photos, and a regions.json.")
@click.option("--link", is_flag=True, help="Refer to the photos where they are instead of copying them.")
@json_option
@quiet_option
def import_(
    folder: Path, photos: Path, *, table: Path | None, masks: Path | None, link: bool, as_json: bool, quiet: bool
) -> None:
    """Take photos of your own into the project.

    PHOTOS is a folder with a folder for each place, or goes with a --table, or holds photos whose EXIF positions
    are looked up in the areas of the places. Importing again adds nothing.

    \b
    Example:
      machinami import tokyo ~/street-photos
      machinami import tokyo ~/dataset --table ~/dataset/photos.csv
    """
    from machinami.collect.importing import import_photos
    from machinami.project import Project

    project = Project.open(folder)
    report = import_photos(
        project,
        project.config(),
        photos,
        table=table,
        masks=masks,
        link=link,
        user_cache=Path(click.get_app_dir("machinami")) / "cache",
        progress=progress_for(quiet=quiet),
    )
    if as_json:
        print_json(asdict(report))
        return
    print_table(["place", "photos"], report.by_place.items())
    click.echo(
        f"\n{report.added} added, {report.updated} updated, {report.already} known already, "
        f"{report.rejected} rejected, {report.failed} failed; {report.masks} masks"
    )
    for name, reason in report.problems:
        click.echo(f"  {name}: {reason}")
    for note in report.notes:
        click.echo(f"  {note}")


@click.command()
@folder_argument
@click.option(
    "--restore",
    multiple=True,
    type=int,
    metavar="PHOTO_ID",
    help="Take the mark of a photo back.",
)
@click.option("--read-all", is_flag=True, help="Read every file again, also those whose size and times are as before.")
@json_option
@quiet_option
def check(folder: Path, *, restore: tuple[int, ...], read_all: bool, as_json: bool, quiet: bool) -> None:
    """Mark unfit photos with a reason: blurred, dark, doubles, placeholder cards … Nothing is deleted.

    Prints how many photos of each place bear which reason. rejected.html in the project folder shows the photos that
    were taken out, with the command that takes a mark back.

    \b
    Example:
      machinami check tokyo
      machinami check tokyo --restore 17 --restore 23
    """
    from machinami.check import check_photos, restore_photos
    from machinami.project import Project

    project = Project.open(folder)
    config, progress = project.config(), progress_for(quiet=quiet)
    restored = restore_photos(project, config, restore) if restore else 0
    if restore and not restored:
        raise InputError(f"no mark was taken back: none of photos {', '.join(map(str, restore))} bears one")
    report = check_photos(project, config, read_all=read_all, progress=progress)
    if as_json:
        print_json({**asdict(report), "restored": restored})
        return
    if restore:
        click.echo(f"{restored} {'mark was' if restored == 1 else 'marks were'} taken back\n")
    with project.catalog() as catalog:
        print_table(*_by_reason_and_place(catalog.counts()))
    for note in report.notes:
        click.echo(f"\n{note}")
    if report.marked:
        click.echo(f"\nLook at what was taken out: {report.sheet}")


def _by_reason_and_place(
    counts: Iterable[tuple[str | None, str, str | None, int]],
) -> tuple[list[str], list[list[object]]]:
    """Headers and rows of a table: kept photos, then each reason, then what is no photo yet; a column a place."""
    cells: dict[tuple[int, str], dict[str | None, int]] = {}
    for place, state, reason, photos in counts:
        if state == "fetched":
            row = (0, "kept")
        elif state == "rejected":
            row = (1, reason or state)
        else:
            row = (2, f"{state}: {reason}" if reason else state)
        places = cells.setdefault(row, {})
        places[place] = places.get(place, 0) + photos
    columns = sorted({place for row in cells.values() for place in row}, key=lambda place: (place is None, place or ""))
    names = ["no place" if place is None else place for place in columns]
    rows: list[list[object]] = [
        [name, *(cells[order, name].get(place) for place in columns), sum(cells[order, name].values())]
        for order, name in sorted(cells)
    ]
    return ["reason", *names, "all"], rows


@click.command()
@folder_argument
@json_option
@quiet_option
def split(folder: Path, *, as_json: bool, quiet: bool) -> None:
    """Lay blocks of ground and folds, report them, and draw them in split.svg.

    \b
    Example:
      machinami split tokyo
    """
    from machinami.project import Project
    from machinami.report.split_map import write_split_map
    from machinami.split import lay_split

    project = Project.open(folder)
    config = project.config()
    warn_of_stale(project, config, before="split")
    laid = lay_split(project, config, progress=progress_for(quiet=quiet))
    drawn = write_split_map(project, config, laid)
    if as_json:
        print_json({name: value for name, value in laid.to_json().items() if name != "blocks"})
        return
    print_brand(laid.branded)
    print_split(laid)
    click.echo(f"\nThe map: {drawn.resolve()}")
