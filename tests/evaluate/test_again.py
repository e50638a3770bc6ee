"""Further fits on other assignments of the same photos: what they learn from, what they leave, how they go on."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from machinami.errors import NotReady
from machinami.evaluate import again
from machinami.evaluate.again import Field, answer_again
from machinami.evaluate.cross_validation import answer_folds, fold_figures
from machinami.evaluate.intervals import count_blocks, statistic_interval
from machinami.evaluate.metrics import accuracy
from machinami.evaluate.random_split import random_outcome
from machinami.evaluate.stage import compute_logits, evaluate_project
from machinami.models.folder import load_model
from machinami.pipeline import stage_states
from machinami.split import read_split
from machinami.train.photos import read_learning, read_rest


@pytest.fixture
def town(trained_town, copied_town):
    """A town that is trained and not yet evaluated, of one's own."""
    return copied_town(trained_town)


def field_of(project):
    config, split = project.config(), read_split(project)
    photos = read_learning(project, config, split) + read_rest(project, config, split)
    return Field(project=project, config=config, photos=photos, places=("a", "b"), device=torch.device("cpu"))


@pytest.fixture
def fits(monkeypatch):
    """The sets that were learned from: fitting itself is left out, and the classifier is as it was drawn."""
    seen = []

    def fit(model, origin, photos, conditions):
        del origin, conditions
        seen.append(photos)
        return SimpleNamespace(model=model, interrupted=False)

    monkeypatch.setattr(again, "fit_with_validation", fit)
    return seen


def answers_in(project):
    return sorted(project.cache.glob("answers-*.npy"))


def test_on_the_same_assignment_the_recipe_gives_the_same_network(town):
    field = field_of(town)
    found = answer_again(field, field.photos.subsets)
    model = load_model(town.model, which="evaluated")
    test = field.photos.rows("test")
    expected = compute_logits(model, field.photos.pixels.squares, device=torch.device("cpu"))[test]
    assert np.allclose(found, expected, atol=1e-4)
    assert found.std() > 0.1


def test_it_learns_from_what_it_is_told_to_and_answers_in_the_order_of_rows(town, fits):
    field, split = field_of(town), read_split(town)
    outcome = random_outcome(field, split)
    (learned,) = fits
    ids, blocks = field.photos.photo_ids(), split.block_of()
    used = set(learned.train.tolist()) | set(learned.validation.tolist())
    asked = sorted(set(range(len(ids))) - used - set(field.photos.rows("dropped").tolist()))
    assert not set(learned.train.tolist()) & set(learned.validation.tolist())
    assert outcome.labels.tolist() == [field.labels()[row] for row in asked]
    assert outcome.blocks == [blocks[ids[row]] for row in asked]
    assert outcome.logits.shape == (len(asked), 2)
    assert set(field.photos.rows("test").tolist()) & used  # by chance, photos of the test blocks are among them


def test_answers_are_kept_for_as_long_as_they_are_whole_and_of_the_same_things(town, fits, edit_config):
    field = field_of(town)
    first = answer_again(field, field.photos.subsets)
    assert np.array_equal(answer_again(field, field.photos.subsets), first)
    assert len(fits) == len(answers_in(town)) == 1
    (file,) = answers_in(town)
    file.write_bytes(file.read_bytes()[:60])
    assert np.array_equal(answer_again(field, field.photos.subsets), first)
    assert len(fits) == 2
    edit_config(town, "epochs = 2", "epochs = 3")
    answer_again(field_of(town), field.photos.subsets)
    assert len(fits) == 3
    assert len(answers_in(town)) == 2


