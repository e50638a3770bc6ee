import numpy as np
import pytest

from machinami.config import Config, EvaluateConfig
from machinami.evaluate.baselines import (
    Baseline,
    Subsets,
    baseline_figures,
    colour_vectors,
    guess_by_columns,
    guess_by_vectors,
    guess_commonest,
)
from machinami.evaluate.simpler import comes_near
from machinami.images.cache import Stacked

CONFIG = Config(evaluate=EvaluateConfig(draws=300))


def subsets(labels, *, places=2, seed=0):
    """Half to learn from, a quarter each to choose by and to judge."""
    names = np.array(["train", "train", "validation", "test"])[np.arange(len(labels)) % 4]
    return Subsets.thinned(np.asarray(labels), names.tolist(), places=places, seed=seed)


def test_colours_tell_a_red_place_from_a_blue_one():
    rng = np.random.default_rng(0)
    labels = np.arange(80) // 4 % 2
    squares = rng.integers(0, 120, (80, 30, 30, 3)).astype(np.uint8)
    squares[labels == 1, :, :, 0] += 100
    vectors = colour_vectors(Stacked((squares[:30], squares[30:])))
    assert vectors.shape == (80, 8 * 8 * 3 + 8 * 3)
    found, parts = guess_by_vectors(vectors, subsets(labels)), subsets(labels)
    assert (found.answers == labels[parts.test]).all()


def test_a_thumbnail_is_the_mean_of_each_field_and_a_histogram_sums_to_one():
    squares = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
    vectors = colour_vectors(Stacked((squares,)))
    fields = squares.reshape(3, 8, 4, 8, 4, 3).mean(axis=(2, 4)) / 255
    assert vectors[:, :192] == pytest.approx(fields.reshape(3, -1), abs=1e-6)
    assert vectors[:, 192:].sum(axis=1) == pytest.approx(np.full(3, 3.0))


def test_a_value_that_no_training_photo_has_tells_nothing():
    labels = np.arange(80) // 4 % 2
    camera = ["x" if label else "y" for label in labels]
    parts = subsets(labels)
    for row in parts.test:
        camera[row] = "new"
    found = guess_by_columns({"camera": camera}, parts)
    assert len(set(found.answers.tolist())) == 1


def test_what_cannot_be_fitted_says_why():
    labels = np.zeros(40, np.int64)
    assert "no training photos" in guess_by_vectors(np.ones((40, 3), np.float32), subsets(labels)).reason
    assert "metadata" in guess_by_columns({}, subsets(labels)).reason
    found = {
        "majority": guess_commonest(subsets(labels)),
        "colour": Baseline(answers=None, reason="why"),
        "metadata": Baseline(answers=None, reason="so"),
    }
    figures = baseline_figures(found, subsets(labels), [])
    assert figures["majority"] == 1
    assert figures["colour"] is None
    assert figures["metadata"] == {"accuracy": None, "columns": []}
    assert figures["reasons"] == {"colour": "why", "metadata": "so"}


def test_many_photos_are_thinned_but_never_the_test(monkeypatch):
    monkeypatch.setattr("machinami.evaluate.baselines.MOST_PHOTOS", 10)
    parts = subsets(np.arange(400) % 2)
    assert len(parts.train) == len(parts.validation) == 10
    assert len(parts.test) == 100


def world(seed, *, planted, blocks=24, photos=12):
    """Answers of a network that reads 90 %, and of a camera baseline, on the test blocks."""
    rng = np.random.default_rng(seed)
    block_of = np.repeat(np.arange(blocks), photos)
    labels = block_of % 2
    wrong = rng.random(len(labels)) < np.repeat(rng.beta(1, 9, blocks), photos)
    by_camera = np.repeat(np.arange(blocks) % 2 if planted else rng.integers(0, 2, blocks), photos)
    flips = rng.random(len(labels)) < (0.08 if planted else 0)
    return labels, np.where(wrong, 1 - labels, labels), np.where(flips, 1 - by_camera, by_camera), block_of.astype(str)


def test_metadata_comes_near_where_it_is_planted_and_not_where_it_is_not():
    rates = {}
    for planted in (True, False):
        called = 0
        for seed in range(100):
            labels, network, metadata, blocks = world(seed, planted=planted)
            called += comes_near(Baseline(answers=metadata), network, labels, blocks.tolist(), places=2, config=CONFIG)
        rates[planted] = called / 100
    print(f"metadata called near the network: {rates[True]:.0%} planted, {rates[False]:.0%} not")  # noqa: T201
    assert rates[True] >= 0.95
    assert rates[False] <= 0.05


def test_a_network_that_knows_nothing_is_not_confounded_by_metadata_that_knows_nothing():
    rng, called = np.random.default_rng(3), 0
    for _ in range(60):
        block_of = np.repeat(np.arange(20), 12)
        labels = block_of % 2
        network, metadata = rng.integers(0, 2, len(labels)), np.repeat(rng.integers(0, 2, 20), 12)
        called += comes_near(
            Baseline(answers=metadata), network, labels, block_of.astype(str).tolist(), places=2, config=CONFIG
        )
    assert called <= 4
