"""`machinami demo`: the whole job on a made town, offline."""

from pathlib import Path
from typing import Any

import click

from machinami.cli.options import json_option, machine_options, quiet_option
from machinami.cli.output import progress_for
from machinami.errors import UsageError

__all__ = ["demo"]

PHOTOS = 300  # of each town, unless said


@click.command()
@click.argument("folder", metavar="[DIR]", default="demo", type=click.Path(path_type=Path, file_okay=False))
@click.option("--photos", type=click.IntRange(min=60), help=f"Photos of each town; {PHOTOS} in a new demo.")
@click.option("--seed", type=int, help="Another seed, another pair of towns; 0 in a new demo.")
@machine_options
@json_option
@quiet_option
def demo(
    folder: Path, *, photos: int | None, seed: int | None, device: str, threads: int | None, as_json: bool, quiet: bool
) -> None:
    """The whole job on two made towns whose differences are known: no network, a few minutes.

    Town a has more vegetation and fields, town b high-rises and glass; road, sky and cars tell nothing. In a folder
    that holds a demo already it goes on with that one.

    \b
    Example:
      machinami demo
    """
    from machinami.cli.project import print_findings
    from machinami.collect.made import collect_town
    from machinami.config import PlaceConfig
    from machinami.config_file import CONFIG_NAME, render_config
    from machinami.files import write_text
    from machinami.pipeline import Machine, run_stages
    from machinami.project import Project

    progress = progress_for(quiet=quiet)
    if not (folder / CONFIG_NAME).exists():
        places = (PlaceConfig(key="a", label="Town A"), PlaceConfig(key="b", label="Town B"))
        chosen: dict[str, dict[str, Any]] = {
            "source": {"kind": "town"},
            "sampling": {"per_place": PHOTOS if photos is None else photos},
            "train": {"backbone": "efficientnet-lite0"},
            # fewer than by default, yet enough to tell in the made towns: the demo is to stay short
            "explain": {"null_photos": 24, "knockout_photos": 24, "knockout_regions": 2},
        }
        write_text(folder / CONFIG_NAME, render_config(places, chosen, seed=seed or 0))
        project = Project.open(folder)
        config = project.config()
    else:
        project = Project.open(folder)
        config = project.config()
        _go_on(folder, config, photos=photos, seed=seed, progress=progress)
    collect_town(project, config, progress=progress)
    ran = run_stages(project, config, machine=Machine(device=device, threads=threads), progress=progress)
    print_findings(project, ran, as_json=as_json)


def _go_on(folder: Path, config: Any, *, photos: int | None, seed: int | None, progress: Any) -> None:
    """Say with what an existing demo goes on. Raises UsageError where the call asks for something else."""
    has = {"--photos": config.sampling.per_place, "--seed": config.seed}
    for option, asked in (("--photos", photos), ("--seed", seed)):
        if asked not in (None, has[option]):
            raise UsageError(
                f"{folder} is there already, made with {option} {has[option]}, not {asked}: leave {option} out to go "
                "on with it, or name another folder"
            )
    progress.say(f"Going on with {folder}: {has['--photos']} photos of each town, seed {has['--seed']}")
