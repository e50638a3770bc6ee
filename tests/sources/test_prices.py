import math
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machinami.sources.prices import (
    PRICE_LIST_URL,
    TIERS,
    billing_month,
    cost_micro_usd,
    price_notes,
    split_by_tier,
    total_cost_usd,
)

WORKED = {10_000: 0, 30_000: 140, 50_000: 280, 100_000: 630, 200_000: 1190, 500_000: 2870}


@pytest.mark.parametrize(("images", "usd"), WORKED.items())
def test_worked_totals(images, usd):
    assert total_cost_usd(images) == usd


@pytest.mark.parametrize(
    ("nth", "micro_usd"),
    [
        (1, 0), (10_000, 0), (10_001, 7000), (100_000, 7000), (100_001, 5600), (500_000, 5600), (500_001, 4200),
        (1_000_000, 4200), (1_000_001, 2100), (5_000_000, 2100), (5_000_001, 530), (10**9, 530),
    ],
)  # fmt: skip
def test_the_first_and_the_last_image_of_each_tier(nth, micro_usd):
    assert cost_micro_usd(nth) == micro_usd


def test_what_was_used_this_month_is_not_free_again():
    shares = split_by_tier(30_000, 4_000)
    assert [(share.images, share.cost_usd) for share in shares] == [(6_000, 0), (24_000, 168)]
    assert total_cost_usd(30_000, 4_000) == 168
    assert total_cost_usd(30_000, 4_000) == total_cost_usd(34_000) - total_cost_usd(4_000)


@given(st.integers(0, 130), st.integers(9_900, 10_050) | st.integers(99_900, 100_050))
def test_a_sum_is_the_sum_of_its_images(images, used):
    one_by_one = sum(cost_micro_usd(used + n) for n in range(1, images + 1))
    assert total_cost_usd(images, used) == one_by_one / 1e6
    assert sum(share.images for share in split_by_tier(images, used)) == images


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7))
def test_two_orders_cost_as_much_as_one(first, second, used):
    parts = total_cost_usd(first, used) + total_cost_usd(second, used + first)
    assert math.isclose(total_cost_usd(first + second, used), parts, abs_tol=1e-6)


@pytest.mark.parametrize("wrong", [lambda: cost_micro_usd(0), lambda: split_by_tier(-1), lambda: split_by_tier(1, -1)])
def test_what_cannot_be_counted(wrong):
    with pytest.raises(ValueError):
        wrong()


def test_the_tiers_follow_one_another():
    ends = [tier.last for tier in TIERS]
    assert ends[-1] is None
    assert ends[:-1] == sorted(ends[:-1])


@pytest.mark.parametrize(
    ("moment", "month"),
    [
        ("2026-12-01T07:59:59+00:00", "2026-11"),  # winter: eight hours behind
        ("2026-12-01T08:00:00+00:00", "2026-12"),
        ("2026-12-01T16:59:59+09:00", "2026-11"),
        ("2026-07-01T06:59:59+00:00", "2026-06"),  # summer: seven
        ("2026-07-01T07:00:00+00:00", "2026-07"),
        ("2027-01-01T00:00:00-08:00", "2027-01"),
    ],
)
def test_months_are_googles(moment, month):
    assert billing_month(datetime.fromisoformat(moment)) == month


def test_a_moment_without_offset_has_no_month():
    with pytest.raises(ValueError, match="offset"):
        billing_month(datetime(2026, 11, 30))  # noqa: DTZ001


def test_a_months_end_makes_images_free_again():
    """12,000 images, of which 6,000 leave before the end of the month by Pacific time."""
    end = datetime(2026, 12, 1, 8, tzinfo=UTC)
    used, cost = {}, 0
    for n in range(12_000):
        month = billing_month(end + timedelta(seconds=n - 6_000))
        used[month] = used.get(month, 0) + 1
        cost += cost_micro_usd(used[month])
    assert used == {"2026-11": 6_000, "2026-12": 6_000}
    assert cost == 0 < total_cost_usd(12_000)


def test_the_list_is_named_and_grows_old():
    young, old = price_notes(date(2026, 11, 23)), price_notes(date(2027, 3, 2))
    assert PRICE_LIST_URL in young[0]
    assert "2025-03-01" in young[0]
    assert old[:-1] == young
    assert "more than two years old" in old[-1]
