import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
    recall_score,
    top_k_accuracy_score,
)
from sklearn.metrics import confusion_matrix as sklearn_confusion

from machinami.evaluate.metrics import (
    accuracy,
    balanced_accuracy,
    brier,
    confusion_matrix,
    expected_calibration_error,
    macro_f1,
    negative_log_likelihood,
    place_figures,
    softmax,
    top_k_accuracy,
)

# The published predictions of github.com/Hi-king/tokyo_photo2geo, as a table: rows = true, columns = predicted.
M3 = np.array(
    [
        [1190, 4, 0, 4, 3, 1, 9],
        [8, 248, 45, 19, 12, 6, 53],
        [10, 30, 112, 6, 9, 14, 25],
        [7, 17, 15, 105, 19, 38, 18],
        [10, 24, 6, 17, 121, 19, 31],
        [3, 17, 13, 29, 13, 91, 44],
        [12, 62, 35, 31, 18, 46, 268],
    ]
)

tables = st.integers(1, 6).flatmap(
    lambda places: st.tuples(
        st.just(places),
        st.lists(st.tuples(st.integers(0, places - 1), st.integers(0, places - 1)), min_size=1, max_size=60),
    )
)


@pytest.mark.filterwarnings("ignore:A single label was found")
@given(tables)
def test_shares_agree_with_scikit_learn_even_where_places_are_absent(table):
    places, pairs = table
    labels, predicted = np.array(pairs).T
    confusion = confusion_matrix(labels, predicted, places=places)
    assert np.array_equal(confusion, sklearn_confusion(labels, predicted, labels=range(places)))
    assert accuracy(confusion) == pytest.approx(accuracy_score(labels, predicted))
    present = np.unique(labels)
    recall = recall_score(labels, predicted, labels=present, average="macro", zero_division=0)
    assert balanced_accuracy(confusion) == pytest.approx(recall)
    assert macro_f1(confusion) == pytest.approx(f1_score(labels, predicted, average="macro"))


@pytest.mark.filterwarnings("ignore:A single label was found")
@given(tables)
def test_places_agree_with_scikit_learn_and_the_undefined_is_none(table):
    places, pairs = table
    labels, predicted = np.array(pairs).T
    found = place_figures(confusion_matrix(labels, predicted, places=places))
    wanted = precision_recall_fscore_support(
        labels, predicted, labels=range(places), zero_division=np.nan, average=None
    )
    for row, precision, recall, f1, photos in zip(found, *wanted, strict=True):
        assert row.photos == photos
        for ours, theirs in ((row.precision, precision), (row.recall, recall), (row.f1, f1)):
            assert ours is None if np.isnan(theirs) else ours == pytest.approx(theirs)


def test_the_published_table_gives_the_published_figures():
    assert accuracy(M3) == pytest.approx(0.727, abs=5e-4)
    assert balanced_accuracy(M3) == pytest.approx(0.596, abs=5e-4)
    assert macro_f1(M3) == pytest.approx(0.598, abs=5e-4)
    wards = M3[1:]
    assert np.diagonal(wards, offset=1).sum() / wards.sum() == pytest.approx(0.548, abs=5e-4)
    rows = place_figures(M3)
    assert np.mean([row.recall for row in rows[1:]]) == pytest.approx(0.532, abs=5e-4)
    published = [
        (1211, 0.983, 0.960, 0.971),
        (391, 0.634, 0.617, 0.625),
        (206, 0.544, 0.496, 0.519),
        (219, 0.479, 0.498, 0.488),
        (228, 0.531, 0.621, 0.572),
        (210, 0.433, 0.423, 0.428),
        (472, 0.568, 0.598, 0.583),
    ]
    for row, (photos, recall, precision, f1) in zip(rows, published, strict=True):
        assert row.photos == photos
        assert (row.recall, row.precision, row.f1) == pytest.approx((recall, precision, f1), abs=5e-4)


def test_many_confusions_at_once_are_the_same_as_one_by_one():
    stack = np.random.default_rng(0).integers(0, 9, (5, 4, 4))
    for figure in (accuracy, balanced_accuracy, macro_f1):
        assert figure(stack) == pytest.approx([float(figure(one)) for one in stack])


@settings(deadline=None)
@given(st.integers(3, 6), st.integers(10, 80), st.integers(0, 10_000))
def test_probability_figures_agree_with_scikit_learn(places, photos, seed):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (photos, places))
    labels = rng.integers(0, places, photos)
    chances = softmax(logits, temperature=1.7)
    assert chances.sum(axis=1) == pytest.approx(np.ones(photos))
    known = list(range(places))
    assert negative_log_likelihood(labels, logits, temperature=1.7) == pytest.approx(
        log_loss(labels, chances, labels=known)
    )
    for k in range(1, places):
        assert top_k_accuracy(labels, logits, k=k) == pytest.approx(
            top_k_accuracy_score(labels, logits, k=k, labels=known)
        )
    slow = [sum((p - (i == label)) ** 2 for i, p in enumerate(row)) for row, label in zip(chances, labels, strict=True)]
    assert brier(labels, chances) == pytest.approx(np.mean(slow))


def test_the_error_of_calibration_is_none_where_confidence_is_true_and_the_gap_where_it_is_not():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1, 60_000)
    chances = np.column_stack([confidence, 1 - confidence])
    honest = (rng.random(60_000) > confidence).astype(int)
    assert expected_calibration_error(honest, chances) < 0.01
    boaster = (rng.random(60_000) > confidence - 0.3).astype(int)
    assert expected_calibration_error(boaster, chances) == pytest.approx(0.3, abs=0.01)


def test_the_error_of_calibration_by_hand():
    chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])
    labels = np.array([0, 1, 1, 0])
    # two bins of two: (0.6 wrong, 0.7 right) and (0.8 wrong, 0.9 right)
    assert expected_calibration_error(labels, chances, bins=2) == pytest.approx((0.15 * 2 + 0.35 * 2) / 4)


def test_the_error_of_calibration_does_not_depend_on_the_order_of_rows():
    chances = np.tile([[0.9, 0.1]], (40, 1))
    labels = np.array([0] * 20 + [1] * 20)
    found = {
        round(expected_calibration_error(np.random.default_rng(seed).permutation(labels), chances), 12)
        for seed in range(5)
    }
    assert found == {0.4}


def test_no_photos_no_figures():
    none, logits = np.zeros(0, np.int64), np.zeros((0, 3))
    assert np.isnan(accuracy(confusion_matrix(none, none, places=3)))
    assert top_k_accuracy(none, logits, k=2) is None
    assert negative_log_likelihood(none, logits, temperature=1) is None
    assert brier(none, logits) is None
    assert expected_calibration_error(none, logits) is None
