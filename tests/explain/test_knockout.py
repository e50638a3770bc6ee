import json

import numpy as np
import pytest
import torch
from torch import nn

from machinami.explain.attention import AttentionSettings, table_of_sums
from machinami.explain.attention_row import attention_row
from machinami.explain.attention_sums import AttentionSums
from machinami.explain.cam import heatmaps
from machinami.explain.centre import centred
from machinami.explain.choice import Candidate
from machinami.explain.examples import Example
from machinami.explain.excess import excess_by_place
from machinami.explain.fillings import FILLINGS
from machinami.explain.knockout import agreement, knock_out, knockout_table, regions_to_blank
from machinami.explain.nulls import Nulls, judge
from machinami.explain.regions import Regions
from machinami.explain.upsample import pool_mask
from machinami.models import PlaceModel

REGIONS = Regions((1, 2, 3), ("sticker", "mark", "street"))
SETTINGS = AttentionSettings(draws=200)
EDGE = 56


class Stickers(PlaceModel):
    """Sees red and green patches: red speaks for place a, its absence for b; green it sees and does not use."""

    def __init__(self):
        nn.Module.__init__(self)
        self.places = ("a", "b")
        self.dummy = nn.Parameter(torch.zeros(1))

    def features(self, images):
        other = images.mean(1, keepdim=True)
        seen = torch.cat([images[:, :1] - other, images[:, 1:2] - other, torch.ones_like(other)], 1).relu()
        return nn.functional.avg_pool2d(seen, EDGE // 7)

    def classify(self, maps):
        weight, bias = self.linear_head()
        return maps.mean((2, 3)) @ weight.T + bias

    def linear_head(self):
        return torch.tensor([[60.0, 0, 0], [0, 0, 1]]), torch.zeros(2)

    def stage_names(self):
        return ("last",)


def draw(number):
    """A photo of noise; place a has a red sticker somewhere, and all have a green mark somewhere."""
    rng = np.random.default_rng(number)
    place = number % 2
    image = rng.normal(0, 0.02, (1, EDGE, EDGE)).repeat(3, 0).astype(np.float32)
    mask = np.full((EDGE, EDGE), 3, np.uint8)
    spots = [(y, x) for y in (0, 14, 28, 42) for x in (0, 14, 28, 42)]
    spots = [spots[i] for i in rng.permutation(len(spots))]
    for kind, channel in [(2, 1)] + ([(1, 0)] if place == 0 else []):
        y, x = spots.pop()
        image[channel, y : y + 14, x : x + 14] += 1
        mask[y : y + 14, x : x + 14] = kind
    candidate = Candidate(photo_id=number, block=f"b{number % 16}", place=place, predicted=place, margin=1.0)
    return Example(candidate=candidate, image=torch.from_numpy(image), mask=mask)


@pytest.fixture(scope="module")
def photos():
    return [draw(number) for number in range(64)]


@pytest.fixture(scope="module")
def told(photos, tmp_path_factory):
    """Lifts with their verdicts, and the effects."""
    model, sums = Stickers(), AttentionSums(SETTINGS.min_area)
    found = heatmaps(model, torch.stack([photo.image for photo in photos]))
    assert found.closed_form
    with Nulls(places=2, regions=3, draws=50, settings=SETTINGS, folder=tmp_path_factory.mktemp("spill")) as nulls:
        for photo, maps, logits in zip(photos, found.maps.numpy(), found.logits, strict=True):
            place, block = photo.candidate.place, photo.candidate.block
            assert logits.argmax() == place
            shares = pool_mask(photo.mask, REGIONS.numbers, grid=(7, 7))
            sums.add(attention_row(maps, shares, place=place, correct=True, block=block))
            nulls.add(place, block, centred(maps)[place], shares, None)
        baselines = nulls.tables("ab", REGIONS.names)
    table = table_of_sums(sums, places="ab", regions=REGIONS.names, settings=SETTINGS)
    excess = excess_by_place(sums, nulls.prior, "ab", REGIONS.names, SETTINGS)
    lifts = judge(table["places"], baselines, excess)
    wanted = {0: REGIONS.names, 1: REGIONS.names}
    effects = knock_out(model, photos, regions=REGIONS, wanted=wanted, settings=SETTINGS)
    return lifts, knockout_table(effects, lifts, places="ab", regions=REGIONS, wanted=wanted, settings=SETTINGS)


def test_a_sticker_that_decides_has_lift_and_its_removal_flips_the_decision(told):
    lifts, effects = told
    assert lifts["a"]["sticker"]["low"] > 5
    assert lifts["a"]["sticker"]["distinguishable"] is True
    assert set(effects["a"]["sticker"]["effect"]) == {"blur", "mean", "inpaint"}
    for filling, effect in effects["a"]["sticker"]["effect"].items():
        assert effect["low"] > 0, filling
        assert effect["flips"] > 0.9 or filling == "blur"  # a blurred sticker is still red
        assert effect["control_flips"] == 0
    assert effects["a"]["sticker"]["agrees"] is True


def test_a_mark_in_all_places_gets_its_baseline(told):
    lifts, effects = told
    for place in "ab":
        assert lifts[place]["mark"]["low"] < 1.2
        entry = effects[place]["mark"]
        assert not any(effect["low"] > 0 for name, effect in entry["effect"].items() if name != "blur")
        assert all(effect["flips"] == 0 for effect in entry["effect"].values())


def test_effects_are_what_the_definition_says(photos, told):
    """One photo after the other, with the fillings and controls of the module."""
    from machinami.explain.control_regions import control_region

    model, rows = Stickers(), []
    for photo in photos:
        if photo.candidate.place:
            continue
        region = photo.mask == 1
        control = control_region(region, np.random.default_rng([SETTINGS.seed, photo.candidate.photo_id, 0]))
        lost = []
        for mask in (region, control):
            filled = FILLINGS["mean"](photo.image, torch.from_numpy(mask)[None])
            before, after = model(photo.image[None])[0], model(filled)[0]
            lost.append(float((before[0] - before.mean()) - (after[0] - after.mean())))
        rows.append((*lost, region.mean()))
    loss, control, area = np.array(rows).T
    effect = told[1]["a"]["sticker"]["effect"]["mean"]
    assert effect["loss"] == pytest.approx(loss.mean(), abs=1e-4)
    assert effect["control"] == pytest.approx(control.mean(), abs=1e-4)
    assert effect["value"] == pytest.approx((loss - control).mean(), abs=1e-4)
    assert effect["per_area"] == pytest.approx((loss - control).sum() / area.sum(), abs=1e-3)
    assert told[1]["a"]["sticker"]["photos"] == len(rows)


def test_few_photos_get_a_dash(photos):
    effects = knock_out(Stickers(), photos[:8], regions=REGIONS, wanted={0: ["sticker"]}, settings=SETTINGS)
    entry = effects.entry(0, 0, SETTINGS)
    assert entry["photos"] == 4
    assert {value for effect in entry["effect"].values() for value in effect.values()} == {None}
    assert effects.entry(1, 0, SETTINGS)["photos"] == 0
    json.dumps(entry, allow_nan=False)


def test_the_seed_decides(photos):
    def found(seed):
        settings = AttentionSettings(draws=50, min_photos=1, seed=seed)
        effects = knock_out(Stickers(), photos[:6], regions=REGIONS, wanted={0: ["street"]}, settings=settings)
        return effects.entry(0, 2, settings)

    assert found(0) == found(0)
    assert found(0) != found(1)


def lift(low, high, *, area=0.1, clear=True):
    return {"lift": (low + high) / 2, "low": low, "high": high, "area_share": area, "distinguishable": clear}


def effect(*lows):
    return {name: {"low": low} for name, low in zip(FILLINGS, lows, strict=True)}


def test_lift_and_effect_may_disagree():
    def verdict(lifted, effects):
        found = agreement(lifted, effects)
        return found["agrees"], found["disagreement"]

    assert verdict(lift(1.2, 2), effect(0.1, 0.2, -1)) == (True, None)
    assert verdict(lift(1.2, 2), effect(0.1, -0.2, -1)) == (False, "lift without effect")
    assert verdict(lift(1.2, 2, clear=False), effect(0.1, 0.2, 0.3)) == (False, "effect without lift")
    assert verdict(lift(0.2, 0.7), effect(-0.1, -0.2, -0.3)) == (True, None)
    assert verdict(lift(1.2, 2), effect(None, None, None)) == (None, None)


def test_what_stands_out_is_blanked_first():
    lifts = {
        "sky": lift(0.8, 1.1, area=0.5, clear=False),
        "road": lift(0.2, 0.4, area=0.3),
        "hedge": lift(1.2, 1.4, area=0.1),
        "glass": lift(1.2, 1.4, area=0.2),
        "car": {**lift(1, 1), "lift": None},
    }
    assert regions_to_blank(lifts, at_most=8) == ["glass", "hedge", "road", "sky"]
    assert regions_to_blank(lifts, at_most=1) == ["glass"]
