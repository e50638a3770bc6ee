"""Two runs on the same test photos: the difference, and how sure it is."""

import shutil
import sqlite3
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from machinami.config import EvaluateConfig
from machinami.errors import InputError, NotReady
from machinami.evaluate.compare import compare_answers, compare_runs
from machinami.evaluate.paired import Answers, difference_interval
from machinami.evaluate.predictions import read_predictions, write_predictions
from machinami.project import Project

OPTIONS = {"draws": 300, "level": 0.95, "seed": 0}


def two_runs(rng, *, blocks, photos=40, spread=1.5, better=0.5):
    """Answers whose chance of being right shares a part with the block: for both runs, and for each by itself."""
    labels = np.repeat(np.arange(blocks) % 2, photos)
    common, first, second = (rng.normal(size=blocks) for _ in range(3))
    answers = []
    for own, shift in ((first, 0.0), (second, better)):
        chance = 1 / (1 + np.exp(-(0.5 + shift + spread * (common + own))))
        right = rng.random(blocks * photos) < np.repeat(chance, photos)
        answers.append(np.where(right, labels, 1 - labels))
    names = np.repeat(np.arange(blocks), photos).astype(str)
    return Answers(labels=labels, first=answers[0], second=answers[1], blocks=names, places=2)


def true_difference(better=0.5):
    parts = 1.5 * np.random.default_rng(9).normal(size=(2, 400_000)).sum(axis=0)
    return float(np.mean(1 / (1 + np.exp(-(0.5 + better + parts)))) - np.mean(1 / (1 + np.exp(-(0.5 + parts)))))


@pytest.mark.parametrize(("blocks", "balanced"), [(8, True), (20, False), (40, True)])
def test_intervals_over_blocks_hold_the_difference_where_those_over_photos_do_not(blocks, balanced):
    truth, rng = true_difference(), np.random.default_rng(1)
    options = {**OPTIONS, "balanced": balanced}
    by_block, by_photo = [], []
    for turn in range(120):
        answers = two_runs(rng, blocks=blocks)
        found = difference_interval(answers, **options)
        by_block.append(found.low <= truth <= found.high)
        if turn < 40:
            found = difference_interval(replace(answers, blocks=np.arange(len(answers.labels)).astype(str)), **options)
            by_photo.append(found.low <= truth <= found.high)
    print(f"{blocks} blocks, {balanced=}: held by block {np.mean(by_block):.0%}, by photo {np.mean(by_photo):.0%}")  # noqa: T201
    assert np.mean(by_block) >= 0.85
    assert np.mean(by_photo) < 0.75


def test_pairing_is_what_makes_it_narrow():
    """Blocks that are hard for both runs say nothing of which is better."""
    rng = np.random.default_rng(2)
    blocks, photos = 40, 20
    labels = np.repeat(np.arange(blocks) % 2, photos)
    hard = np.repeat(rng.random(blocks) < 0.5, photos)
    first = np.where(hard, 1 - labels, labels)
    second = np.where(rng.random(len(labels)) < 0.03, labels, first)
    answers = Answers(
        labels=labels, first=first, second=second, blocks=np.repeat(np.arange(blocks), photos).astype(str), places=2
    )
    found = difference_interval(answers, balanced=False, **OPTIONS)
    assert 0 < found.low < found.value < found.high < 0.05


def test_few_blocks_of_one_size_take_students_interval():
    gains = np.array([3, 1, 4, 0, 2])  # photos of ten that only the second tells rightly; a place of five blocks
    labels = np.zeros(50, np.int64)
    second = (np.arange(50) % 10 >= gains.repeat(10)).astype(int)
    answers = Answers(
        labels=labels, first=np.ones(50, int), second=second, blocks=np.arange(5).repeat(10).astype(str), places=2
    )
    found = difference_interval(answers, balanced=False, **OPTIONS)
    student = ttest_1samp(gains / 10, 0).confidence_interval(0.95)
    assert (found.value, found.low, found.high) == pytest.approx((0.2, student.low, student.high))


def test_equal_answers_are_not_certainly_equal():
    answers = two_runs(np.random.default_rng(3), blocks=20)
    same = Answers(labels=answers.labels, first=answers.first, second=answers.first, blocks=answers.blocks, places=2)
    for balanced in (False, True):
        found = difference_interval(same, balanced=balanced, **OPTIONS)
        assert found.value == 0
        assert -0.02 < found.low < 0 < found.high < 0.02


