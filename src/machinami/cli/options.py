"""Arguments and options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["folder_argument", "json_option", "machine_options", "quiet_option"]

F = TypeVar("F", bound=Callable[..., Any])

folder_argument = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress on standard error.")
_device = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="What computes; auto takes a GPU where there is one.",
)
_threads = click.option("--threads", type=click.IntRange(min=1), help="Processor threads to use; all by default.")


def machine_options(command: F) -> F:
    """--device and --threads."""
    return _device(_threads(command))
