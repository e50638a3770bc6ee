import pytest
import torch

from machinami.models.network import PlaceModel

PLACES = ("a", "b", "c")


@pytest.fixture(scope="session")
def _resnet():
    torch.manual_seed(0)
    return PlaceModel("resnet18", PLACES).eval()


@pytest.fixture
def resnet(_resnet):
    """A small network of three places. Not to be changed."""
    return _resnet


@pytest.fixture(scope="session")
def card_facts():
    """What a right card.json holds."""
    facts = {"file": "model.safetensors", "sha256": "0" * 64, "trained_on": "9 photos"}
    return {
        "format": 1,
        "places": [{"key": key, "label": key.upper()} for key in PLACES],
        "backbone": "resnet18",
        "image_size": 64,
        "mean": [0.5, 0.5, 0.5],
        "std": [0.2, 0.2, 0.2],
        "temperature": 1.5,
        "weights": {"source": "random", "digest": "0" * 64},
        "tuned": "probe",
        "model": facts,
        "evaluated": {**facts, "file": "evaluated.safetensors"},
    }
