import numpy as np
import pytest

from machinami.evaluate.calibration import expected_ece, reliability, selective_accuracy
from machinami.evaluate.metrics import expected_calibration_error


def calibrated(photos, *, places=3, seed=0):
    """Probabilities, and labels that are drawn from them."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet([0.5] * places, photos)
    labels = np.array([rng.choice(places, p=row) for row in probabilities])
    return labels, probabilities


def test_what_a_calibrated_network_shows_lies_in_the_band_and_an_overconfident_one_does_not():
    inside, over = 0, 0
    for seed in range(40):
        labels, probabilities = calibrated(200, seed=seed)
        band = expected_ece(probabilities, draws=200, seed=seed)
        inside += expected_calibration_error(labels, probabilities) <= band["high"]
        sure = probabilities**3 / (probabilities**3).sum(axis=1, keepdims=True)
        over += expected_calibration_error(labels, sure) > expected_ece(sure, draws=200, seed=seed)["high"]
    assert inside >= 36
    assert over >= 36


def test_the_expected_error_is_that_of_labels_drawn_from_the_probabilities():
    _, probabilities = calibrated(300)
    rng, drawn = np.random.default_rng(5), []
    for _ in range(300):
        labels = (rng.random(len(probabilities))[:, None] > probabilities.cumsum(axis=1)).sum(axis=1)
        drawn.append(expected_calibration_error(np.minimum(labels, 2), probabilities))
    assert expected_ece(probabilities, draws=300, seed=0)["mean"] == pytest.approx(np.mean(drawn), rel=0.05)


def test_the_expected_error_shrinks_with_the_number_of_photos():
    small, large = (expected_ece(calibrated(photos)[1], draws=100, seed=0)["mean"] for photos in (60, 6_000))
    assert large < small / 3


def test_reliability_holds_all_photos_in_bins_of_one_size_from_least_to_most_sure():
    labels, probabilities = calibrated(151)
    bins = reliability(labels, probabilities)
    assert len(bins) == 15
    assert sum(part["photos"] for part in bins) == 151
    assert {part["photos"] for part in bins} == {10, 11}
    assert [part["confidence"] for part in bins] == sorted(part["confidence"] for part in bins)
    gap = sum(abs(part["confidence"] - part["accuracy"]) * part["photos"] for part in bins) / 151
    assert gap == pytest.approx(expected_calibration_error(labels, probabilities), abs=1e-5)


def test_the_surest_answers_are_better_and_all_of_them_are_the_accuracy():
    labels, probabilities = calibrated(2_000)
    rows = selective_accuracy(labels, probabilities)
    assert [row["share"] for row in rows] == [tenth / 10 for tenth in range(1, 11)]
    assert rows[0]["accuracy"] > rows[-1]["accuracy"] + 0.1
    assert rows[-1]["accuracy"] == pytest.approx((probabilities.argmax(axis=1) == labels).mean(), abs=1e-6)
    answered = probabilities.max(axis=1) >= rows[3]["confidence"] - 1e-6
    assert answered.mean() == pytest.approx(0.4, abs=0.01)


def test_no_photos_no_figures():
    labels, probabilities = np.zeros(0, np.int64), np.zeros((0, 3))
    assert reliability(labels, probabilities) == selective_accuracy(labels, probabilities) == []
    assert expected_ece(probabilities, draws=10, seed=0) is None
