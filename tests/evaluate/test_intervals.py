import time

import numpy as np
import pytest
from scipy.stats import t as student

from machinami.evaluate.intervals import (
    count_blocks,
    difference_interval,
    draw_confusions,
    statistic_interval,
)
from machinami.evaluate.metrics import accuracy, balanced_accuracy, macro_f1

OPTIONS = {"draws": 2000, "level": 0.95, "seed": 0}


def clustered(rng, *, blocks, photos, places=2, spread=1.0):
    """Labels, predictions and block names; a block's photos share a difficulty."""
    labels = np.repeat(np.arange(blocks) % places, photos)
    chance = 1 / (1 + np.exp(-(1.0 + spread * rng.normal(size=blocks))))
    right = rng.random(blocks * photos) < np.repeat(chance, photos)
    predicted = np.where(right, labels, (labels + 1) % places)
    return labels, predicted, np.repeat(np.arange(blocks), photos).astype(str)


def coverage(blocks, *, by_photo, rounds=150):
    """Share of intervals that hold the true accuracy: of blocks, and of single photos."""
    truth = np.mean(1 / (1 + np.exp(-(1.0 + np.random.default_rng(9).normal(size=400_000)))))
    rng, hits = np.random.default_rng(1), 0
    for _ in range(rounds):
        labels, predicted, names = clustered(rng, blocks=blocks, photos=40)
        units = np.arange(len(labels)).astype(str) if by_photo else names
        table = count_blocks(labels, [predicted], units, places=2)
        found = statistic_interval(table, accuracy, draws=300, level=0.95, seed=0)
        hits += found.low <= truth <= found.high
    return hits / rounds


@pytest.mark.parametrize("blocks", [8, 20, 50])
def test_intervals_over_blocks_hold_the_truth_where_those_over_photos_do_not(blocks):
    assert coverage(blocks, by_photo=False) >= 0.85
    assert coverage(blocks, by_photo=True, rounds=60) < 0.65


def test_the_drawn_confusions_are_what_a_slow_loop_draws():
    labels, predicted, names = clustered(np.random.default_rng(3), blocks=12, photos=15, places=3)
    table = count_blocks(labels, [predicted], names, places=3)
    drawn = draw_confusions(table, draws=4_000, seed=0)[:, 0]
    rng, slow = np.random.default_rng(4), []
    for _ in range(600):
        confusion = np.zeros((3, 3))
        for place in range(3):
            mine = sorted({name for name, label in zip(names, labels, strict=True) if label == place})
            for name in rng.choice(mine, len(mine)):
                np.add.at(confusion, (labels[names == name], predicted[names == name]), 1)
        slow.append(confusion)
    slow = np.array(slow)
    assert drawn.sum(axis=(1, 2)) == pytest.approx(np.full(4_000, 180))  # every place keeps its number of blocks
    assert np.allclose(drawn.mean(axis=0), slow.mean(axis=0), atol=1.5)
    assert np.allclose(drawn.std(axis=0), slow.std(axis=0), atol=1.0)


def test_single_photos_as_blocks_give_the_published_interval():
    # The six wards of Tokyo in github.com/Hi-king/tokyo_photo2geo, photos and right ones: 0.525-0.571 by photo.
    wards = [(391, 248), (206, 112), (219, 105), (228, 121), (210, 91), (472, 268)]
    labels = np.repeat(np.arange(6), [photos for photos, _ in wards])
    right = np.concatenate([np.arange(photos) < hits for photos, hits in wards])
    table = count_blocks(
        labels, [np.where(right, labels, (labels + 1) % 6)], [str(i) for i in range(len(labels))], places=6
    )
    found = statistic_interval(table, accuracy, **OPTIONS)
    assert (found.value, found.low, found.high) == pytest.approx((0.548, 0.525, 0.571), abs=2e-3)


def test_few_blocks_take_students_t_over_block_means():
    right = [9, 7, 8, 4]
    labels = np.repeat([0, 0, 1, 1], 10)
    predicted = np.concatenate(
        [[label] * n + [1 - label] * (10 - n) for label, n in zip([0, 0, 1, 1], right, strict=True)]
    )
    table = count_blocks(labels, [predicted], np.repeat(list("abcd"), 10), places=2)
    found = statistic_interval(table, accuracy, **OPTIONS)
    half = student.ppf(0.975, 3) * np.std([0.9, 0.7, 0.8, 0.4], ddof=1) / 2
    assert found.value == pytest.approx(0.7)
    assert found.low == pytest.approx(0.7 - half)
    assert found.high == pytest.approx(min(1, 0.7 + half))


def test_no_mistake_is_not_certainty():
    labels = np.repeat([0, 1], 100)
    table = count_blocks(labels, [labels], np.repeat(np.arange(20).astype(str), 10), places=2)
    found = statistic_interval(table, accuracy, **OPTIONS)
    assert found.value == found.high == 1
    assert found.low == pytest.approx(200 / (200 + 1.959964**2))  # Wilson's bound for 200 of 200


def test_one_block_bears_nothing():
    labels = np.zeros(30, np.int64)
    table = count_blocks(labels, [labels], ["only"] * 30, places=2)
    found = statistic_interval(table, accuracy, **OPTIONS)
    assert (found.low, found.high) == (0, 1)


def test_no_photos_no_interval():
    empty = np.zeros(0, np.int64)
    table = count_blocks(empty, [empty, empty], [], places=2)
    assert statistic_interval(table, accuracy, **OPTIONS) is None
    assert difference_interval(table, accuracy, **OPTIONS) is None


def test_two_models_are_compared_on_the_same_blocks():
    rng = np.random.default_rng(5)
    labels, first, names = clustered(rng, blocks=30, photos=30, spread=1.5)
    second = np.where((first != labels) & (rng.random(len(labels)) < 0.2), labels, first)  # a little better
    table = count_blocks(labels, [first, second], names, places=2)
    gain = difference_interval(table, accuracy, **OPTIONS)
    assert gain.value == pytest.approx((second == labels).mean() - (first == labels).mean())
    assert 0 < gain.low < gain.value < gain.high
    alone = statistic_interval(table, accuracy, **OPTIONS)
    assert gain.high - gain.low < (alone.high - alone.low) / 3  # what both share cancels out
    same = difference_interval(count_blocks(labels, [first, first], names, places=2), accuracy, **OPTIONS)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_few_blocks_for_two_models():
    labels, first, names = clustered(np.random.default_rng(5), blocks=4, photos=30)
    table = count_blocks(labels, [first, labels], names, places=2)
    gain = difference_interval(table, accuracy, **OPTIONS)
    assert gain.low < gain.value < gain.high <= 1


def test_the_same_seed_draws_the_same_blocks_in_any_order_of_rows():
    labels, predicted, names = clustered(np.random.default_rng(6), blocks=15, photos=20, places=3)
    order = np.random.default_rng(0).permutation(len(labels))
    a = statistic_interval(count_blocks(labels, [predicted], names, places=3), macro_f1, **OPTIONS)
    b = statistic_interval(count_blocks(labels[order], [predicted[order]], names[order], places=3), macro_f1, **OPTIONS)
    assert a == b


def test_two_thousand_draws_of_five_thousand_photos_are_quick():
    labels, predicted, names = clustered(np.random.default_rng(7), blocks=250, photos=20, places=5)
    start = time.process_time()
    table = count_blocks(labels, [predicted], names, places=5)
    for figure in (accuracy, balanced_accuracy, macro_f1):
        found = statistic_interval(table, figure, **OPTIONS)
        assert found.low < found.value < found.high
    assert time.process_time() - start < 2
