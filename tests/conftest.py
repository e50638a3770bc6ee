import os
import shutil

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny networks only wait for a second thread; read by torch on import

TINY_TOWN = """\
seed = 0

[[places]]
key = "a"
label = "Town A"

[[places]]
key = "b"

[source]
kind = "town"

[sampling]
per_place = 60

[town]
size_px = 96

[split]
block_m = 300

[train]
backbone = "efficientnet-lite0"
image_size = 64
epochs = 2
views = 1

[evaluate]
draws = 50

[explain]
pictures = 2
min_photos = 3
null_photos = 4
knockout_photos = 6
knockout_regions = 2
"""


@pytest.fixture(scope="session")
def laid_town(tmp_path_factory):
    """A folder with a tiny made town: collected, checked, split. Not to be changed: take `tiny_town`."""
    from machinami.check import check_photos
    from machinami.collect.made import collect_town
    from machinami.project import Project
    from machinami.split import lay_split

    root = tmp_path_factory.mktemp("laid") / "town"
    root.mkdir()
    (root / "machinami.toml").write_text(TINY_TOWN)
    project = Project.open(root)
    config = project.config()
    collect_town(project, config)
    check_photos(project, config)
    lay_split(project, config)
    return root


@pytest.fixture(scope="session")
def trained_town(laid_town, tmp_path_factory):
    """The tiny town with a trained network. Not to be changed: copy it."""
    from machinami.project import Project
    from machinami.train.stage import train_project

    root = tmp_path_factory.mktemp("trained") / "town"
    shutil.copytree(laid_town, root)
    project = Project.open(root)
    train_project(project, project.config(), device="cpu")
    return root


@pytest.fixture(scope="session")
def finished_town(laid_town, tmp_path_factory):
    """The tiny town after `machinami run`. Not to be changed: copy it."""
    from machinami.cli.main import run

    root = tmp_path_factory.mktemp("finished") / "town"
    shutil.copytree(laid_town, root)
    assert run(["run", str(root), "-q", "--device", "cpu", "--threads", "1"]) == 0
    return root


@pytest.fixture
def project(tmp_path):
    """A project with nothing in it."""
    from machinami.project import Project

    root = tmp_path / "project"
    root.mkdir()
    (root / "machinami.toml").write_text("seed = 0\n")
    return Project.open(root)


@pytest.fixture
def copied_town(tmp_path):
    """Copies a town and opens the copy."""
    from machinami.project import Project

    def copy(root, name="town"):
        shutil.copytree(root, tmp_path / name)
        return Project.open(tmp_path / name)

    return copy


@pytest.fixture
def tiny_town(laid_town, copied_town):
    """A project of one's own: the tiny town, collected, checked and split."""
    return copied_town(laid_town)


@pytest.fixture
def edit_config():
    """Replaces a line of a project's machinami.toml."""

    def edit(project, before, after):
        text = project.config_file.read_text()
        assert text.count(before) == 1, f"{before!r} does not stand in machinami.toml just once"
        project.config_file.write_text(text.replace(before, after))
        return project.config()

    return edit


@pytest.fixture
def hub():
    """A model hub on loopback: its address, its files by path, and what it was asked."""
    from tests.hub import running_hub

    with running_hub() as running:
        yield running


@pytest.fixture
def no_cache(tmp_path, monkeypatch):
    """An empty cache for the client of the model hub."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"