def test_a_place_of_one_block_leaves_no_interval_and_says_so():
    answers = Answers(
        labels=np.array([0, 0, 1]),
        first=np.array([0, 1, 1]),
        second=np.array([0, 0, 1]),
        blocks=["x", "y", "z"],
        places=2,
    )
    found = compare_answers(answers, evaluate=EvaluateConfig(draws=20), seed=0)
    assert found.accuracy.difference.value == pytest.approx(1 / 3)
    assert found.accuracy.difference.low is None
    assert "nothing tells how sure that is" in found.sentence()
    empty = Answers(labels=np.zeros(0, int), first=np.zeros(0, int), second=np.zeros(0, int), blocks=[], places=2)
    assert difference_interval(empty, balanced=False, **OPTIONS) is None


@pytest.fixture
def both(finished_town, tmp_path):
    """A finished town, and a copy of it whose answers are all right."""
    first, second = (Project.open(shutil.copytree(finished_town, tmp_path / name)) for name in ("one", "other"))
    said = read_predictions(second.predictions)
    right = np.array([[0.9 if place == true else 0.1 for place in said.places] for true in said.place], np.float32)
    rewrite(second, said, probabilities=right)
    return first, second


def rewrite(project, said, **changes):
    fields = {name: getattr(said, name) for name in ("places", "photo_id", "place", "probabilities", "split", "block")}
    write_predictions(project.predictions, [type(said)(**{**fields, **changes})])


def test_two_projects_are_compared_on_the_photos_that_are_test_photos_in_both(both):
    first, second = both
    said = read_predictions(second.predictions)
    split = list(said.split)
    test = [row for row, subset in enumerate(split) if subset == "test"]
    split[test[0]] = "train"  # the second has learned from it
    rewrite(second, said, split=split)
    found = compare_runs(first, second, evaluate=EvaluateConfig(draws=50), seed=0)
    own = read_predictions(first.predictions, split="test")
    kept = [row for row, photo_id in enumerate(own.photo_id) if photo_id != said.photo_id[test[0]]]
    right = np.mean([own.predicted[row] == own.place[row] for row in kept])
    assert found.photos == len(test) - 1 == len(kept)
    assert found.blocks == len({own.block[row] for row in kept})
    assert (found.accuracy.first, found.accuracy.second) == (pytest.approx(right), 1.0)
    assert found.accuracy.difference.value == pytest.approx(1 - right)
    assert set(found.to_json()) == {"photos", "blocks", "level", "accuracy", "balanced_accuracy", "sentence"}


def test_photos_are_matched_by_their_pixels_whatever_their_ids(both):
    first, second = both
    with second.catalog() as catalog:
        ids = {photo.pixels_sha256: photo.photo_id for photo in catalog.photos(state="fetched")}
    reference = compare_runs(first, second, evaluate=EvaluateConfig(draws=50), seed=0)
    with sqlite3.connect(second.catalog_file) as db:
        db.execute("UPDATE photos SET photo_id = photo_id + 5000")
    said = read_predictions(second.predictions)
    rewrite(second, said, photo_id=said.photo_id + 5000)
    assert len(ids) > 0
    assert compare_runs(first, second, evaluate=EvaluateConfig(draws=50), seed=0) == reference


def test_runs_that_cannot_be_compared_are_refused(both, tmp_path):
    first, second = both
    evaluate = EvaluateConfig(draws=20)
    said = read_predictions(second.predictions)
    rewrite(second, said, split=["train"] * len(said.split))
    with pytest.raises(InputError, match="share no test photos"):
        compare_runs(first, second, evaluate=evaluate, seed=0)
    swapped = ["b" if place == "a" else "a" for place in said.place]
    rewrite(second, said, place=swapped)
    with pytest.raises(InputError, match=r"photo \d+ is of a in .*, and as photo \d+ of b"):
        compare_runs(first, second, evaluate=evaluate, seed=0)
    rewrite(second, said, places=("a", "c"), place=["a"] * len(said.place))
    with pytest.raises(InputError, match="only runs over the same places"):
        compare_runs(first, second, evaluate=evaluate, seed=0)
    shutil.rmtree(second.predictions)
    with pytest.raises(NotReady):
        compare_runs(first, second, evaluate=evaluate, seed=0)
