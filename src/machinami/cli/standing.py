"""A word on standard error where a command builds on a stage that is out of date."""

from typing import Any

import click

__all__ = ["warn_of_stale"]


def warn_of_stale(project: Any, config: Any, *, before: str) -> None:
    """Say which earlier stage is out of date when a command runs the stage `before` alone.

    It is said also with --quiet: it is no progress, and the result mixes settings or photos of two times.
    """
    from machinami.pipeline import stage_states

    states = {state.stage: state.state for state in stage_states(project, config)}
    earlier = list(states)[: list(states).index(before)]
    if not any(states[stage] == "stale" for stage in earlier):
        return
    first = next(stage for stage in earlier if states[stage] != "done")
    what = "is out of date" if states[first] == "stale" else "has not run"
    click.echo(
        f"machinami: {first} {what}, so {before} goes by older settings or photos than those of now; "
        f"`machinami run {project.root}` brings all up to date",
        err=True,
    )
