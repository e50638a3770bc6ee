import json

import numpy as np
import pytest

from machinami.config import Config, EvaluateConfig, SplitConfig
from machinami.evaluate.figures import Outcome, evaluation_figures
from machinami.split import SplitPhoto, split_photos

CONFIG = Config(evaluate=EvaluateConfig(draws=200))


def outcome(places, *, photos=120, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, places, photos)
    logits = (rng.normal(0, 1, (photos, places)) + 3 * np.eye(places)[labels]).astype(np.float32)
    blocks = [f"{label}/{row % 7:04d}" for row, label in enumerate(labels)]
    return Outcome(labels=labels, logits=logits, blocks=blocks)


@pytest.fixture(scope="module")
def split():
    photos = [
        SplitPhoto(photo_id=i, place="ab"[i % 2], lat=35.6 + (i // 40) * 0.002, lon=139.7 + (i % 40) * 0.002)
        for i in range(1_600)
    ]
    return split_photos(photos, SplitConfig(), seed=0)


def test_the_fields_are_the_promised_ones(split):
    found = evaluation_figures(["a", "b", "c"], outcome(3), temperature=1.5, config=CONFIG, split=split, test_opened=2)
    assert set(found) == {
        "places",
        "test",
        "per_place",
        "confusion",
        "split",
        "random_split",
        "cross_validation",
        "baselines",
        "confounds",
        "test_opened",
        "top_k",
        "reliability",
        "selective",
        "similar_pairs",
        "place_order",
        "learning_curve",
        "matched",
        "verdict",
        "branded",
    }
    assert set(found["test"]) == {
        "photos",
        "blocks",
        "accuracy",
        "balanced_accuracy",
        "macro_f1",
        "nll",
        "brier",
        "ece",
        "ece_expected",
        "ece_uncalibrated",
    }
    assert set(found["per_place"]["a"]) == {"photos", "blocks", "precision", "recall", "f1"}
    assert set(found["split"]) == {"strategy", "block_m", "buffer_m", "test_to_train_m", "near_duplicates_across"}
    assert found["test_opened"] == 2
    assert set(found["top_k"]) == {"2"}
    json.dumps(found, allow_nan=False)


def test_the_figures_fit_together():
    data = outcome(3)
    found = evaluation_figures(["a", "b", "c"], data, temperature=2.0, config=CONFIG)
    test, confusion = found["test"], np.array(found["confusion"])
    assert test["photos"] == confusion.sum() == 120
    assert test["blocks"] == len(set(data.blocks)) == sum(row["blocks"] for row in found["per_place"].values())
    assert test["accuracy"]["value"] == pytest.approx(np.trace(confusion) / 120)
    for name in ("accuracy", "balanced_accuracy", "macro_f1"):
        assert 0 <= test[name]["low"] <= test[name]["value"] <= test[name]["high"] <= 1
    assert found["split"] is None
    cold = evaluation_figures(["a", "b", "c"], data, temperature=1.0, config=CONFIG)
    assert cold["test"]["ece"] == cold["test"]["ece_uncalibrated"] == test["ece_uncalibrated"] != test["ece"]
    assert cold["test"]["accuracy"] == test["accuracy"]


def test_two_places_have_no_top_k_and_absent_ones_no_figures():
    assert evaluation_figures(["a", "b"], outcome(2), temperature=1, config=CONFIG)["top_k"] is None
    data = outcome(2)
    wider = np.pad(data.logits, ((0, 0), (0, 1)), constant_values=-50)
    lone = Outcome(labels=data.labels, logits=wider, blocks=data.blocks)
    found = evaluation_figures(["a", "b", "c"], lone, temperature=1, config=CONFIG)
    absent = {"photos": 0, "blocks": 0, "precision": None, "recall": None, "f1": None}
    assert found["per_place"]["c"] == absent


def test_no_photos_at_all_give_nones():
    nothing = Outcome(labels=np.zeros(0, np.int64), logits=np.zeros((0, 2), np.float32), blocks=[])
    test = evaluation_figures(["a", "b"], nothing, temperature=1, config=CONFIG)["test"]
    assert test.pop("photos") == test.pop("blocks") == 0
    assert set(test.values()) == {None}
