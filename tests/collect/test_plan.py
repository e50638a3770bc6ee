import json
from dataclasses import replace
from datetime import date

import pytest
import shapely

from machinami.areas import Area
from machinami.collect.ledger import LedgerSummary
from machinami.collect.plan import make_plan
from machinami.config import BudgetConfig, Config, SamplingConfig
from machinami.sources.source import Estimate, Terms

TODAY = date(2026, 11, 23)
FRESH = LedgerSummary(
    month="2026-11", used_this_month=0, requests=0, spent_micro_usd=0, unsettled=0, max_photos=10**6, max_cost_usd=0.0
)
AREAS = {
    name: Area(place=name, source="f", code=None, shape=shapely.box(139, 35, 139.1, 35.1))
    for name in ("chuo", "machida")
}


class Provider:
    name = "google"
    terms = Terms(name="G", licence="", attribution="", url="https://example.org/terms")
    spots = True

    def __init__(self, paid=True):
        self.paid = paid

    def plan(self, area, *, photos):
        return Estimate(
            requests={"maps": 3 * photos},
            images=photos,
            image_bytes=photos * 100_000,
            pace_per_s={"maps": 10.0},
            paid_images=photos if self.paid else 0,
            notes=("said once",),
        )


def plan(per_place, ledger=FRESH, *, paid=True, **options):
    config = Config(sampling=SamplingConfig(per_place=per_place), budget=BudgetConfig())
    return make_plan(Provider(paid), AREAS, config, ledger, today=TODAY, **options)


def test_each_place_and_all_of_them():
    made = plan(6000)
    first, second = made.places
    assert (first.place, first.photos, first.searches) == ("chuo", 6000, 12_000)
    assert (first.requests, first.minutes, first.gigabytes) == ({"maps": 18_000}, 30, 0.6)
    assert (first.cost_usd, second.cost_usd) == (0, 14), "the free part is used up on the way"
    assert (made.photos, made.requests, made.minutes, made.gigabytes) == (12_000, {"maps": 36_000}, 60, 1.2)
    assert made.terms_url == "https://example.org/terms"
    assert made.notes.count("said once") == 1


@pytest.mark.parametrize(("per_place", "usd"), [(5_000, 0), (15_000, 140), (50_000, 630), (100_000, 1190)])
def test_the_worked_totals(per_place, usd):
    made = plan(per_place)
    assert made.money.cost_usd == usd
    assert sum(place.cost_usd for place in made.places) == pytest.approx(usd)


def test_the_month_goes_on_where_the_ledger_ends():
    money = plan(15_000, replace(FRESH, used_this_month=4_000, requests=9_000, spent_micro_usd=500_000)).money
    assert [(share.images, share.micro_usd) for share in money.tiers] == [(6_000, 0), (24_000, 7_000)]
    assert (money.free_images, money.cost_usd, money.used_this_month, money.month) == (6_000, 168, 4_000, "2026-11")
    assert money.spent_usd == 0.5


@pytest.mark.parametrize(("ceiling", "left", "suffices"), [(0, 0, False), (28.5, 27.5, False), (29, 28, True)])
def test_what_is_left_under_the_ceiling(ceiling, left, suffices):
    ledger = replace(FRESH, used_this_month=10_000, spent_micro_usd=1_000_000, max_cost_usd=ceiling)
    made = plan(2_000, ledger)
    assert (made.money.cost_usd, made.money.left_usd, made.money.suffices) == (28, left, suffices)
    assert any("--max-cost" in note for note in made.notes) is not suffices


def test_free_images_need_no_money():
    made = plan(5_000)
    assert made.money.suffices
    assert not any("--max-cost" in note for note in made.notes)


def test_too_few_requests_are_told():
    assert not any("--max-photos" in note for note in plan(10, replace(FRESH, max_photos=20)).notes)
    made = plan(10, replace(FRESH, max_photos=22, requests=3))
    assert made.requests_left == 19
    (note,) = [note for note in made.notes if "--max-photos" in note]
    assert "19 more image requests of the 20" in note


def test_photos_there_already_are_not_planned_again():
    made = plan(300, kept={"chuo": 100, "machida": 400})
    assert [place.photos for place in made.places] == [200, 0]
    assert made.places[1].requests == {"maps": 0}
    assert made.places[1].minutes == 0


def test_a_free_source_has_no_money():
    made = plan(10**6, paid=False)
    assert made.money is None
    assert made.to_json()["money"] is None
    assert made.to_json()["total"]["cost_usd"] == 0
    assert not any("price" in note for note in made.notes)


def test_prices_say_where_they_are_from():
    assert any("2025-03-01" in note for note in plan(1).notes)


def test_as_json():
    value = json.loads(json.dumps(plan(15_000, replace(FRESH, used_this_month=4_000)).to_json()))
    assert value["total"] == {
        "photos": 30_000, "requests": {"maps": 90_000}, "minutes": 150.0, "gigabytes": 3.0, "cost_usd": 168.0
    }  # fmt: skip
    assert value["money"]["tiers"] == [
        {"images": 6_000, "usd_per_1000": 0.0, "cost_usd": 0.0},
        {"images": 24_000, "usd_per_1000": 7.0, "cost_usd": 168.0},
    ]
    assert value["money"]["price_list"].startswith("https://")
    assert value["places"][0] == {
        "place": "chuo", "photos": 15_000, "searches": 30_000, "requests": {"maps": 45_000}, "minutes": 75.0,
        "gigabytes": 1.5, "cost_usd": 63.0,
    }  # fmt: skip
