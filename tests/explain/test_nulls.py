import tracemalloc

import numpy as np
import pytest

from machinami.explain.attention import AttentionSettings, table_of_sums
from machinami.explain.attention_row import attention_row
from machinami.explain.attention_sums import AttentionSums
from machinami.explain.excess import excess_by_place
from machinami.explain.lift_draws import LiftDraws
from machinami.explain.nulls import Nulls, judge
from machinami.explain.other_maps import KEPT, OtherMaps
from machinami.explain.spill import Spill, SpilledPhoto
from machinami.explain.upsample import pool_mask

SETTINGS = AttentionSettings(draws=200)
REGIONS = ("cue", "rest")


def made_photo(rng, *, cue=0.0, middle=1.0):
    """Maps (2, 7, 7) with more evidence in the middle, and on a 14-pixel square where `cue` says so; cell shares."""
    mask = np.full((56, 56), 2, np.uint8)
    top, left = rng.integers(0, 42, 2)
    mask[top : top + 14, left : left + 14] = 1
    shares = pool_mask(mask, [1, 2], grid=(7, 7))
    maps = rng.normal(0, 1, (2, 7, 7)).astype(np.float32)
    maps[0] += middle * np.outer(np.hanning(9)[1:-1], np.hanning(9)[1:-1]) + cue * shares[0]
    return maps, shares


def told(photos, folder, *, draws=60, heads=False):
    """Table of the lifts of place 0 and their nulls, from (maps, shares, block) of photos told rightly."""
    sums = AttentionSums(SETTINGS.min_area)
    with Nulls(places=2, regions=2, draws=draws, settings=SETTINGS, folder=folder) as nulls:
        for maps, shares, block in photos:
            sums.add(attention_row(maps, shares, place=0, correct=True, block=block))
            other = np.random.default_rng(0).normal(size=(draws, 7, 7)) if heads else None
            nulls.add(0, block, maps[0] - maps.mean(0), shares, other)
        baselines = nulls.tables("ab", REGIONS)
    table = table_of_sums(sums, places="ab", regions=REGIONS, settings=SETTINGS)
    excess = excess_by_place(sums, nulls.prior, "ab", REGIONS, SETTINGS)
    return judge(table["places"], baselines, excess)["a"], baselines


def town(seed, *, cue=0.0, blocks=8, photos=6):
    """Photos of blocks that each have a way of their own, so that neighbours resemble each other."""
    rng = np.random.default_rng(seed)
    for block in range(blocks):
        own = rng.normal(0, 0.5, (2, 7, 7)).astype(np.float32)
        for _ in range(photos):
            maps, shares = made_photo(rng, cue=cue)
            yield maps + own, shares, f"b{block}"


def test_a_planted_cue_is_told_from_chance(tmp_path):
    found, baselines = told(town(0, cue=4.0), tmp_path, heads=True)
    assert found["cue"]["low"] > 1
    assert found["cue"]["distinguishable"] is True
    assert set(baselines) == {"position", "permuted", "random_head"}
    for table in baselines.values():
        assert table["a"]["cue"]["low"] <= table["a"]["cue"]["lift"] <= table["a"]["cue"]["high"]
        assert table["b"]["cue"] == {"lift": None, "low": None, "high": None}


def test_what_lies_in_the_middle_gets_its_baseline(tmp_path):
    """A mark at the same spot of every photo, where the evidence is anyway, has a lift above 1 that is not its own."""
    rng = np.random.default_rng(3)
    mask = np.full((56, 56), 2, np.uint8)
    mask[20:36, 20:36] = 1
    shares = pool_mask(mask, [1, 2], grid=(7, 7))
    photos = [(made_photo(rng, middle=3.0)[0], shares, f"b{n // 6}") for n in range(60)]
    found, baselines = told(photos, tmp_path)
    assert found["cue"]["low"] > 1.2
    assert found["cue"]["distinguishable"] is False
    assert baselines["position"]["a"]["cue"]["lift"] == pytest.approx(found["cue"]["lift"], rel=0.05)


def test_false_alarms_are_rare_and_cues_are_found(tmp_path):
    """Eight blocks, as a test fold of a few hundred photos has."""
    alarms = [told(town(seed), tmp_path)[0]["cue"]["distinguishable"] for seed in range(60)]
    finds = [told(town(seed, cue=4.0), tmp_path)[0]["cue"]["distinguishable"] for seed in range(100, 110)]
    assert sum(alarms) / len(alarms) <= 0.05
    assert sum(finds) / len(finds) >= 0.9


def test_one_block_tells_nothing(tmp_path):
    found, baselines = told(town(0, cue=4.0, blocks=1, photos=20), tmp_path)
    assert found["cue"]["lift"] > 1
    assert found["cue"]["distinguishable"] is False
    assert baselines["position"]["a"]["cue"]["lift"] is None


def test_the_seed_decides(tmp_path):
    assert told(town(1), tmp_path) == told(town(1), tmp_path)


