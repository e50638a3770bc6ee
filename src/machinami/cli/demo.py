"""`machinami demo`: the whole job on a made town, offline."""

from pathlib import Path
from typing import Any

import click

from machinami.cli.options import json_option, machine_options, quiet_option
from machinami.cli.output import progress_for

__all__ = ["demo"]


@click.command()
@click.argument("folder", metavar="[DIR]", default="demo", type=click.Path(path_type=Path, file_okay=False))
@click.option("--photos", type=click.IntRange(min=60), default=300, show_default=True, help="Photos of each town.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed, another pair of towns.")
@machine_options
@json_option
@quiet_option
def demo(folder: Path, *, photos: int, seed: int, device: str, threads: int | None, as_json: bool, quiet: bool) -> None:
    """The whole job on two made towns whose differences are known: no network, a few minutes.

    Town a has more vegetation and fields, town b high-rises and glass; road, sky and cars tell nothing.

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
            "sampling": {"per_place": photos},
            "train": {"backbone": "efficientnet-lite0"},
        }
        write_text(folder / CONFIG_NAME, render_config(places, chosen, seed=seed))
    project = Project.open(folder)
    config = project.config()
    collect_town(project, config, progress=progress)
    ran = run_stages(project, config, machine=Machine(device=device, threads=threads), progress=progress)
    print_findings(project, ran, as_json=as_json)
