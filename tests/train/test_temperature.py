import numpy as np
import pytest

from machinami.evaluate.metrics import expected_calibration_error, negative_log_likelihood, softmax
from machinami.train.temperature import TEMPERATURES, fit_temperature


def drawn(rng, photos, places, *, sharpness):
    """Labels drawn from softmax(logits), and the logits that a boaster makes of them."""
    logits = rng.normal(0, 2, (photos, places))
    chances = softmax(logits)
    labels = (rng.random((photos, 1)) > chances.cumsum(axis=1)).sum(axis=1)
    return labels, logits * sharpness


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_the_temperature_that_was_put_in_is_found(sharpness):
    labels, logits = drawn(np.random.default_rng(0), 20_000, 4, sharpness=sharpness)
    assert fit_temperature(labels, logits) == pytest.approx(sharpness, rel=0.05)


def test_calibration_lowers_loss_and_error_on_other_photos_and_leaves_the_answers():
    rng = np.random.default_rng(1)
    labels, logits = drawn(rng, 400, 3, sharpness=4.0)
    temperature = fit_temperature(labels, logits)
    labels, logits = drawn(rng, 4_000, 3, sharpness=4.0)
    before, after = softmax(logits), softmax(logits, temperature=temperature)
    assert np.array_equal(before.argmax(axis=1), after.argmax(axis=1))
    assert negative_log_likelihood(labels, logits, temperature=temperature) < negative_log_likelihood(
        labels, logits, temperature=1
    )
    assert expected_calibration_error(labels, after) < expected_calibration_error(labels, before) / 3


def test_it_is_the_least_loss_of_a_fine_grid():
    labels, logits = drawn(np.random.default_rng(2), 3_000, 3, sharpness=2.0)
    grid = np.linspace(0.5, 6, 1_000)
    losses = [negative_log_likelihood(labels, logits, temperature=t) for t in grid]
    assert fit_temperature(labels, logits) == pytest.approx(grid[np.argmin(losses)], rel=0.01)


@pytest.mark.parametrize("photos", [1, 3, 20, 200])
def test_photos_that_are_all_right_do_not_ask_for_boundless_confidence(photos):
    labels = np.arange(photos) % 2
    logits = np.where(np.eye(2)[labels] == 1, 8.0, -8.0)
    temperature = fit_temperature(labels, logits)
    assert TEMPERATURES[0] <= temperature <= TEMPERATURES[1]
    confidence = softmax(logits, temperature=temperature).max()
    if temperature < TEMPERATURES[1] * 0.999:
        assert confidence == pytest.approx((photos + 1) / (photos + 2), abs=1e-4)  # Laplace's rule of succession


def test_photos_that_are_all_wrong_stay_within_bounds():
    temperature = fit_temperature(np.zeros(30, np.int64), np.tile([-9.0, 9.0], (30, 1)))
    assert temperature == pytest.approx(TEMPERATURES[1], rel=1e-3)


def test_nothing_to_fit_leaves_one():
    assert fit_temperature(np.zeros(0, np.int64), np.zeros((0, 3))) == 1
    assert fit_temperature(np.zeros(5, np.int64), np.ones((5, 1))) == 1
