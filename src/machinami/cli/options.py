"""Arguments and options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["folder_argument", "json_option", "key_file_option", "machine_options", "quiet_option", "user_cache"]

F = TypeVar("F", bound=Callable[..., Any])

folder_argument = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress on standard error.")
key_file_option = click.option(
    "--key-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A file of NAME=KEY lines that only you can read; otherwise keys come from the environment.",
)
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


def user_cache() -> Path:
    """The user's own folder for what all projects share, e.g. the pace at which a server is asked."""
    return Path(click.get_app_dir("machinami")) / "cache"
