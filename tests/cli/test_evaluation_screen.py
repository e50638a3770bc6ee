"""The first screen of `evaluate`: whether the figure can be believed, before anything else."""

import copy

import pytest

from machinami.cli.evaluation_screen import print_evaluation
from machinami.evaluate.verdict import verdict_of

LABELS = {"a": "Town A", "b": "Town B"}


def figures(*, blocks=(12, 12), metadata=0.6, strategy="blocks"):
    figure = {"value": 0.9, "low": 0.85, "high": 0.95}
    confounds = [
        {"column": "camera", "cramers_v": 0.9, "verdict": "confounded", "detail": "X1: a: 9 of 9, b: 0 of 9"},
        {"column": "year", "cramers_v": 0.2, "verdict": "none", "detail": "2001: a: 3 of 9, b: 2 of 9"},
    ]
    place = {"photos": 50, "precision": 0.9, "recall": 0.9, "f1": 0.9}
    found = {
        "places": ["a", "b"],
        "test": {
            "photos": 100, "blocks": sum(blocks), "accuracy": figure, "balanced_accuracy": figure, "macro_f1": figure,
            "ece": 0.04, "ece_uncalibrated": 0.09, "ece_expected": {"mean": 0.05, "high": 0.08},
        },
        "per_place": {key: place | {"blocks": n} for key, n in zip("ab", blocks, strict=True)},
        "confusion": [[45, 5], [5, 45]],
        "split": {"strategy": strategy, "test_to_train_m": {"p10": 88.4, "median": 410.0}},
        "branded": "random split: no" if strategy == "random" else None,
        "random_split": {"balanced_accuracy": 0.98, "balanced_gap": 0.08, "balanced_gap_low": 0.02,
                         "balanced_gap_high": 0.14, "accuracy": 0.98},
        "cross_validation": None,
        "baselines": {
            "majority": 0.5, "colour": 0.7, "metadata": {"accuracy": metadata, "columns": ["camera", "year"]},
            "balanced_accuracy": {"majority": 0.5, "colour": 0.7, "metadata": metadata}, "reasons": {},
        },
        "confounds": confounds if metadata > 0.8 else confounds[1:],
        "test_opened": 2,
        "similar_pairs": [],
        "learning_curve": None,
    }  # fmt: skip
    return found | {"verdict": verdict_of(found, metadata_near=metadata > 0.8)}


def screen(capsys, found, ground="ground"):
    print_evaluation(found, LABELS, ground=ground)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "begins"),
    [
        ({}, "Sound: Town A and Town B can be told apart, with balanced accuracy 90 % (85–95) over 24 blocks"),
        ({"metadata": 0.92}, "Confounded: balanced accuracy 90 % (85–95) over 24 blocks, but metadata alone, how the"),
        ({"metadata": 0.92, "strategy": "random"}, "Confounded: "),
        ({"strategy": "random"}, "Random split: neighbouring photos stand on both sides, so balanced accuracy 90 %"),
        ({"blocks": (4, 4)}, "Too few blocks: balanced accuracy 90 % (85–95) over 8 blocks, fewer than 10, so"),
        ({"blocks": (12, 1)}, "Too few blocks: balanced accuracy 90 % (85–95) over 13 blocks, only one of them of"),
        ({"blocks": (1, 1)}, "Too few blocks: balanced accuracy 90 % (85–95) over 2 blocks, only one each of"),
    ],
)  # fmt: skip
def test_the_first_sentence_is_the_verdict(capsys, options, begins):
    assert screen(capsys, figures(**options)).startswith(begins)


def test_a_confounded_random_split_is_both(capsys):
    first, second, *_ = screen(capsys, figures(metadata=0.92, strategy="random")).splitlines()
    assert first.startswith("Confounded")
    assert second == "random split: no"


def test_what_the_figure_rests_on_stands_below_it_on_one_screen(capsys):
    text = screen(capsys, figures(metadata=0.92))
    for said in (
        "gap +8.0 points (+2.0 to +14.0): so much is memory of the ground",
        "92 %  camera, year",
        "X1: a: 9 of 9, b: 0 of 9",
        "more than 88 m from training photos, half more than 410 m",
        "miss by 4.0 points (ECE; 9.0 before calibration); a calibrated network would show 5.0, seldom more than 8.0",
        "The test blocks were opened 2 times",
    ):
        assert said in text
    assert "2001" not in text  # no more than chance
    assert len(text.splitlines()) <= 24


@pytest.mark.parametrize(("blocks", "warned"), [((10, 9), True), ((10, 10), False)])
def test_fewer_than_twenty_blocks_are_warned_of(capsys, blocks, warned):
    assert ("Warning: 19 blocks, fewer than 20" in screen(capsys, figures(blocks=blocks))) == warned


def test_other_photos_have_no_split(capsys):
    found = copy.deepcopy(figures()) | {
        "split": None, "random_split": None, "baselines": None, "confounds": None, "test_opened": None,
    }  # fmt: skip
    text = screen(capsys, found | {"verdict": verdict_of(found, metadata_near=False)}, ground="others")
    assert text.startswith("Sound: Town A and Town B can be told apart, with balanced accuracy 90 % (85–95) over 24 bl")
    assert "blocks of other photos" in text
    assert "opened" not in text


def test_the_hardest_pair_is_named_where_there_are_more_than_two_places(capsys):
    found = figures()
    place = found["per_place"]["a"]
    found |= {"places": ["a", "b", "c"], "confusion": [[9, 1, 0]] * 3}
    found["per_place"] |= {"c": place}
    found["similar_pairs"] = [{"places": ["a", "c"], "similarity": 0.5, "low": 0.3, "high": 0.7, "mistakes": 7,
                               "of": 40, "photos": []}]  # fmt: skip
    assert "Hardest to tell apart: a and c, 7 of 40 photos mixed up" in screen(capsys, found)
