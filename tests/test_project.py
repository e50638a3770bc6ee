import json
import os
import subprocess
import sys
import textwrap

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from machinami.config import Config
from machinami.errors import Interrupted, ProjectError
from machinami.project import Project, peak_memory_mb, versions


@pytest.fixture
def project(tmp_path):
    (tmp_path / "machinami.toml").write_text("seed = 5\n")
    return Project.open(tmp_path)


def run_stage(project, name="check", **notes):
    with project.stage(name, inputs="digest", config=project.config()) as run:
        run.notes |= notes


def test_a_folder_without_a_config_is_no_project(tmp_path):
    with pytest.raises(ProjectError, match="machinami new"):
        Project.open(tmp_path)


def test_a_stage_leaves_a_line_with_all_that_matters(project):
    run_stage(project, photos=12)
    (line,) = project.runs()
    assert line["stage"] == "check"
    assert line["outcome"] == "done"
    assert line["inputs"] == "digest"
    assert line["photos"] == 12
    assert line["seed"] == 5
    assert line["config"]["train"]["backbone"] == Config().train.backbone
    assert line["versions"]["python"] == versions()["python"]
    assert line["seconds"] >= 0
    assert line["peak_memory_mb"] is None or line["peak_memory_mb"] > 1
    assert line["started_at"].endswith("+00:00")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(Interrupted("x"), "interrupted"), (KeyboardInterrupt(), "interrupted"), (OSError(), "failed")],
)
def test_a_stage_that_did_not_end_well_is_not_done(project, error, outcome):
    run_stage(project)
    with pytest.raises(type(error)), project.stage("check", inputs="new", config=Config()):
        raise error
    assert [line["outcome"] for line in project.runs()] == ["done", outcome]
    assert project.last_done("check")["inputs"] == "digest"
    assert project.last_done("train") is None
    run_stage(project)  # the lock is free again


HOLDER = """
    import sys
    from machinami.project import Project
    with Project.open(sys.argv[1]).lock("train"):
        print("held", flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def holder(project):
    """Another process that holds the project until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLDER), str(project.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_process_is_told_who_holds_the_project(project, holder):
    with pytest.raises(ProjectError) as caught:
        run_stage(project)
    for fact in ("`machinami train`", f"process {holder.pid}", os.uname().nodename, "for 0 min", str(project.root)):
        assert fact in str(caught.value)
    assert project.runs() == []
    holder.stdin.close()
    holder.wait(10)
    run_stage(project)


def test_a_killed_process_holds_nothing(project, holder):
    holder.kill()
    holder.wait(10)
    assert (project.cache / "lock.json").exists()
    run_stage(project)
    assert not (project.cache / "lock.json").exists()


def test_an_unreadable_note_about_the_holder_is_no_obstacle(project, holder):
    (project.cache / "lock.json").write_text('{"stage": ')
    with pytest.raises(ProjectError, match="in use by another command"):
        run_stage(project)


def test_a_half_written_line_spoils_no_other(project):
    run_stage(project, number=1)
    with project.runs_file.open("a") as file:
        file.write('{"stage": "check", "outcome": "do')
    run_stage(project, number=2)
    assert [line["number"] for line in project.runs()] == [1, 2]
    assert project.last_done("check")["number"] == 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(cut=st.integers(0, 10_000), garbage=st.binary(max_size=20))
def test_wherever_the_power_went_the_whole_lines_stand(project, cut, garbage):
    project.runs_file.unlink(missing_ok=True)
    run_stage(project, number=1)
    whole = project.runs_file.stat().st_size
    run_stage(project, number=2)
    text = project.runs_file.read_bytes()
    end = whole + cut % (len(text) - whole)
    project.runs_file.write_bytes(text[:end] + garbage)
    run_stage(project, number=3)
    numbers = [line["number"] for line in project.runs()]
    assert numbers[0] == 1
    assert numbers[-1] == 3


WHOLE = {"stage": "a", "outcome": "done", "inputs": "", "started_at": "2026-11-25T00:00:00+00:00", "seconds": 1.5}
WRONG = [
    *({name: value for name, value in WHOLE.items() if name != gone} for gone in WHOLE if gone != "stage"),
    {**WHOLE, "started_at": 17},
    {**WHOLE, "started_at": "yesterday"},
    {**WHOLE, "seconds": "1"},
    {**WHOLE, "seconds": 1e300},
    {**WHOLE, "inputs": None},
    {**WHOLE, "stage": ["a"]},
]


def test_a_whole_line_counts(project):
    project.runs_file.write_text(json.dumps(WHOLE))
    assert project.last_done("a") == WHOLE


@pytest.mark.parametrize(
    "line", ["3", "null", "[]", "{}", '"stage"', "\x85", "[" * 100_000, "1" * 5000, *map(json.dumps, WRONG)]
)
def test_lines_that_are_no_runs_are_passed_over(project, line):
    project.runs_file.write_text(f"{line}\n", encoding="utf-8")
    run_stage(project)
    assert project.last_done("check") is not None
    assert project.last_done("a") is None


def test_what_cannot_be_written_or_read_is_named(project):
    """A file where a folder is wanted, and the other way round, stop even those to whom no right is denied."""
    project.cache.write_text("in the way")
    with pytest.raises(ProjectError, match="cache cannot be written"):
        run_stage(project)
    project.cache.unlink()
    project.runs_file.mkdir()
    with pytest.raises(ProjectError, match=r"runs\.jsonl cannot be written"):
        run_stage(project)
    with pytest.raises(ProjectError, match=r"runs\.jsonl cannot be read"):
        project.last_done("check")


def test_a_line_separator_within_a_text_splits_no_line(project):
    """str.splitlines knows more line ends than JSON Lines does, and JSON leaves them in texts as they are."""
    run_stage(project, label="a\u2028b\x85c")
    assert project.last_done("check")["label"] == "a\u2028b\x85c"


def test_every_line_is_json(project):
    run_stage(project)
    run_stage(project)
    lines = project.runs_file.read_bytes().split(b"\n")
    assert lines.pop() == b""
    assert [json.loads(line)["stage"] for line in lines] == ["check", "check"]


def test_memory_is_told_in_mebibytes():
    peak = peak_memory_mb()
    assert peak is None or 5 < peak < 100_000
