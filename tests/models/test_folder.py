import copy
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from machinami.errors import ModelError
from machinami.files import digest_file, read_json, write_json
from machinami.models import Card, load_model, save_model
from machinami.models.folder import note_figures


@pytest.fixture
def other(resnet):
    changed = copy.deepcopy(resnet)
    with torch.no_grad():
        changed.classifier.bias += 1
    return changed


@pytest.fixture
def folder(tmp_path, resnet, other, card_facts):
    """A model folder with two different networks."""
    save_model(tmp_path / "model", {"model": resnet, "evaluated": other}, Card(**card_facts))
    return tmp_path / "model"


def bias(loaded):
    return loaded.network.classifier.bias.detach()


def test_what_was_saved_comes_back(folder, resnet, other):
    loaded = load_model(folder)
    for name, tensor in resnet.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], tensor)
    assert torch.equal(bias(load_model(folder, which="evaluated")), other.classifier.bias)
    assert loaded.network.temperature == loaded.card.temperature == 1.5
    assert loaded.network.places == ("a", "b", "c")
    assert not loaded.network.training
    assert loaded.card.model["sha256"] == digest_file(folder / "model.safetensors")
    assert loaded.card.model["trained_on"] == "9 photos"


def test_a_copy_elsewhere_and_the_project_around_it_load_too(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "elsewhere" / "x")
    for path in (tmp_path / "elsewhere" / "x", tmp_path, str(folder)):
        assert load_model(path).card.backbone == "resnet18"


def test_the_network_not_given_is_carried_over(folder, resnet, other):
    before = digest_file(folder / "evaluated.safetensors")
    card = save_model(folder, {"model": other}, load_model(folder).card)
    assert digest_file(folder / "evaluated.safetensors") == before == card.evaluated["sha256"]
    assert torch.equal(bias(load_model(folder)), other.classifier.bias)
    assert torch.equal(bias(load_model(folder, which="evaluated")), other.classifier.bias)
    assert not torch.equal(resnet.classifier.bias, other.classifier.bias)


def test_a_swapped_weights_file_is_found_out(folder):
    shutil.copyfile(folder / "evaluated.safetensors", folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"model\.safetensors is not the file that card\.json names"):
        load_model(folder)
    assert load_model(folder, which="evaluated")


def test_a_missing_weights_file_is_named(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors is missing"):
        load_model(folder)


def resealed(folder, **changes):
    """The card agrees with the files again, and says something else."""
    facts = read_json(folder / "card.json")
    facts["model"]["sha256"] = digest_file(folder / "model.safetensors")
    write_json(folder / "card.json", {**facts, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"backbone": "resnet34"},
        {"backbone": "no such network"},
        {"backbone": "hf-hub:stranger/network"},
        {"places": [{"key": "a", "label": "A"}, {"key": "b", "label": "B"}]},
    ],
    ids=str,
)
def test_a_card_that_does_not_fit_the_weights_is_refused(folder, changes):
    resealed(folder, **changes)
    with pytest.raises(ModelError, match=r"model\.safetensors cannot be read"):
        load_model(folder)


@pytest.mark.parametrize("data", [b"", b"rubbish", b"\xff" * 100])
def test_a_damaged_weights_file_is_refused(folder, data):
    (folder / "model.safetensors").write_bytes(data)
    resealed(folder)
    with pytest.raises(ModelError, match=r"model\.safetensors cannot be read"):
        load_model(folder)


def test_tensors_of_another_network_are_refused(folder):
    save_file({"x": torch.zeros(3)}, folder / "model.safetensors")
    resealed(folder)
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(folder)


def test_photos_of_any_size_become_one_batch(folder):
    rng = np.random.default_rng(0)
    photos = [rng.integers(0, 256, shape, np.uint8) for shape in ((100, 200, 3), (80, 64, 3))]
    loaded = load_model(folder)
    batch = loaded.prepare(photos)
    assert batch.shape == (2, 3, 64, 64)
    assert torch.allclose(batch[1:], loaded.prepare(photos[1:]))


def test_figures_are_noted_and_the_rest_stays(folder):
    before = load_model(folder).card
    note_figures(folder, {"accuracy": 0.5})
    assert load_model(folder).card == replace(before, figures={"accuracy": 0.5})


def test_photos_are_standardised_as_the_card_says(folder, card_facts):
    """Whatever timm says of the backbone by now."""
    loaded = load_model(folder)
    assert (loaded.network.mean, loaded.network.std) == (tuple(card_facts["mean"]), tuple(card_facts["std"]))
    white = loaded.prepare_squares(np.full((1, 80, 80, 3), 255, np.uint8))
    assert torch.allclose(white, torch.full_like(white, (1 - 0.5) / 0.2))
