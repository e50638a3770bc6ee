import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from machinami.models.network import PlaceModel
from machinami.train.probe import STRENGTHS, fit_probe, install_probe


def drawn(places, *, photos=600, channels=8, seed=0):
    """Vectors on odd scales, labels drawn from a known softmax, and that softmax's weights."""
    rng = np.random.default_rng(seed)
    scale, shift = rng.uniform(0.1, 10, channels), rng.normal(0, 5, channels)
    vectors = (rng.normal(size=(photos, channels)) * scale + shift).astype(np.float32)
    weight = rng.normal(size=(places, channels)) / scale * 2
    logits = (vectors - shift) @ weight.T
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (rng.random((photos, 1)) > chances.cumsum(axis=1)).sum(axis=1)
    return vectors, labels, weight


@pytest.mark.parametrize("places", [2, 4])
def test_it_is_scikit_learns_regression_in_the_units_of_the_features(places):
    vectors, labels, _ = drawn(places)
    probe = fit_probe(vectors, labels, places=places, validation=None, strength=0.1)
    mean, scale = vectors.mean(axis=0), vectors.std(axis=0)
    peer = LogisticRegression(C=0.1, class_weight="balanced", max_iter=5000, tol=1e-8)
    expected = peer.fit((vectors - mean) / scale, labels).predict_proba((vectors - mean) / scale)
    logits = vectors @ probe.weight.T + probe.bias
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    assert np.abs(shifted / shifted.sum(axis=1, keepdims=True) - expected).max() < 5e-3


def test_it_regains_the_answer_that_was_put_in():
    vectors, labels, weight = drawn(3, photos=20_000)
    probe = fit_probe(vectors, labels, places=3, validation=None, strength=1.0)
    centred = probe.weight - probe.weight.mean(axis=0)
    assert np.corrcoef(centred.ravel(), (weight - weight.mean(axis=0)).ravel())[0, 1] > 0.99


def test_validation_chooses_the_strength():
    vectors, labels, _ = drawn(2, photos=4000)
    chosen = fit_probe(vectors, labels, places=2, validation=(vectors, labels))
    assert chosen.strength == STRENGTHS[-1]  # nothing to fear on the same photos
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(60, 40)).astype(np.float32)
    labels = np.arange(60) % 2
    chosen = fit_probe(noise, labels, places=2, validation=(rng.normal(size=(400, 40)), np.arange(400) % 2))
    assert chosen.strength == STRENGTHS[0]  # nothing to learn


def test_a_small_place_weighs_as_much_as_a_large_one():
    rng = np.random.default_rng(0)
    labels = (np.arange(400) < 20).astype(np.int64)
    vectors = (rng.normal(size=(400, 2)) + labels[:, None]).astype(np.float32)
    probe = fit_probe(vectors, labels, places=2, validation=None, strength=1.0)
    found = (vectors @ probe.weight.T + probe.bias).argmax(axis=1)
    assert (found[labels == 1] == 1).mean() > 0.5


def test_a_constant_feature_does_no_harm():
    vectors, labels, _ = drawn(2)
    vectors[:, 0] = 3
    assert np.isfinite(fit_probe(vectors, labels, places=2, validation=None).weight).all()


def test_an_installed_probe_is_the_classifier():
    model = PlaceModel("resnet18", ("a", "b")).eval()
    vectors, labels, _ = drawn(2, channels=512, photos=60)
    probe = fit_probe(vectors, labels, places=2, validation=None)
    install_probe(model, probe)
    maps = torch.from_numpy(vectors)[:, :, None, None]
    with torch.no_grad():
        assert np.allclose(model.classify(maps).numpy(), vectors @ probe.weight.T + probe.bias, atol=1e-3)
