"""`machinami`: the group of all commands, and how errors end them."""

import sqlite3
import sys
from typing import NoReturn

import click

from machinami import __version__
from machinami.cli import collect, demo, evaluate, learn, masks, photos, predict, project
from machinami.errors import MachinamiError, ProjectError

__all__ = ["cli", "main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="machinami")
def cli() -> None:
    """Tell places apart from street photos, and see what gives each place away.

    \b
    A first project, from two folders of photos:
      machinami new tokyo
      machinami import tokyo PHOTOS        (a folder for each place in it)
      machinami run tokyo
    """


for command in (
    demo.demo,
    project.new,
    photos.import_,
    collect.plan,
    collect.collect,
    collect.forget,
    project.status,
    photos.check,
    photos.split,
    learn.train,
    evaluate.evaluate,
    masks.masks,
    learn.explain,
    learn.report,
    project.run,
    predict.predict,
):
    cli.add_command(command)


def main() -> NoReturn:
    """Run the command line and exit with the code of what happened."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit code of a command line; what is to be said is printed."""
    try:
        result = cli.main(arguments, prog_name="machinami", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("\nStopped. What was finished is kept; the same command goes on from there.", err=True)
        return 130
    except BrokenPipeError:  # the reader of a pipe went away, e.g. `| head`
        sys.stderr.close()
        return 141
    except (MachinamiError, OSError, sqlite3.Error) as error:
        told = error if isinstance(error, MachinamiError) else _refused(error)
        click.echo(f"machinami: {told}", err=True)
        return told.exit_code
    return result if isinstance(result, int) else 0


def _refused(error: OSError | sqlite3.Error) -> ProjectError:
    """What no stage could say more of: the file that the system refused, and why."""
    what, why = "a file", str(error)
    if isinstance(error, OSError) and error.filename is not None:
        what, why = error.filename, error.strerror or why
    return ProjectError(f"{what} cannot be read or written ({why}): check its rights and the room on the disk")