def test_every_photo_is_the_test_once_and_no_test_photo_is_learned_from(town, fits):
    field, split = field_of(town), read_split(town)
    folds = list(answer_folds(field, split))
    ids = field.photos.photo_ids()
    assert sorted(photo_id for fold in folds for photo_id in fold.photo_ids) == sorted(ids)
    for fold, learned in zip(folds, fits, strict=True):
        used = {ids[row] for row in (*learned.train, *learned.validation)}
        assert not used & set(fold.photo_ids)
    assert set(folds[split.fold].photo_ids) == set(split.photos("test"))
    figures = fold_figures(folds, config=field.config)
    json.dumps(figures, allow_nan=False)
    assert [row["fold"] for row in figures["folds"]] == list(range(split.folds))
    assert sum(row["photos"] for row in figures["folds"]) == len(ids)
    labels, predicted, blocks = (
        np.concatenate([fold.outcome.labels for fold in folds]),
        np.concatenate([fold.outcome.logits.argmax(axis=1) for fold in folds]),
        [block for fold in folds for block in fold.outcome.blocks],
    )
    table = count_blocks(labels, predicted, blocks, places=2)
    pooled = statistic_interval(table, accuracy, draws=field.config.evaluate.draws, level=0.95, seed=0)
    assert figures["accuracy"] == {"value": pooled.value, "low": pooled.low, "high": pooled.high}
    assert sum(row["blocks"] for row in figures["folds"]) == len(set(blocks))


@pytest.mark.slow
def test_a_stopped_cross_validation_goes_on_where_it_was(town, fits, monkeypatch):
    fit = again.fit_with_validation

    def stop_at_third(*arguments):
        if len(fits) == 2:
            return SimpleNamespace(model=arguments[0], interrupted=True)
        return fit(*arguments)

    monkeypatch.setattr(again, "fit_with_validation", stop_at_third)
    with pytest.raises(KeyboardInterrupt):
        evaluate_project(town, without_gap(town), device="cpu", cross_validate=True)
    assert len(fits) == len(answers_in(town)) == 2
    figures = json.loads(town.evaluation_file.read_text())
    assert figures["test"]["photos"] > 0  # what needs no further fit is there
    assert figures["cross_validation"] is None
    assert town.runs()[-1]["outcome"] == "interrupted"
    monkeypatch.setattr(again, "fit_with_validation", fit)
    found = evaluate_project(town, without_gap(town), device="cpu", cross_validate=True).figures
    assert len(fits) == found["cross_validation"]["folds"][-1]["fold"] + 1 == 5
    assert json.loads(town.evaluation_file.read_text()) == found
    assert found["test_opened"] == 1  # the models that were thrown away have opened nothing
    state = {state.stage: state.state for state in stage_states(town, without_gap(town))}
    assert state["evaluate"] == "done"


def without_gap(project):
    text = project.config_file.read_text()
    if "random_split" not in text:
        project.config_file.write_text(text.replace("[evaluate]\n", "[evaluate]\nrandom_split = false\n"))
    return project.config()


def test_other_settings_than_those_of_the_split_have_no_folds(town, fits, edit_config):
    edit_config(town, "block_m = 300", "block_m = 310")
    with pytest.raises(NotReady, match="machinami split"):
        list(answer_folds(field_of(town), read_split(town)))
    assert fits == []


def test_what_is_not_asked_for_is_null_and_the_model_stays_as_it_was(town, fits, edit_config):
    before = {path.name: path.read_bytes() for path in town.model.glob("*.safetensors")}
    figures = evaluate_project(town, town.config(), device="cpu").figures
    assert set(figures["random_split"]) == {
        "photos", "accuracy", "gap", "gap_low", "gap_high",
        "balanced_accuracy", "balanced_gap", "balanced_gap_low", "balanced_gap_high",
    }  # fmt: skip
    random, test = figures["random_split"], figures["test"]
    assert random["gap"] == pytest.approx(random["accuracy"] - test["accuracy"]["value"])
    assert figures["cross_validation"] is None
    assert {path.name: path.read_bytes() for path in town.model.glob("*.safetensors")} == before
    edit_config(town, "[evaluate]", "[evaluate]\nrandom_split = false\nlearning_curve = false")
    figures = evaluate_project(town, town.config(), device="cpu").figures
    assert (figures["random_split"], figures["learning_curve"]) == (None, None)
    assert len(fits) == 1
