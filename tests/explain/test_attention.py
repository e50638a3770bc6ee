import json

import numpy as np
import pytest

from machinami.explain.attention import AttentionSettings, attention_table
from machinami.explain.attention_row import attention_row, evidence
from machinami.explain.upsample import pool_mask

REGIONS = ("left", "right")


def halves(left=0.5):
    """Cell shares of a mask whose left part is region 1, the rest region 2."""
    mask = np.full((70, 70), 2, np.uint8)
    mask[:, : round(70 * left)] = 1
    return pool_mask(mask, [1, 2], grid=(7, 7))


def row(seed, *, place=0, correct=True, block="b", towards=0.0):
    rng = np.random.default_rng(seed)
    maps = rng.normal(size=(3, 7, 7)).astype(np.float32)
    maps[place, :, :3] += towards
    return attention_row(maps, halves(rng.uniform(0.3, 0.7)), place=place, correct=correct, block=block)


def test_evidence_over_all_regions_is_the_logit_without_its_bias():
    maps = np.random.default_rng(0).normal(size=(5, 7, 7)).astype(np.float32)
    mask = np.random.default_rng(1).integers(0, 4, (97, 131), np.uint8)
    found = evidence(maps, pool_mask(mask, [1, 3], grid=(7, 7)))
    assert found.shape == (5, 3)
    np.testing.assert_allclose(found.sum(1), maps.sum((1, 2)), atol=1e-4)


def test_a_row_is_what_the_definition_says():
    rng = np.random.default_rng(2)
    maps, mask = rng.normal(size=(3, 4, 5)).astype(np.float32), rng.integers(0, 3, (40, 50), np.uint8)
    shares = pool_mask(mask, [1, 2], grid=(4, 5))
    found = attention_row(maps, shares, place=1, correct=True, block="b")
    support = opposition = 0.0
    by_region = np.zeros((2, 3))
    for i in range(4):
        for j in range(5):
            value = float(maps[1, i, j] - maps[:, i, j].mean())
            support += max(value, 0)
            opposition += max(-value, 0)
            for region in range(3):
                by_region[0, region] += max(value, 0) * shares[region, i, j]
                by_region[1, region] += max(-value, 0) * shares[region, i, j]
    np.testing.assert_allclose(found.share, by_region[0] / support, rtol=1e-4)
    np.testing.assert_allclose(found.against, by_region[1] / opposition, rtol=1e-4)
    np.testing.assert_allclose(found.share.sum(), 1, rtol=1e-5)
    np.testing.assert_allclose(found.area, [(mask == number).mean() for number in (1, 2, 0)], atol=1e-5)


def test_adding_one_map_to_all_places_changes_nothing():
    rng = np.random.default_rng(3)
    maps, common = rng.normal(size=(3, 7, 7)).astype(np.float32), rng.normal(size=(7, 7)).astype(np.float32)
    before, after = (attention_row(m, halves(), place=0, correct=True, block="b") for m in (maps, maps + common))
    np.testing.assert_allclose(before.share, after.share, atol=1e-5)
    np.testing.assert_allclose(before.against, after.against, atol=1e-5)


def test_the_table_is_what_the_definition_says():
    rows = [row(i, block=f"b{i % 12}", towards=1.0, correct=i % 4 > 0) for i in range(48)]
    table = attention_table(rows, places="abc", regions=REGIONS, settings=AttentionSettings(min_area=0.4))
    right = [r for r in rows if r.correct and r.area[0] >= 0.4]
    entry = table["places"]["a"]["left"]
    assert entry["photos"] == len(right) < 36
    assert entry["lift"] == pytest.approx(sum(r.share[0] for r in right) / sum(r.area[0] for r in right), abs=1e-5)
    assert entry["share"] == pytest.approx(np.mean([r.share[0] for r in right]), abs=1e-5)
    assert entry["area_share"] == pytest.approx(np.mean([r.area[0] for r in right]), abs=1e-5)
    assert entry["against"] == pytest.approx(np.mean([r.against[0] for r in right]), abs=1e-5)
    assert 1 < entry["low"] < entry["lift"] < entry["high"]
    assert entry["distinguishable"] is None
    assert table["all_photos"]["a"]["left"]["photos"] == len([r for r in rows if r.area[0] >= 0.4])
    assert table["places"]["b"]["left"] == {**dict.fromkeys(entry), "photos": 0}
    assert (table["regions"], table["blocks"], table["photos"]) == (["left", "right"], 12, 48)
    json.dumps(table, allow_nan=False)


def test_a_uniform_map_has_lift_one():
    maps = np.zeros((2, 7, 7), np.float32)
    maps[0] = 1
    rows = [
        attention_row(maps, halves(left), place=0, correct=True, block=str(left)) for left in np.linspace(0.2, 0.8, 12)
    ]
    entry = attention_table(rows, places="ab", regions=REGIONS, settings=AttentionSettings())["places"]["a"]["left"]
    assert (entry["lift"], entry["low"], entry["high"]) == pytest.approx((1, 1, 1), abs=1e-5)
    assert entry["against"] is None  # nothing speaks against: no number, and no 0


def test_a_planted_cue_is_found():
    maps = np.random.default_rng(0).normal(0, 0.01, (12, 2, 7, 7)).astype(np.float32)
    maps[:, 0, :, 0] += 1  # all that speaks for place a is in the leftmost column
    rows = [attention_row(m, halves(0.2), place=0, correct=True, block=str(i)) for i, m in enumerate(maps)]
    entries = attention_table(rows, places="ab", regions=REGIONS, settings=AttentionSettings())["places"]["a"]
    assert entries["left"]["low"] > 3
    assert entries["right"]["high"] < 0.3


def test_few_photos_get_a_dash():
    rows = [row(i, block=f"b{i}") for i in range(9)]
    table = attention_table(rows, places="abc", regions=REGIONS, settings=AttentionSettings(min_photos=10))
    entry = table["places"]["a"]["left"]
    assert entry.pop("photos") == 9
    assert set(entry.values()) == {None}


def test_maps_without_positive_evidence_are_counted_not_averaged():
    maps = np.zeros((3, 7, 7), np.float32)
    maps[0] = -1
    silent = [attention_row(maps, halves(), place=0, correct=False, block="x") for _ in range(4)]
    rows = [row(i, block=f"b{i}") for i in range(12)]
    table = attention_table(rows + silent, places="abc", regions=REGIONS, settings=AttentionSettings())
    assert table["no_positive_evidence"] == {"a": 4, "b": 0, "c": 0}
    assert table["all_photos"]["a"]["left"]["photos"] == 12
    assert silent[0].share is None
    assert silent[0].against.sum() == pytest.approx(1)


def test_blocks_are_counted_for_each_lift():
    rows = [row(i, block=f"b{i % 3}") for i in range(12)] + [row(99, block="far", correct=False)]
    rows += [row(i, place=1, block="c") for i in range(12)]
    table = attention_table(rows, places="abc", regions=REGIONS, settings=AttentionSettings())
    assert table["lift_blocks"] == {
        "a": {"left": 3, "right": 3},
        "b": {"left": 1, "right": 1},
        "c": {"left": 0, "right": 0},
    }
