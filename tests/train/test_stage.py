"""Training on a tiny made town: exact, blind to the test photos, and not upset by Ctrl-C."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from machinami.config import TrainConfig
from machinami.errors import Interrupted, ModelError
from machinami.models import load_model
from machinami.models.network import PlaceModel
from machinami.progress import silent
from machinami.split import read_split
from machinami.train import stage, trial, views
from machinami.train.loop import TrainingData, fit_stages, place_weights
from machinami.train.stage import refit_project, train_project
from machinami.train.task import Conditions


def weights(project):
    return load_model(project.model, which="evaluated").network.state_dict()


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


MACHINAMI = (sys.executable, "-c", "from machinami.cli.main import main; main()")


def fresh_cache(project):
    for file in project.cache.glob("*.npy"):
        file.unlink()


def test_the_same_seed_and_config_give_the_same_bits(trained_town, tiny_town, copied_town):
    first = copied_town(trained_town, "first")
    report = train_project(tiny_town, tiny_town.config(), device="cpu")
    assert same(weights(first), weights(tiny_town))
    assert load_model(first.model).card.temperature == report.temperature
    train_project(tiny_town, replace(tiny_town.config(), seed=1), device="cpu")
    assert not same(weights(first), weights(tiny_town))


def test_views_of_another_number_of_threads_are_not_taken(tiny_town):
    """With two threads the bits are those of two threads, whatever lies in the cache; and they are the same again."""
    config = tiny_town.config()
    config = replace(config, train=replace(config.train, epochs=1))
    probe = replace(config, train=replace(config.train, tune="probe"))
    train_project(tiny_town, probe, device="cpu", threads=1)
    made = set(tiny_town.cache.glob("views-*.npy"))
    train_project(tiny_town, config, device="cpu", threads=2)
    assert len(set(tiny_town.cache.glob("views-*.npy")) - made) == len(made)
    kept = weights(tiny_town)
    fresh_cache(tiny_town)
    train_project(tiny_town, config, device="cpu", threads=2)
    assert same(kept, weights(tiny_town))


@pytest.mark.slow
def test_two_processes_of_two_threads_leave_the_same_bytes(tiny_town, copied_town):
    """One after the other, with an environment and caches of their own."""
    towns = [tiny_town, copied_town(tiny_town.root, "other")]
    for cores, town in enumerate(towns, start=1):
        environment = {**os.environ, "OMP_NUM_THREADS": str(cores)}  # what --threads goes before
        for command in ("train", "evaluate"):
            subprocess.run(
                [*MACHINAMI, command, str(town.root), "-q", "--device", "cpu", "--threads", "2"],
                check=True,
                stdout=subprocess.DEVNULL,
                env=environment,
            )
    for pattern in ("model/*.safetensors", "predictions/*.parquet", "evaluation.json"):
        first, second = ({file.name: file.read_bytes() for file in town.root.glob(pattern)} for town in towns)
        assert first
        assert first == second


def test_test_photos_are_never_read(trained_town, tiny_town, copied_town):
    """Their files are damaged: training ends with the same weights."""
    fresh_cache(tiny_town)
    subsets = read_split(tiny_town).subset_of()
    unread = [photo_id for photo_id, subset in subsets.items() if subset in ("test", "dropped")]
    assert unread
    with tiny_town.catalog() as catalog:
        for photo in catalog.photos(ids=unread):
            tiny_town.path_of(photo.file).write_bytes(b"damaged")
    train_project(tiny_town, tiny_town.config(), device="cpu")
    assert same(weights(tiny_town), weights(copied_town(trained_town, "first")))


class StopAt:
    """Progress that is interrupted at the n-th item of the tracks of a label."""

    def __init__(self, label, count):
        self.label, self.count = label, count

    def say(self, text):
        pass

    def track(self, items, *, total, label, unit="photos"):
        for number, item in enumerate(items, start=1):
            if label.startswith(self.label) and number == self.count:
                raise KeyboardInterrupt
            yield item


@pytest.mark.parametrize("epoch", [1, 2])
def test_ctrl_c_keeps_a_model_that_loads(tiny_town, epoch):
    with pytest.raises(Interrupted, match="machinami train"):
        train_project(tiny_town, tiny_town.config(), device="cpu", progress=StopAt("Training", epoch))
    card = load_model(tiny_town.model).card
    assert card.training["interrupted"]
    assert tiny_town.runs()[-1]["outcome"] == "interrupted"
    assert tiny_town.last_done("train") is None


def test_ctrl_c_before_there_is_anything_leaves_the_project_whole(tiny_town):
    fresh_cache(tiny_town)
    with pytest.raises(KeyboardInterrupt):
        train_project(tiny_town, tiny_town.config(), device="cpu", progress=StopAt("Looking at crops", 1))
    assert not tiny_town.model.exists()
    assert not list(tiny_town.cache.glob("*.part*"))
    assert not list(tiny_town.cache.glob(".*.part*"))


def test_views_are_made_once(tiny_town, monkeypatch):
    fresh_cache(tiny_town)
    config = tiny_town.config()
    config = replace(config, train=replace(config.train, tune="probe"))
    train_project(tiny_town, config, device="cpu")
    made = {file: file.stat().st_mtime_ns for file in tiny_town.cache.glob("views-*.npy")}
    assert len(made) == config.train.views + 1
    before = weights(tiny_town)

    def refuse(*_):
        raise AssertionError("a view is made again")

    monkeypatch.setattr(views._Trunk, "write_maps", refuse)
    train_project(tiny_town, config, device="cpu", progress=silent)
    assert {file: file.stat().st_mtime_ns for file in tiny_town.cache.glob("views-*.npy")} == made
    assert same(before, weights(tiny_town))


def test_a_network_without_maps_is_refused_before_a_photo_is_read(tiny_town, edit_config):
    config = edit_config(tiny_town, 'backbone = "efficientnet-lite0"', 'backbone = "vit_tiny_patch16_224"')
    fresh_cache(tiny_town)
    with pytest.raises(ModelError, match="convolutional backbone"):
        train_project(tiny_town, config, device="cpu")
    assert not list(tiny_town.cache.glob("*.npy"))


def test_cut_cache_files_are_made_again(tiny_town):
    config = tiny_town.config()
    config = replace(config, train=replace(config.train, tune="probe"))
    train_project(tiny_town, config, device="cpu")
    before = weights(tiny_town)
    files = sorted(tiny_town.cache.glob("*.npy"))
    whole = [file.read_bytes() for file in files]
    assert {file.name[:5] for file in files} == {"views", "pixel"}
    for number, file in enumerate(files):
        os.truncate(file, 0 if number == 0 else file.stat().st_size // 2)
    train_project(tiny_town, config, device="cpu")
    assert same(before, weights(tiny_town))
    assert [file.read_bytes() for file in files] == whole


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_blend_lies_between(share):
    torch.manual_seed(0)
    probe, tuned = PlaceModel("resnet18", ("a", "b")), PlaceModel("resnet18", ("a", "b"))
    blended = trial.blend_models(probe, tuned, share).state_dict()
    start, end = probe.state_dict(), tuned.state_dict()
    for name, tensor in blended.items():
        if tensor.is_floating_point():
            assert torch.allclose(tensor, start[name] * (1 - share) + end[name] * share, atol=1e-6)
    if share in (0.0, 1.0):
        assert same(blended, start if share == 0 else end)


def test_every_place_weighs_the_same():
    labels = np.array([0] * 30 + [1] * 10 + [2] * 5)
    weight = place_weights(labels, 3)
    totals = [float(weight[place]) * int((labels == place).sum()) for place in range(3)]
    assert totals == pytest.approx([15, 15, 15])
    assert float(weight[labels].mean()) == pytest.approx(1)
    assert torch.isfinite(place_weights(np.array([0, 0]), 2)).all()


def test_the_loss_gives_every_place_the_same_weight():
    """Photos that show nothing: nine of the first place for each of the second leave both as likely as before."""
    torch.manual_seed(0)
    model = PlaceModel("resnet18", ("a", "b")).eval()
    labels = np.array([0] * 90 + [1] * 10)
    maps = torch.ones(len(labels), model.classifier.in_features, 1, 1)
    settings = TrainConfig(epochs=30, batch_size=100, head_rate=0.02, label_smoothing=0.0)
    conditions = Conditions(config=settings, seed=0, device=torch.device("cpu"), folder=Path())
    fit_stages(
        model,
        TrainingData(labels, np.arange(len(labels)), lambda rows, _: maps[rows]),
        start=model.stage_names()[-1],
        conditions=conditions,
        epochs=30,
        validate=None,
    )
    with torch.no_grad():
        assert torch.softmax(model.classify(maps[:1]), dim=1)[0, 1] == pytest.approx(0.5, abs=0.1)  # not 0.1


def test_the_refit_learns_from_all_blocks(trained_town, copied_town, monkeypatch):
    """From the test photos too: those are learned from in no other way."""
    town = copied_town(trained_town)
    given = []

    def keep(model, origin, learning, choice, conditions):
        given.append(learning)
        return model

    monkeypatch.setattr(stage, "fit_again", keep)
    card = refit_project(town, town.config(), device="cpu")
    (learning,) = given
    assert {learning.photo_ids[row] for row in learning.train} == set(read_split(town).subset_of())
    assert len(learning.validation) == 0
    assert card.model["trained_on"] == f"{len(learning.train)} photos of all blocks"


def test_the_refit_is_changed_by_what_the_test_photos_show(trained_town, copied_town):
    towns = [copied_town(trained_town, name) for name in ("whole", "changed")]
    split = read_split(towns[0])
    fresh_cache(towns[1])
    with towns[1].catalog() as catalog:
        files = [towns[1].path_of(photo.file) for photo in catalog.photos(ids=split.photos("test"))]
    for file in files:
        Image.fromarray(np.full((96, 96, 3), 7, np.uint8)).save(file)
    for town in towns:
        refit_project(town, town.config(), device="cpu")
    whole, changed = (load_model(town.model).network.state_dict() for town in towns)
    assert not same(whole, changed)
    assert same(weights(towns[0]), weights(towns[1]))
