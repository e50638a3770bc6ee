"""`machinami train`, killed at any moment, leaves readable files; run again, it ends with a model."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from machinami.files import digest_file
from machinami.models import load_model
from machinami.project import Project

KILLS = 5
LONGEST_S = 600


def start(project):
    command = [sys.executable, "-c", "from machinami.cli.main import main; main()", "train", str(project.root), "-q"]
    return subprocess.Popen(
        [*command, "--device", "cpu", "--threads", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def digests(project):
    """Of the networks, bit for bit."""
    return {file.name: digest_file(file) for file in project.model.glob("*.safetensors")}


def assert_readable(project):
    """Every file that the project names is whole; what stood aside when the process was killed does not count."""
    for file in project.root.rglob("*.json"):
        if not any(part.startswith(".") for part in file.relative_to(project.root).parts) and file.name != "lock.json":
            json.loads(file.read_text())
    project.runs()
    with project.catalog() as catalog:
        assert catalog.counts()
    if project.model.exists():
        load_model(project.model)
        load_model(project.model, which="evaluated")


def kill_often(project, kills, seed=0):
    """Kill so many runs, at moments spread over the length of a whole one; how many had ended before."""
    began = time.monotonic()
    whole = start(project)
    _, said = whole.communicate(timeout=LONGEST_S)
    assert whole.returncode == 0, said
    undisturbed = digests(project)
    length_s = time.monotonic() - began
    chance, ended = random.Random(seed), 0
    for _ in range(kills):
        for file in project.cache.glob("*.npy"):
            if chance.random() < 0.5:
                file.unlink()
        process = start(project)
        time.sleep(chance.uniform(0, length_s))
        ended += process.poll() is not None
        process.kill()
        process.communicate(timeout=LONGEST_S)
        assert process.returncode in (0, -signal.SIGKILL)
        assert_readable(project)
    last = start(project)
    _, said = last.communicate(timeout=LONGEST_S)
    assert last.returncode == 0, said
    assert_readable(project)
    assert digests(project) == undisturbed, "a training that went on is not the undisturbed one"
    return length_s, ended


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is a matter of POSIX")
def test_a_killed_training_leaves_readable_files_and_the_next_one_ends(tiny_town):
    _, ended = kill_often(Project.open(tiny_town.root), KILLS)
    assert ended < KILLS, "no run was killed while it was at work"
