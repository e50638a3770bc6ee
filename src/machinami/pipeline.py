"""The stages in order, which of them are up to date, and running those that are not."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from machinami.config import Config
from machinami.errors import MachinamiError
from machinami.progress import Progress, silent
from machinami.project import Project
from machinami.results import (
    is_evaluated,
    is_explained,
    is_refitted,
    is_reported,
    is_segmented,
    is_split,
    is_trained,
)

__all__ = ["STAGES", "Machine", "Stage", "StageState", "run_stages", "stage_states"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What computes: the same for every stage of a run."""

    device: str = "auto"
    threads: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage: how to run it, the digest of what it depends on, and whether its result is there."""

    name: str
    run: Callable[[Project, Config, Machine, Progress], Any]
    inputs: Callable[[Project, Config], str]
    leaves: Callable[[Project], bool]  # whether its result is still there, and whole
    wanted: Callable[[Config], bool] = lambda _: True


@dataclass(frozen=True, slots=True, kw_only=True)
class StageState:
    """How a stage stands."""

    stage: str
    state: Literal["done", "stale", "missing", "waiting"]  # waiting: an earlier stage has to run first
    finished_at: str | None = None
    seconds: float | None = None


def stage_states(project: Project, config: Config) -> list[StageState]:
    """The state of every stage, in order, told as `run_stages` tells it: by what the stage was made from.

    A stage behind one that is not done is never done: it is stale where its own inputs have changed already, and
    waits where what comes before will tell.
    """
    states: list[StageState] = []
    for stage in STAGES:
        if not stage.wanted(config):
            continue
        last = project.last_done(stage.name)
        there = last is not None and stage.leaves(project)
        inputs = _inputs(stage, project, config)
        before = all(state.state == "done" for state in states)
        state: Literal["done", "stale", "missing", "waiting"]
        if there and inputs is not None and last is not None and last["inputs"] != inputs:
            state = "stale"
        elif not before:
            state = "waiting"
        elif not there:
            state = "missing"
        else:
            state = "stale" if inputs is None else "done"
        states.append(StageState(stage=stage.name, state=state, **_times(last)))
    return states


def _times(last: dict[str, Any] | None) -> dict[str, Any]:
    """When the last run ended and how long it took; nothing where there was none."""
    if last is None:
        return {}
    finished_at = datetime.fromisoformat(last["started_at"]) + timedelta(seconds=last["seconds"])
    return {"finished_at": finished_at.isoformat(timespec="seconds"), "seconds": last["seconds"]}


def _inputs(stage: Stage, project: Project, config: Config) -> str | None:
    try:
        return stage.inputs(project, config)
    except MachinamiError:
        return None  # what it depends on cannot be read, so it has to run, and will say why


def run_stages(
    project: Project, config: Config, *, machine: Machine | None = None, progress: Progress = silent
) -> list[str]:
    """Run every stage that is not up to date, in order; the names of those that ran."""
    ran: list[str] = []
    for stage in STAGES:
        if not stage.wanted(config):
            continue
        last = project.last_done(stage.name)
        up_to_date = last is not None and stage.leaves(project) and last["inputs"] == _inputs(stage, project, config)
        if not up_to_date:
            progress.say(f"— {stage.name}")
            stage.run(project, config, machine or Machine(), progress)
            ran.append(stage.name)
    return ran


def _check(project: Project, config: Config, machine: Machine, progress: Progress) -> Any:
    from machinami.check import check_photos

    del machine
    return check_photos(project, config, progress=progress)


def _check_inputs(project: Project, config: Config) -> str:
    from machinami.check import check_inputs

    return check_inputs(project, config)


def _split(project: Project, config: Config, machine: Machine, progress: Progress) -> Any:
    from machinami.report.split_map import write_split_map
    from machinami.split import lay_split

    del machine
    split = lay_split(project, config, progress=progress)
    write_split_map(project, config, split)
    return split


def _split_inputs(project: Project, config: Config) -> str:
    from machinami.split import split_inputs

    return split_inputs(project, config)


def _train(project: Project, config: Config, machine: Machine, progress: Progress) -> Any:
    from machinami.train.stage import train_project

    return train_project(project, config, device=machine.device, threads=machine.threads, progress=progress)


def _train_inputs(project: Project, config: Config) -> str:
    from machinami.train.inputs import train_inputs

    return train_inputs(project, config)


def _evaluate(project: Project, config: Config, machine: Machine, progress: Progress) -> Any:
    from machinami.evaluate.stage import evaluate_project

    return evaluate_project(project, config, device=machine.device, threads=machine.threads, progress=progress)


def _evaluate_inputs(project: Project, config: Config) -> str:
    from machinami.train.inputs import evaluate_inputs

    return evaluate_inputs(project, config)


def _refit(project: Project, config: Config, machine: Machine, progress: Progress) -> Any:
    from machinami.train.stage import refit_project

    return refit_project(project, config, device=machine.device, threads=machine.threads, progress=progress)


def _refit_inputs(project: Project, config: Config) -> str:
    from machinami.train.inputs import refit_inputs

    return refit_inputs(project, config)


def _segment(project: Project, config: Config, machine: Machine, progress: Progress) -> Any:
    from machinami.explain.segmenting import segment_photos
    from machinami.models.device import using_threads

    with using_threads(machine.threads):
        return segment_photos(project, config, device=machine.device, progress=progress)


def _segment_inputs(project: Project, config: Config) -> str:
    from machinami.explain.inputs import segment_inputs

    return segment_inputs(project, config)


def _explain(project: Project, config: Config, machine: Machine, progress: Progress) -> Any:
    from machinami.explain.stage import explain_project
    from machinami.models.device import using_threads

    with using_threads(machine.threads):
        return explain_project(project, config, device=machine.device, progress=progress)


def _explain_inputs(project: Project, config: Config) -> str:
    from machinami.explain.inputs import explain_inputs

    return explain_inputs(project, config)


def _report(project: Project, config: Config, machine: Machine, progress: Progress) -> Any:
    from machinami.report import build_report

    del machine
    return build_report(project, config, progress=progress)


def _report_inputs(project: Project, config: Config) -> str:
    from machinami.report import report_inputs

    return report_inputs(project, config)


STAGES: tuple[Stage, ...] = (
    Stage(
        name="check",
        run=_check,
        inputs=_check_inputs,
        leaves=lambda p: p.catalog_file.is_file() and p.rejected_file.is_file(),
    ),
    Stage(name="split", run=_split, inputs=_split_inputs, leaves=is_split),
    Stage(name="train", run=_train, inputs=_train_inputs, leaves=is_trained),
    Stage(name="evaluate", run=_evaluate, inputs=_evaluate_inputs, leaves=is_evaluated),
    Stage(name="refit", run=_refit, inputs=_refit_inputs, leaves=is_refitted, wanted=lambda c: c.train.refit),
    Stage(
        name="masks",
        run=_segment,
        inputs=_segment_inputs,
        leaves=is_segmented,
        wanted=lambda c: c.regions.source == "segmenter",
    ),
    Stage(name="explain", run=_explain, inputs=_explain_inputs, leaves=is_explained),
    Stage(name="report", run=_report, inputs=_report_inputs, leaves=is_reported),
)
