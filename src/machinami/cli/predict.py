"""`machinami predict`: which place does a photo look like?"""

from pathlib import Path

import click

from machinami.cli.options import json_option, machine_options, quiet_option
from machinami.cli.output import print_brand, print_json, print_table, progress_for
from machinami.errors import SomePhotosFailed

__all__ = ["predict"]


@click.command()
@click.argument("model", metavar="DIR_OR_MODEL", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("photos", metavar="PHOTO…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--heatmaps", type=click.Path(path_type=Path, file_okay=False), help="Write pictures to this folder.")
@machine_options
@json_option
@quiet_option
def predict(
    model: Path,
    photos: tuple[Path, ...],
    *,
    heatmaps: Path | None,
    device: str,
    threads: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Which of the places does a photo look like? All places ranked; it cannot say "none of these".

    DIR_OR_MODEL is a project or a bare model folder. A PHOTO may be a folder. A photo that cannot be read is
    listed with the reason, and the exit code is 12.

    \b
    Example:
      machinami predict tokyo street.jpg --heatmaps pictures
    """
    from machinami.models.device import using_threads
    from machinami.models.folder import load_model
    from machinami.predict import list_photos, predict_photos

    loaded = load_model(model)
    files = list_photos(photos)
    with using_threads(threads):
        answers = predict_photos(loaded, files, device=device, heatmaps=heatmaps, progress=progress_for(quiet=quiet))
    if (loaded.card.figures or {}).get("verdict") == "confounded":
        click.echo(
            "machinami: this model is confounded: how the photos were taken told its places about as well as it did, "
            "so its answers may be about cameras and dates",
            err=True,
        )
    if as_json:
        print_json([answer.to_json() for answer in answers])
    else:
        keys = loaded.card.keys
        rows = [
            (a.file, a.place or a.error, *(f"{a.probabilities[key]:.3f}" if a.probabilities else None for key in keys))
            for a in answers
        ]
        print_brand(loaded.card.branded)
        print_table(["photo", "looks like", *keys], rows)
    failures = [(answer.file, answer.error) for answer in answers if answer.error]
    if failures:
        raise SomePhotosFailed(failures)
