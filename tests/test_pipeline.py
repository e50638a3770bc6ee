import json
import shutil
from dataclasses import replace

import pytest

from machinami import pipeline
from machinami.errors import NotReady
from machinami.files import digest_json, write_text
from machinami.models.card import read_card
from machinami.pipeline import STAGES, Machine, Stage, run_stages, stage_states
from machinami.project import Project
from machinami.report import report_inputs


def made_stage(name, *, setting, after=None):
    """A stage that writes a file; it depends on a setting and on the file of the stage before it."""

    def inputs(project, config):
        before = None
        if after:
            file = project.root / after
            if not file.exists():
                raise NotReady(f"no {after}", command=after)
            before = file.read_text()
        return digest_json([setting(config), before])

    def run(project, config, machine, progress):
        digest = inputs(project, config)
        with project.stage(name, inputs=digest, config=config):
            write_text(project.root / name, digest)

    return Stage(name=name, run=run, inputs=inputs, leaves=lambda p: (p.root / name).exists())


@pytest.fixture
def project(tmp_path, monkeypatch):
    stages = (
        made_stage("lay", setting=lambda c: c.split.block_m),
        made_stage("learn", setting=lambda c: c.train.epochs, after="lay"),
        replace(made_stage("again", setting=lambda c: None, after="learn"), wanted=lambda c: c.train.refit),
        made_stage("tell", setting=lambda c: c.explain.pictures, after="learn"),
    )
    monkeypatch.setattr(pipeline, "STAGES", stages)
    (tmp_path / "machinami.toml").write_text(
        "[split]\nblock_m = 500\n[train]\nepochs = 3\nrefit = true\n[explain]\npictures = 6"
    )
    return Project.open(tmp_path)


def states(project):
    return {state.stage: state.state for state in stage_states(project, project.config())}


def test_missing_then_done_then_stale(project, edit_config):
    assert states(project) == {"lay": "missing", "learn": "waiting", "again": "waiting", "tell": "waiting"}
    assert run_stages(project, project.config()) == ["lay", "learn", "again", "tell"]
    assert set(states(project).values()) == {"done"}
    assert run_stages(project, project.config()) == []
    edit_config(project, "epochs = 3", "epochs = 4")
    assert states(project) == {"lay": "done", "learn": "stale", "again": "waiting", "tell": "waiting"}
    assert run_stages(project, project.config()) == ["learn", "again", "tell"]


def test_only_what_depends_on_a_setting_runs(project, edit_config):
    run_stages(project, project.config())
    edit_config(project, "pictures = 6", "pictures = 7")
    assert states(project) == {"lay": "done", "learn": "done", "again": "done", "tell": "stale"}
    assert run_stages(project, project.config()) == ["tell"]


def test_a_result_that_was_deleted_is_missing(project):
    run_stages(project, project.config())
    (project.root / "learn").unlink()
    assert states(project)["learn"] == "missing"
    assert states(project)["tell"] == "waiting"
    assert run_stages(project, project.config()) == ["learn"]  # the rest follows from the same file again


def test_a_stage_not_wanted_is_not_shown_and_not_run(project, edit_config):
    edit_config(project, "refit = true", "refit = false")
    assert "again" not in states(project)
    assert run_stages(project, project.config()) == ["lay", "learn", "tell"]


def test_a_failed_run_counts_for_nothing(project, monkeypatch):
    run_stages(project, project.config())
    with pytest.raises(OSError), project.stage("learn", inputs="other", config=project.config()):
        raise OSError
    assert set(states(project).values()) == {"done"}


def test_times_are_told(project):
    run_stages(project, project.config())
    for state in stage_states(project, project.config()):
        assert state.finished_at
        assert state.seconds >= 0


def test_a_stage_ended_when_it_was_done(project):
    run_stages(project, project.config())
    times = {"started_at": "2026-11-25T23:59:00+00:00", "seconds": 90.25}
    lines = [{**line, **times} for line in project.runs()]
    project.runs_file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert {state.finished_at for state in stage_states(project, project.config())} == {"2026-11-26T00:00:30+00:00"}


