import time

import numpy as np
import pytest
from scipy.stats import t as student
from scipy.stats import ttest_ind

from machinami.evaluate.intervals import count_blocks, draw_confusions, statistic_interval
from machinami.evaluate.metrics import accuracy, balanced_accuracy, macro_f1

OPTIONS = {"draws": 2000, "level": 0.95, "seed": 0}


def clustered(rng, *, blocks, photos, places=2, spread=1.0):
    """Labels, predictions and block names; a block's photos share a difficulty."""
    labels = np.repeat(np.arange(blocks) % places, photos)
    chance = 1 / (1 + np.exp(-(1.0 + spread * rng.normal(size=blocks))))
    right = rng.random(blocks * photos) < np.repeat(chance, photos)
    predicted = np.where(right, labels, (labels + 1) % places)
    return labels, predicted, np.repeat(np.arange(blocks), photos).astype(str)


def coverage(blocks, *, by_photo, rounds=150, statistic=accuracy):
    """Share of intervals that hold the true figure: of blocks, and of single photos. All three figures are one here."""
    truth = np.mean(1 / (1 + np.exp(-(1.0 + np.random.default_rng(9).normal(size=400_000)))))
    rng, hits = np.random.default_rng(1), 0
    for _ in range(rounds):
        labels, predicted, names = clustered(rng, blocks=blocks, photos=40)
        units = np.arange(len(labels)).astype(str) if by_photo else names
        table = count_blocks(labels, predicted, units, places=2)
        found = statistic_interval(table, statistic, draws=300, level=0.95, seed=0)
        hits += found.low <= truth <= found.high
    return hits / rounds


@pytest.mark.parametrize(("blocks", "least"), [(8, 0.85), (20, 0.88), (50, 0.88)])
def test_intervals_over_blocks_hold_the_truth_where_those_over_photos_do_not(blocks, least):
    by_block, by_photo = coverage(blocks, by_photo=False, rounds=300), coverage(blocks, by_photo=True, rounds=60)
    print(f"{blocks} blocks of 40 photos: {by_block:.0%} by block, {by_photo:.0%} by photo")  # noqa: T201
    assert by_block >= least
    assert by_photo < 0.65


@pytest.mark.parametrize("statistic", [accuracy, balanced_accuracy, macro_f1])
@pytest.mark.parametrize("blocks", [4, 6, 9])
def test_intervals_over_few_blocks_hold_the_truth_of_every_figure(blocks, statistic):
    assert coverage(blocks, by_photo=False, rounds=400, statistic=statistic) >= 0.9


def test_the_drawn_confusions_are_what_a_slow_loop_draws():
    labels, predicted, names = clustered(np.random.default_rng(3), blocks=12, photos=15, places=3)
    table = count_blocks(labels, predicted, names, places=3)
    drawn = draw_confusions(table, draws=4_000, seed=0)
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
        labels, np.where(right, labels, (labels + 1) % 6), [str(i) for i in range(len(labels))], places=6
    )
    found = statistic_interval(table, accuracy, **OPTIONS)
    assert (found.value, found.low, found.high) == pytest.approx((0.548, 0.525, 0.571), abs=2e-3)


def blocks_of(right, *, size=10):
    """Labels, predictions and block names: so many of `size` right in each block, by place."""
    labels, predicted, names = [], [], []
    for place, counts in enumerate(right):
        for number, hits in enumerate(counts):
            labels += [place] * size
            predicted += [place] * hits + [(place + 1) % len(right)] * (size - hits)
            names += [f"{place}/{number}"] * size
    return count_blocks(np.array(labels), np.array(predicted), names, places=len(right))


def test_few_blocks_of_one_size_take_welchs_interval_for_balanced_accuracy():
    first, second = [9, 7, 8], [4, 9, 1, 6]
    found = statistic_interval(blocks_of([first, second]), balanced_accuracy, **OPTIONS)
    # A sum's interval is a difference's from the second places' negatives; the mean of two is half of it.
    welch = ttest_ind(first, np.negative(second), equal_var=False).confidence_interval(0.95)
    assert found.value == pytest.approx((0.8 + 0.5) / 2)
    assert (found.low, found.high) == pytest.approx((max(0, welch.low / 20), min(1, welch.high / 20)))


def test_each_figure_has_an_interval_of_its_own():
    """Places of unequal size and recall: the three figures differ, and so do their widths."""
    table = blocks_of([[39, 35, 37, 40], [10, 22]], size=40)
    found = [statistic_interval(table, figure, **OPTIONS) for figure in (accuracy, balanced_accuracy, macro_f1)]
    assert len({round(interval.high - interval.value, 6) for interval in found}) == 3
    assert len({round(interval.value - interval.low, 6) for interval in found}) == 3


