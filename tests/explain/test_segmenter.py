import json
import pickle
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import machinami
from machinami.config import RegionsConfig
from machinami.errors import MissingExtra, WeightsError
from machinami.explain.inputs import find_folder
from machinami.explain.segmenter import load_segmenter
from machinami.explain.street_regions import merge_labels
from tests.segformer import CITYSCAPES, save_segformer

CPU = torch.device("cpu")
MODEL = "owner/segformer"
SERVED = f"/{MODEL}/resolve/main"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("segmenter") / "small"
    return folder, save_segformer(folder)


@pytest.fixture
def saved(small):
    """The folder of a small SegFormer. Not to be changed: take `own`."""
    return small[0]


@pytest.fixture
def own(saved, tmp_path):
    shutil.copytree(saved, tmp_path / "own")
    return tmp_path / "own"


def load(model, root, **options):
    return load_segmenter(RegionsConfig(model=str(model), size_px=64), root=root, device=CPU, **options)


def photos(count, shape=(64, 96), seed=0):
    """Coloured squares of 16 pixels."""
    squares = (count, shape[0] // 16, shape[1] // 16, 3)
    colours = np.random.default_rng(seed).integers(0, 256, squares, dtype=np.uint8)
    return list(colours.repeat(16, axis=1).repeat(16, axis=2))


def slowly(network, photo):
    """Region numbers as the sum of the labels' probabilities says, label by label."""
    mean, std = np.array([0.5, 0.4, 0.3]), np.array([0.2, 0.25, 0.3])
    image = torch.tensor(((photo / 255 - mean) / std).transpose(2, 0, 1)[None], dtype=torch.float32)
    with torch.no_grad():
        labels = network(pixel_values=image).logits.softmax(1)[0]
    numbers, _ = merge_labels(dict(enumerate(CITYSCAPES)))
    regions = torch.zeros(13, *labels.shape[1:])
    for label, number in enumerate(numbers.tolist()):
        regions[number] += labels[label]
    full = torch.nn.functional.interpolate(regions[None], size=photo.shape[:2], mode="bilinear")[0]
    return full.argmax(0).numpy()


def test_regions_are_those_of_the_summed_probabilities(small, tmp_path):
    folder, network = small
    segmenter = load(folder, tmp_path)
    pictures = photos(2)
    masks = segmenter.segment(pictures)
    assert segmenter.name == "small"
    for mask, photo in zip(masks, pictures, strict=True):
        assert (mask.dtype, mask.shape) == (np.uint8, (64, 96))
        assert (mask == slowly(network, photo)).mean() > 0.999
    assert len(np.unique(np.stack(masks))) > 2


def test_a_batch_is_its_photos_one_by_one(saved, tmp_path):
    segmenter, pictures = load(saved, tmp_path), photos(3)
    together = segmenter.segment(pictures)
    for mask, photo in zip(together, pictures, strict=True):
        assert (mask == segmenter.segment([photo])[0]).mean() > 0.999


def test_the_digest_follows_weights_labels_and_size(saved, own, tmp_path):
    before = load(saved, tmp_path).digest
    assert load(own, tmp_path).digest == before
    other = RegionsConfig(model=str(own), size_px=96)
    assert load_segmenter(other, root=tmp_path, device=CPU).digest != before
    save_segformer(own, seed=1)
    assert load(own, tmp_path).digest != before


def test_a_folder_is_looked_for_beside_the_settings(own, tmp_path):
    assert load("own", tmp_path).name == "own"
    assert find_folder("owner/segformer", tmp_path) is None
    with pytest.raises(WeightsError, match=r"folder \./gone .* does not exist: correct regions\.model"):
        find_folder("./gone", tmp_path)


def test_nothing_is_unpickled(own, tmp_path):
    trace = tmp_path / "it-ran"
    (own / "model.safetensors").unlink()
    (own / "pytorch_model.bin").write_bytes(pickle.dumps({"a": trace}))
    with pytest.raises(WeightsError, match=r"model\.safetensors is missing.*pickled weights are not read"):
        load(own, tmp_path)


def edit(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_weights_that_do_not_fit_are_no_segmenter(own, tmp_path):
    edit(own, depths=[1, 1, 1, 2])
    with pytest.raises(WeightsError, match="cannot be read .*do not fit its config"):
        load(own, tmp_path)


@pytest.mark.parametrize(
    ("file", "data", "words"),
    [
        ("model.safetensors", b"<!doctype html>", "cannot be read"),
        ("config.json", b"{", "config.json of the segmenter"),
        ("config.json", b"[]", "is no table"),
        ("config.json", b'{"model_type": "bert"}', "is no SegFormer"),
        ("preprocessor_config.json", b"\xff", "preprocessor_config.json of the segmenter"),
    ],
)
def test_damaged_files_are_refused_with_a_reason(own, tmp_path, file, data, words):
    (own / file).write_bytes(data)
    with pytest.raises(WeightsError, match=words):
        load(own, tmp_path)


def test_a_model_of_other_things_is_refused(tmp_path):
    save_segformer(tmp_path / "other", ["tumour", "bone"])
    with pytest.raises(WeightsError, match="none of the labels of streets, only tumour, bone"):
        load("other", tmp_path)


def test_loading_is_silent(saved, tmp_path, capfd):
    load(saved, tmp_path)
    assert capfd.readouterr() == ("", "")


def test_without_transformers_the_extra_is_named(saved, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtra, match=r"machinami\[regions\]"):
        load(saved, tmp_path)


def test_transformers_is_imported_only_to_segment():
    for path in Path(machinami.__file__).parent.rglob("*.py"):
        assert not re.search(r"^(import|from) transformers", path.read_text(encoding="utf-8"), re.MULTILINE), path


def serve(served, folder, *, without=()):
    for file in folder.iterdir():
        if file.name not in without:
            served.files[f"{SERVED}/{file.name}"] = file.read_bytes()


@pytest.mark.filterwarnings("default::ResourceWarning")
@pytest.mark.parametrize("without", [(), ("preprocessor_config.json",)])
def test_the_model_comes_from_the_hub_and_stays_in_its_cache(hub, no_cache, saved, tmp_path, without):
    endpoint, served = hub
    serve(served, saved, without=without)
    segmenter = load(MODEL, tmp_path, endpoint=endpoint)
    assert segmenter.name == MODEL
    assert segmenter.mean == ((0.485, 0.456, 0.406) if without else (0.5, 0.4, 0.3))
    assert f"GET {SERVED}/model.safetensors" in served.asked
    served.asked.clear()
    assert load(MODEL, tmp_path, endpoint=endpoint).digest == segmenter.digest
    assert served.asked == []
    if not without:
        assert load(saved, tmp_path).digest == segmenter.digest


@pytest.mark.filterwarnings("default::ResourceWarning")
def test_a_revision_is_asked_for(hub, no_cache, saved, tmp_path):
    endpoint, served = hub
    for file in saved.iterdir():
        served.files[f"/{MODEL}/resolve/v2/{file.name}"] = file.read_bytes()
    settings = RegionsConfig(model=MODEL, revision="v2", size_px=64)
    assert load_segmenter(settings, root=tmp_path, device=CPU, endpoint=endpoint).name == MODEL


@pytest.mark.filterwarnings("default::ResourceWarning")
def test_a_hub_without_safetensors_names_the_offline_way(hub, no_cache, saved, tmp_path):
    endpoint, served = hub
    serve(served, saved, without=["model.safetensors"])
    served.files[f"{SERVED}/pytorch_model.bin"] = b"pickle"
    with pytest.raises(WeightsError, match=r"owner/segformer could not be fetched .* set regions\.model to a folder"):
        load(MODEL, tmp_path, endpoint=endpoint)
    assert not any("pytorch_model" in asked for asked in served.asked)


def test_a_hub_that_is_not_there_names_the_offline_way(no_cache, tmp_path):
    with pytest.raises(WeightsError, match=r'regions\.model to a folder .*"masks" or "colour"'):
        load(MODEL, tmp_path, endpoint="http://127.0.0.1:9")