def test_a_later_stage_is_stale_by_its_own_inputs_alone(project, edit_config):
    """What comes before may give the same again: `run` decides then, so nobody can say now."""
    run_stages(project, project.config())
    (project.root / "lay").unlink()
    edit_config(project, "pictures = 6", "pictures = 7")
    assert states(project) == {"lay": "missing", "learn": "waiting", "again": "waiting", "tell": "stale"}
    assert run_stages(project, project.config()) == ["lay", "tell"]


def test_a_new_label_is_for_the_report_alone(trained_town, copied_town, edit_config):
    project = copied_town(trained_town)
    before = report_inputs(project, project.config())
    config = edit_config(project, 'label = "Town A"', 'label = "Town of A"')
    assert {state.stage: state.state for state in stage_states(project, config)}["train"] == "done"
    assert report_inputs(project, config) != before


def test_the_real_stages_are_in_the_order_of_the_design():
    names = ["check", "split", "train", "evaluate", "refit", "masks", "explain", "report"]
    assert [stage.name for stage in STAGES] == names


class Recorder:
    """Stages that note what they were asked instead of working."""

    def __init__(self):
        self.ran = []

    def stage(self, stage):
        return replace(stage, run=lambda project, config, machine, progress: self.ran.append((stage.name, machine)))


def test_the_machine_reaches_every_stage(tiny_town, monkeypatch):
    recorder = Recorder()
    monkeypatch.setattr(pipeline, "STAGES", tuple(recorder.stage(stage) for stage in STAGES))
    machine = Machine(device="cpu", threads=1)
    ran = run_stages(tiny_town, tiny_town.config(), machine=machine)
    assert ran == ["train", "evaluate", "refit", "explain", "report"]
    assert recorder.ran == [(name, machine) for name in ran]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("block_m = 300", "block_m = 250", {"check": "done", "split": "stale", "train": "missing"}),
        ("epochs = 2", "epochs = 3", {"check": "done", "split": "done", "train": "missing"}),
        ("[split]", "[check]\nmin_side_px = 90\n[split]", {"check": "stale", "split": "waiting"}),
        ("seed = 0", "seed = 1", {"check": "done", "split": "stale"}),
    ],
)
def test_settings_make_the_stage_they_belong_to_stale(tiny_town, edit_config, before, after, expected):
    config = edit_config(tiny_town, before, after)
    found = {state.stage: state.state for state in stage_states(tiny_town, config)}
    if expected["split"] != "done":
        expected = {**expected, "train": "waiting"}
    assert {name: found[name] for name in expected} == expected


@pytest.fixture
def trained_twice(trained_town, copied_town):
    """A town that was trained, evaluated and refitted, and then trained again: the same weights come out."""
    from machinami.evaluate.stage import evaluate_project
    from machinami.train.stage import refit_project, train_project

    project = copied_town(trained_town)
    config = project.config()
    evaluate_project(project, config, device="cpu")
    refit_project(project, config, device="cpu")
    assert [states(project)[name] for name in ("train", "evaluate", "refit")] == ["done"] * 3
    train_project(project, config, device="cpu")
    return project


def test_training_again_asks_for_a_refit_again(trained_twice):
    """The evaluated network has taken the place of the one for new photos."""
    assert states(trained_twice)["train"] == "done"
    assert states(trained_twice)["refit"] != "done"


def test_training_again_asks_for_the_cards_figures_again(trained_twice):
    """The new card has none."""
    assert read_card(trained_twice.model).figures is not None or states(trained_twice)["evaluate"] != "done"


@pytest.mark.parametrize("damage", ["{", '{"format": 1}', None])
def test_a_damaged_model_is_trained_again(trained_town, copied_town, damage):
    project = copied_town(trained_town)
    if damage is None:
        (project.model / "evaluated.safetensors").unlink()
    else:
        (project.model / "card.json").write_text(damage)
    found = {state.stage: state.state for state in stage_states(project, project.config())}
    assert found["train"] == "missing"


def test_states_are_json(tiny_town):
    from dataclasses import asdict

    text = json.dumps([asdict(state) for state in stage_states(tiny_town, tiny_town.config())])
    assert "waiting" in text
    shutil.rmtree(tiny_town.cache)
    assert stage_states(tiny_town, tiny_town.config())[0].state == "done"