def test_the_jackknife_is_what_leaving_blocks_out_by_hand_gives():
    from machinami.evaluate.intervals import _jackknife_half

    right = [[9, 3, 7], [10, 4]]
    variances = []
    for place, counts in enumerate(right):
        left = [
            float(macro_f1(blocks_of([c[:i] + c[i + 1 :] if p == place else c for p, c in enumerate(right)]).confusion))
            for i in range(len(counts))
        ]
        variances.append((len(left) - 1) * np.var(left))
    freedom = sum(variances) ** 2 / (variances[0] ** 2 / 2 + variances[1] ** 2 / 1)
    expected = student.ppf(0.975, freedom) * np.sqrt(sum(variances))
    assert _jackknife_half(blocks_of(right), macro_f1, 0.95) == pytest.approx(expected)


@pytest.mark.parametrize("others", [[8, 6], [8, 7, 9, 6, 8, 9, 7, 8, 9, 9, 8, 10]])
def test_a_place_with_one_block_leaves_no_interval(others):
    """Drawing that block again and again, or leaving it out, says nothing of how much another would differ."""
    for figure in (accuracy, balanced_accuracy, macro_f1):
        found = statistic_interval(blocks_of([others, [7]]), figure, **OPTIONS)
        assert 0 < found.value < 1
        assert (found.low, found.high) == (None, None)


def test_no_mistake_is_not_certainty():
    labels = np.repeat([0, 1], 100)
    table = count_blocks(labels, labels, np.repeat(np.arange(20).astype(str), 10), places=2)
    found = statistic_interval(table, accuracy, **OPTIONS)
    assert found.value == found.high == 1
    assert found.low == pytest.approx(200 / (200 + 1.959964**2))  # Wilson's bound for 200 of 200


def test_no_photos_no_interval():
    empty = np.zeros(0, np.int64)
    table = count_blocks(empty, empty, [], places=2)
    assert statistic_interval(table, accuracy, **OPTIONS) is None


def test_the_same_seed_draws_the_same_blocks_in_any_order_of_rows():
    labels, predicted, names = clustered(np.random.default_rng(6), blocks=15, photos=20, places=3)
    order = np.random.default_rng(0).permutation(len(labels))
    a = statistic_interval(count_blocks(labels, predicted, names, places=3), macro_f1, **OPTIONS)
    b = statistic_interval(count_blocks(labels[order], predicted[order], names[order], places=3), macro_f1, **OPTIONS)
    assert a == b


def test_two_thousand_draws_of_five_thousand_photos_are_quick():
    labels, predicted, names = clustered(np.random.default_rng(7), blocks=250, photos=20, places=5)
    start = time.process_time()
    table = count_blocks(labels, predicted, names, places=5)
    for figure in (accuracy, balanced_accuracy, macro_f1):
        found = statistic_interval(table, figure, **OPTIONS)
        assert found.low < found.value < found.high
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("blocks", "shares"), [((20, 2), (0.97, 0.8)), ((20, 2), (0.95, 0.95)), ((18, 3), (0.95, 0.9))]
)
def test_a_place_with_few_blocks_does_not_make_the_interval_too_short(blocks, shares):
    rng, hits = np.random.default_rng(5), 0
    for _ in range(150):
        labels, predicted, names = [], [], []
        for place, (count, share) in enumerate(zip(blocks, shares, strict=True)):
            right = rng.random((count, 20)) < rng.beta(10 * share, 10 * (1 - share), (count, 1))
            labels += [place] * right.size
            predicted += np.where(right, place, 1 - place).ravel().tolist()
            names += np.repeat([f"{place}/{block}" for block in range(count)], 20).tolist()
        table = count_blocks(np.array(labels), np.array(predicted), names, places=2)
        found = statistic_interval(table, balanced_accuracy, draws=300, level=0.95, seed=0)
        hits += found.low <= np.mean(shares) <= found.high
    assert hits / 150 >= 0.86


def test_a_place_with_few_photos_makes_the_mean_unsure():
    labels = np.repeat([0, 1], [240, 9])
    names = [f"0/{row // 24}" for row in range(240)] + [f"1/{row}" for row in range(9)]
    found = statistic_interval(count_blocks(labels, labels, names, places=2), balanced_accuracy, **OPTIONS)
    assert found.low < 0.93
