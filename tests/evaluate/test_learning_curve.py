"""What more blocks would bring: forecasts against what more blocks do bring."""

import json

import numpy as np
import pytest

from machinami.config import EvaluateConfig
from machinami.evaluate.further import pick_rows
from machinami.evaluate.learning_curve import BLOCKS_FOR_CURVE, SHARES, Sample, hard_pairs, learning_curve
from machinami.evaluate.metrics import balanced_accuracy, confusion_matrix
from machinami.evaluate.power_law import fit_power_law
from machinami.train.probe import fit_probe

WIDTH, STRENGTH = 60, 1e-2
CONFIG = EvaluateConfig(draws=150)


def sample(means, rng, *, blocks, photos=6, spread=0.6):
    """So many blocks of each place; a block's photos share a part."""
    labels = np.repeat(np.arange(len(means)), blocks * photos)
    block_of = np.repeat(np.arange(len(means) * blocks), photos)
    shared = rng.normal(size=(len(means) * blocks, WIDTH)) * spread
    vectors = means[labels] + shared[block_of] + rng.normal(size=(len(labels), WIDTH))
    names = [f"{block:05d}" for block in block_of]
    return Sample(vectors=vectors.astype(np.float32), labels=labels, blocks=names)


def score(train, test, places):
    probe = fit_probe(train.vectors, train.labels, places=places, validation=None, strength=STRENGTH)
    predicted = (test.vectors @ probe.weight.T + probe.bias).argmax(axis=1)
    return float(balanced_accuracy(confusion_matrix(test.labels, predicted, places=places)))


def curve(train, test, *, places="ab", seed=0):
    return learning_curve(train, test, places=list(places), strength=STRENGTH, config=CONFIG, seed=seed)


@pytest.mark.slow
def test_the_forecast_holds_what_more_blocks_do_bring():
    """Truth: the mean over fresh samples of once, twice and four times as many blocks."""
    means = np.random.default_rng(1).normal(size=(2, WIDTH)) * 0.3
    rng = np.random.default_rng(2)
    pool = sample(means, rng, blocks=250, photos=3)
    truth = [np.mean([score(sample(means, rng, blocks=10 * times), pool, 2) for _ in range(5)]) for times in (1, 2, 4)]
    assert truth[2] - truth[0] > 0.03  # there is something to forecast
    hits, values = [], []
    for seed in range(25):
        rng = np.random.default_rng(100 + seed)
        found = curve(sample(means, rng, blocks=10), sample(means, rng, blocks=8), seed=seed)
        steps = [found["points"][-1], *found["forecast"]]
        hits.append([step["low"] <= true <= step["high"] for step, true in zip(steps, truth, strict=True)])
        values.append([step["value"] for step in steps])
    print(f"truth {np.round(truth, 3)}, mean {np.mean(values, axis=0).round(3)}, held {np.mean(hits, axis=0)}")  # noqa: T201
    assert (np.mean(hits, axis=0) >= 0.85).all()
    assert np.abs(np.mean(values, axis=0) - truth).max() < 0.03


def test_a_power_law_is_found_again():
    sizes = np.array([4, 8, 12, 16, 24, 32])
    values = np.stack([0.9 - 0.5 * sizes**-0.5, np.full(6, 0.7), 0.6 + 0.01 * sizes**-0.5, 2.0 - 1.5 * sizes**-0.1])
    law = fit_power_law(sizes, values)
    assert law.at(64)[0] == pytest.approx(0.9 - 0.5 * 64**-0.5, abs=1e-3)
    assert law.at(64)[1] == pytest.approx(0.7)
    assert law.at(640)[2] == pytest.approx(values[2].mean())  # what falls is not forecast to rise, nor to fall on
    assert (law.a <= 1).all()
    assert (law.b >= 0).all()
    for size in (4, 32, 1e9):
        assert (law.at(size) <= 1).all()


def test_the_fit_is_the_best_of_a_slow_search():
    rng = np.random.default_rng(0)
    sizes = np.array([3, 6, 12, 24])
    for _ in range(5):
        values = 0.85 - 0.4 * sizes**-0.6 + rng.normal(0, 0.01, 4)
        law = fit_power_law(sizes, values[None])
        own = ((law.a[0] - law.b[0] * (sizes / law.unit) ** -law.c[0] - values) ** 2).sum()
        a, b, c = np.meshgrid(np.linspace(0.5, 1, 60), np.linspace(0, 1, 60), np.geomspace(0.08, 2, 30), indexing="ij")
        slow = sum((a - b * (size / 24.0) ** -c - value) ** 2 for size, value in zip(sizes, values, strict=True))
        assert own <= slow.min() + 1e-6


def test_hard_pairs_come_first_and_have_curves_of_their_own():
    rng = np.random.default_rng(3)
    means = np.zeros((3, WIDTH))
    means[1, 0], means[2, 1:3] = 0.9, 3.0  # a and b resemble each other
    found = curve(sample(means, rng, blocks=12), sample(means, rng, blocks=8), places="abc")
    json.dumps(found, allow_nan=False)
    assert found["of"] == "probe"
    assert found["pairs"][0]["places"] == ["a", "b"]
    last, pair = found["points"][-1], found["pairs"][0]["points"][-1]
    assert pair["value"] < last["value"]
    assert [point["blocks"] for point in found["points"]] == [3 * int(np.ceil(share * 12)) for share in SHARES]
    assert [step["blocks"] for step in found["forecast"]] == [72, 144]
    assert last["photos"] == 3 * 12 * 6
    for step in (*found["points"], *found["forecast"]):
        assert 0 <= step["low"] <= step["value"] <= step["high"] <= 1


def test_the_last_point_is_the_probe_on_all_blocks():
    rng = np.random.default_rng(4)
    means = rng.normal(size=(2, WIDTH)) * 0.3
    train, test = sample(means, rng, blocks=10), sample(means, rng, blocks=5)
    found = curve(train, test)
    assert found["points"][-1]["value"] == pytest.approx(score(train, test, 2))
    assert found["pairs"] == []
    assert curve(train, test) == found


@pytest.mark.parametrize(("train", "test"), [(BLOCKS_FOR_CURVE - 1, 5), (BLOCKS_FOR_CURVE, 1)])
def test_too_few_blocks_have_no_curve(train, test):
    rng = np.random.default_rng(5)
    means = np.zeros((2, WIDTH))
    assert curve(sample(means, rng, blocks=train), sample(means, rng, blocks=test)) is None


def test_pairs_never_confused_are_no_hard_pairs():
    labels = np.array([0, 1, 2, 2])
    logits = np.eye(3)[[0, 1, 2, 1]]
    assert hard_pairs(logits, labels) == [(1, 2)]


def test_of_very_many_photos_every_block_keeps_some():
    rows, blocks = np.arange(5, 1005), [f"{row // 100}" for row in range(1005)]
    few = pick_rows(rows, blocks, most=60, rng=np.random.default_rng(0))
    assert (np.diff(few) > 0).all()
    counts = np.bincount(few // 100)
    assert counts.tolist() == [5] * 11  # the last block has five photos
    assert pick_rows(rows, blocks, most=1000, rng=np.random.default_rng(0)) is rows
