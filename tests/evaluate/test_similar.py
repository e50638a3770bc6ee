import numpy as np
import pytest

from machinami.config import Config, EvaluateConfig
from machinami.evaluate.intervals import count_blocks
from machinami.evaluate.similar import Mistakes, place_order, similar_pairs, similarities

CONFIG = Config(evaluate=EvaluateConfig(draws=200))
PLACES = ("a", "b", "c", "d")
CONFUSION = np.array([[60, 2, 38, 0], [2, 90, 0, 8], [40, 0, 60, 0], [0, 10, 0, 90]])


def test_a_coin_is_one_and_no_mistake_nothing():
    alike = similarities(np.array([[50, 50, 0], [50, 50, 0], [0, 0, 100]]))
    assert alike[0, 1] == 1
    assert alike[0, 2] == alike[1, 2] == 0
    assert np.isnan(similarities(np.array([[5, 1], [0, 0]]))[0, 1])


def test_places_that_are_alike_stand_together():
    order = place_order(PLACES, CONFUSION)
    assert sorted(order) == list(PLACES)
    assert abs(order.index("a") - order.index("c")) == abs(order.index("b") - order.index("d")) == 1
    assert place_order(("x", "y"), CONFUSION[:2, :2]) == ["x", "y"]


def test_pairs_come_with_their_interval_and_their_surest_mistakes():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), CONFUSION.sum(axis=1))
    predicted = np.concatenate([np.repeat(np.arange(4), row) for row in CONFUSION])
    probabilities = np.full((len(labels), 4), 0.1)
    probabilities[np.arange(len(labels)), predicted] = rng.uniform(0.4, 0.7, len(labels))
    blocks = [f"{label}/{number}" for label, number in zip(labels, rng.integers(0, 8, len(labels)), strict=True)]
    mistakes = Mistakes(labels=labels, probabilities=probabilities, photo_id=np.arange(len(labels)) + 1_000)
    pairs = similar_pairs(PLACES, count_blocks(labels, predicted, blocks, places=4), mistakes, config=CONFIG)
    first = pairs[0]
    assert first["places"] == ["a", "c"]
    assert first["mistakes"] == 78
    assert first["of"] == 198
    assert first["similarity"] == pytest.approx(2 * (1 - (60 / 98 + 60 / 100) / 2), abs=1e-6)
    assert first["low"] < first["similarity"] < first["high"]
    rows = np.array(first["photos"]) - 1_000
    assert len(rows) == 12
    assert {tuple(sorted(pair)) for pair in zip(labels[rows], predicted[rows], strict=True)} == {(0, 2)}
    sure = probabilities[rows].max(axis=1)
    assert (np.diff(sure) <= 0).all()
    assert [pair["similarity"] for pair in pairs] == sorted((pair["similarity"] for pair in pairs), reverse=True)