def test_a_lift_must_be_clear_of_both_bands_and_of_the_prior_in_the_same_photos():
    def entry(low, high):
        return {"lift": (low + high) / 2, "low": low, "high": high}

    def verdict(lift, position, permuted, excess):
        baselines = {"position": {"a": {"x": position}}, "permuted": {"a": {"x": permuted}}}
        places = {"a": {"x": {**lift, "distinguishable": None}}}
        return judge(places, baselines, {"a": {"x": excess}})["a"]["x"]["distinguishable"]

    nothing = dict.fromkeys(("lift", "low", "high"))
    more, less, unclear = entry(0.1, 0.9), entry(-0.9, -0.1), entry(-0.1, 0.9)
    lift = entry(1.35, 1.65)
    assert verdict(lift, entry(1, 1.4), entry(0.9, 1.45), more)
    assert verdict(entry(0.1, 0.2), entry(1, 1.4), entry(0.9, 1.3), less)
    assert verdict(lift, entry(1, 1.4), entry(0.9, 1.3), unclear) is False
    assert verdict(lift, entry(1, 1.4), entry(0.9, 1.6), more) is False  # inside a band
    assert verdict(lift, entry(1, 1.6), entry(0.9, 1.4), more) is False
    assert verdict(lift, entry(0.5, 0.9), entry(2.5, 3), more) is False  # above one, below the other
    assert verdict(lift, nothing, nothing, nothing) is False
    assert verdict(nothing, entry(1, 1.4), entry(0.9, 1.3), more) is None


def test_the_excess_is_taken_photo_by_photo(tmp_path):
    """Σ (share − share under the mean map of the other blocks) / Σ area, from the definition."""
    photos = list(town(5, cue=2.0))
    sums = AttentionSums(SETTINGS.min_area)
    with Nulls(places=2, regions=2, draws=5, settings=SETTINGS, folder=tmp_path) as nulls:
        for maps, shares, block in photos:
            sums.add(attention_row(maps, shares, place=0, correct=True, block=block))
            nulls.add(0, block, maps[0] - maps.mean(0), shares, None)
        nulls.tables("ab", REGIONS)
    found = excess_by_place(sums, nulls.prior, "ab", REGIONS, SETTINGS)["a"]["cue"]
    support = [(maps[0] - maps.mean(0)).clip(0) for maps, _, _ in photos]
    support = [one / one.sum() for one in support]
    more = area = 0.0
    for (_, shares, block), own in zip(photos, support, strict=True):
        prior = np.mean([s for s, (_, _, other) in zip(support, photos, strict=True) if other != block], axis=0)
        more += ((own - prior / prior.sum()) * shares[0]).sum()
        area += shares[0].mean()
    assert found["value"] == pytest.approx(more / area, abs=1e-3)
    assert found["low"] < found["value"] < found["high"]


def test_other_maps_are_of_other_blocks():
    others = OtherMaps(draws=20, seed=0)
    for block in range(4):
        for number in range(block + 1):
            others.add(0, block, np.full((2, 2), 10 * block + number, np.float32))
    others.add(1, 9, np.ones((2, 2), np.float32))
    np.testing.assert_allclose(others.prior(0, 1), np.mean([0, 20, 21, 22, 30, 31, 32, 33]))
    for block in range(4):
        drawn = others.drawn(0, block)
        assert drawn.shape == (20, 2, 2)
        assert {int(value) // 10 for value in drawn.ravel()} == set(range(4)) - {block}
    assert others.prior(1, 9) is None
    assert others.drawn(1, 9) is None


def test_a_block_takes_the_maps_of_one_other_in_a_draw():
    others = OtherMaps(draws=30, seed=0)
    for block in range(5):
        for number in range(3):
            others.add(0, block, np.full((1, 1), 10 * block + number, np.float32))
    first, second = others.drawn(0, 2).ravel(), others.drawn(0, 2).ravel()
    assert (first // 10 == second // 10).all()
    assert (first != second).all()


def test_lifts_of_draws_are_what_the_definition_says():
    rng = np.random.default_rng(0)
    sums = LiftDraws(places=1, draws=3, regions=2, min_area=0.3)
    top, bottom = np.zeros((3, 2)), np.zeros((3, 2))
    for _ in range(12):
        mask = rng.integers(1, 4, (20, 20), np.uint8)
        mask[: rng.integers(20)] = 1
        shares = pool_mask(mask, [1, 2], grid=(5, 5))
        maps = rng.normal(size=(3, 5, 5)).astype(np.float32)
        maps[2] = -1 if rng.random() < 0.3 else maps[2]  # no positive evidence in some
        sums.add(0, maps, shares)
        for draw in range(3):
            for region in range(2):
                area = shares[region].mean()
                if area >= 0.3 and (maps[draw] > 0).any():
                    top[draw, region] += (maps[draw].clip(0) * shares[region]).sum() / maps[draw].clip(0).sum()
                    bottom[draw, region] += area
    found = sums.bands("a", "xy", min_photos=1, level=0.5)["a"]["x"]
    lifts = top[:, 0] / bottom[:, 0]
    assert found["lift"] == pytest.approx(lifts.mean(), abs=1e-5)
    assert (found["low"], found["high"]) == pytest.approx(tuple(np.quantile(lifts, [0.25, 0.75])), abs=1e-5)
    assert sums.bands("a", "xy", min_photos=13, level=0.5)["a"]["x"]["lift"] is None


def test_what_is_set_aside_comes_back(tmp_path):
    rng = np.random.default_rng(0)
    photos = [SpilledPhoto(n % 2, n % 7, rng.random((3, 7, 7)).astype(np.float32)) for n in range(600)]
    with Spill(tmp_path) as spill:
        assert list(spill) == []
        for photo in photos:
            spill.add(photo)
        for _ in range(2):
            back = list(spill)
            assert [photo[:2] for photo in back] == [photo[:2] for photo in photos]
            np.testing.assert_allclose(
                np.stack([p.shares for p in back]), np.stack([p.shares for p in photos]), atol=1e-3
            )
    assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_the_photos(tmp_path):
    rng = np.random.default_rng(0)
    photos = [(*made_photo(rng), f"b{n % 12}") for n in range(12 * KEPT)]

    def peak(times):
        tracemalloc.start()
        told((photo for _ in range(times) for photo in photos), tmp_path, draws=10)
        high = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return high

    peak(1)
    assert peak(12) < 1.1 * peak(4)
