"""The gap between a random split and blocks: there where ground is planted in the photos, and gone where it is not."""

import numpy as np
import pytest

from machinami.config import Config, EvaluateConfig, SplitConfig
from machinami.evaluate.figures import Outcome, evaluation_figures
from machinami.evaluate.random_split import deal_subsets, gap_figures, gap_interval
from machinami.split import SplitPhoto, split_photos
from machinami.train.probe import fit_probe

CONFIG = Config(evaluate=EvaluateConfig(draws=200))
PLACES, BLOCKS, PHOTOS, WIDTH = 2, 25, 8, 120


def ground(split_seed):
    """Photos on a grid of blocks for each place, in the middle of their block, and their split."""
    photos = []
    for place in range(PLACES):
        for block in range(BLOCKS):
            for photo in range(PHOTOS):
                lat = 35.6 + place * 0.2 + (block // 5) * 0.00449 + photo * 0.0001
                lon = 139.7 + (block % 5) * 0.00552
                photos.append(SplitPhoto(photo_id=len(photos) + 1, place="ab"[place], lat=lat, lon=lon))
    return photos, split_photos(photos, SplitConfig(buffer_m=0), seed=split_seed)


def outcome(vectors, labels, blocks, subsets):
    """The recipe of this test: a linear probe of the training photos, asked of the test photos."""
    train, test = (np.array(subsets) == name for name in ("train", "test"))
    probe = fit_probe(vectors[train], labels[train], places=PLACES, validation=None, strength=1e-2)
    logits = vectors[test] @ probe.weight.T + probe.bias
    return Outcome(labels=labels[test], logits=logits, blocks=[b for b, t in zip(blocks, test, strict=True) if t])


def measured_gap(seed, *, planted):
    """The part "random_split" for vectors whose photos share `planted` of their variance with their block."""
    rng = np.random.default_rng(seed)
    photos, split = ground(seed)
    labels = np.array(["ab".index(photo.place) for photo in photos])
    block_of, subset_of = split.block_of(), split.subset_of()
    blocks = [block_of[photo.photo_id] for photo in photos]
    subsets = [subset_of[photo.photo_id] for photo in photos]
    _, number = np.unique(blocks, return_inverse=True)
    means = rng.normal(size=(PLACES, WIDTH)) * 0.1
    shared = rng.normal(size=(number.max() + 1, WIDTH))[number] * np.sqrt(planted)
    own = rng.normal(size=(len(photos), WIDTH)) * np.sqrt(1 - planted)
    vectors = (means[labels] + shared + own).astype(np.float32)
    by_blocks = outcome(vectors, labels, blocks, subsets)
    dealt = deal_subsets(labels, subsets, seed=seed)
    test = evaluation_figures("ab", by_blocks, temperature=1, config=CONFIG)["test"]
    return gap_figures(outcome(vectors, labels, blocks, dealt), test, config=CONFIG)


@pytest.mark.slow
@pytest.mark.parametrize("planted", [0.7, 0.0])
def test_the_gap_is_there_where_ground_is_planted_and_gone_where_it_is_not(planted):
    found = [measured_gap(seed, planted=planted) for seed in range(100)]
    for name in ("gap", "balanced_gap"):
        gaps = np.array([one[name] for one in found])
        low, high = (np.array([one[f"{name}_{end}"] for one in found]) for end in ("low", "high"))
        shown, none = np.mean(low > 0), np.mean((low <= 0) & (high >= 0))
        print(f"{planted=}: {name} {gaps.mean():+.3f} (sd {gaps.std():.3f}); above 0 {shown:.0%}, around 0 {none:.0%}")  # noqa: T201
        if planted:
            assert gaps.mean() > 0.2
            assert (gaps > 0).mean() >= 0.95
            assert shown >= 0.75
        else:
            assert abs(gaps.mean()) < 3 * gaps.std() / np.sqrt(len(gaps))
            assert none >= 0.9


def test_photos_are_dealt_singly_evenly_and_without_those_the_buffer_dropped():
    photos, split = ground(0)
    labels = np.array(["ab".index(photo.place) for photo in photos])
    subsets = [
        "dropped" if row % 20 == 0 else ("test", "validation", *["train"] * 3)[row // 8 % 5]
        for row in range(len(photos))
    ]
    dealt = np.array(deal_subsets(labels, subsets, seed=0))
    assert (dealt == "dropped").tolist() == [subset == "dropped" for subset in subsets]
    for place in range(PLACES):
        counts = [int(((labels == place) & (dealt == name)).sum()) for name in ("test", "validation", "train")]
        assert counts == [
            sum(subset == name for subset, label in zip(subsets, labels, strict=True) if label == place)
            for name in ("test", "validation", "train")
        ]
    blocks = np.array([split.block_of()[photo.photo_id] for photo in photos])
    assert len(set(blocks[dealt == "test"])) > 30  # of 50: blocks are torn apart
    assert deal_subsets(labels, subsets, seed=0) == dealt.tolist()
    assert deal_subsets(labels, subsets, seed=1) != dealt.tolist()


def test_the_interval_of_two_shares_is_newcombes():
    # Newcombe 1998, Statistics in Medicine 17:873, table II, example (a): 56/70 − 48/80, method 10: 0.0524 to 0.3339.
    found = gap_interval(
        {"value": 56 / 70, "low": 0.6921, "high": 0.8766}, {"value": 48 / 80, "low": 0.4904, "high": 0.7005}
    )
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=2e-3)


def test_no_interval_without_both():
    whole = {"value": 0.9, "low": 0.8, "high": 1.0}
    assert gap_interval(whole, None) is None
    lone = gap_interval(whole, {"value": 0.5, "low": None, "high": None})
    assert (lone.value, lone.low, lone.high) == (pytest.approx(0.4), None, None)
