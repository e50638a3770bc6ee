from collections import Counter

import pytest

from machinami.sources.town.district import district, district_number
from machinami.sources.town.plan import town_plan


def districts(seed, town):
    plan = town_plan(seed, town)
    return [district(plan.style_key, plan.key, x, y) for x in range(6) for y in range(6)]


@pytest.mark.parametrize("seed", [0, 1])
def test_all_towns_have_the_same_districts_in_another_order(seed):
    """Drawn for each town, 36 districts would differ enough by chance to tell the towns apart."""
    first, *others = (districts(seed, town) for town in "abcdef")
    assert len(set(first)) == 36
    for other in others:
        assert Counter(other) == Counter(first)
        assert sum(a == b for a, b in zip(other, first, strict=True)) < 8


def test_another_seed_has_other_districts():
    assert not set(districts(0, "a")) & set(districts(1, "a"))


@pytest.mark.parametrize("town", ["a", "b", "c", "d", "e", "f"])
def test_the_districts_cover_the_town_once(town):
    plan = town_plan(0, town)
    for streets in (plan.across_east, plan.across_north):
        assert {district_number(int(block)) for block in streets.block} == set(range(6))
