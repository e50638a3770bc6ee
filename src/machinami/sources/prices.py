"""What images of Street View cost: the price list as data, and sums over it in whole millionths of a dollar."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

__all__ = [
    "PRICE_LIST_SINCE", "PRICE_LIST_URL", "TIERS", "Tier", "TierShare", "billing_month", "cost_micro_usd",
    "price_notes", "split_by_tier", "total_cost_usd",
]  # fmt: skip

# "Static Street View" in the global list; India and contracts of one's own have other prices.
PRICE_LIST_URL = "https://developers.google.com/maps/billing-and-pricing/pricing"
PRICE_LIST_SINCE = date(2025, 3, 1)
_OLD_AFTER = timedelta(days=730)
_BILLING_ZONE = "America/Los_Angeles"  # Google's months begin at midnight Pacific time


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """The images of a month from the one after the tier below up to number `last`; None: all that follow."""

    last: int | None
    micro_usd: int  # millionths of a dollar for each image


TIERS = (
    Tier(last=10_000, micro_usd=0),
    Tier(last=100_000, micro_usd=7_000),
    Tier(last=500_000, micro_usd=5_600),
    Tier(last=1_000_000, micro_usd=4_200),
    Tier(last=5_000_000, micro_usd=2_100),
    Tier(last=None, micro_usd=530),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TierShare:
    """The part of some images that falls into one tier."""

    images: int
    micro_usd: int  # for each of them

    @property
    def cost_usd(self) -> float:
        """Dollars for all of them."""
        return self.images * self.micro_usd / 1_000_000


def cost_micro_usd(nth_of_month: int) -> int:
    """Millionths of a dollar that the nth image (from 1) of a month costs.

    >>> cost_micro_usd(10_000), cost_micro_usd(10_001), cost_micro_usd(100_001)
    (0, 7000, 5600)
    """
    if nth_of_month < 1:
        raise ValueError(f"images of a month are counted from 1, not {nth_of_month}")
    return next(tier.micro_usd for tier in TIERS if tier.last is None or nth_of_month <= tier.last)


def split_by_tier(images: int, already_used: int = 0) -> tuple[TierShare, ...]:
    """How many of the next `images` images fall into each tier, after `already_used` in the same month.

    Tiers without images are left out.

    >>> [(share.images, share.micro_usd) for share in split_by_tier(30_000, 4_000)]
    [(6000, 0), (24000, 7000)]
    """
    if images < 0 or already_used < 0:
        raise ValueError("neither images nor those used already can be fewer than none")
    return tuple(_shares(images, already_used))


def _shares(images: int, used: int) -> Iterator[TierShare]:
    for tier in TIERS:
        here = images if tier.last is None else min(images, max(0, tier.last - used))
        if here:
            yield TierShare(images=here, micro_usd=tier.micro_usd)
        images, used = images - here, used + here


def total_cost_usd(images: int, already_used: int = 0) -> float:
    """Dollars for the next `images` images of a month in which `already_used` were asked for before.

    >>> [total_cost_usd(n) for n in (10_000, 30_000, 100_000, 200_000)]
    [0.0, 140.0, 630.0, 1190.0]
    """
    return sum(share.images * share.micro_usd for share in split_by_tier(images, already_used)) / 1_000_000


def billing_month(moment: datetime) -> str:
    """The month that an image asked for at that moment is billed in, by Pacific time.

    Raises ValueError for a moment without its offset.

    >>> from datetime import UTC
    >>> billing_month(datetime(2026, 12, 1, 7, 59, tzinfo=UTC)), billing_month(datetime(2026, 12, 1, 8, tzinfo=UTC))
    ('2026-11', '2026-12')
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment} says no offset from UTC, so that its month is not known")
    return moment.astimezone(ZoneInfo(_BILLING_ZONE)).strftime("%Y-%m")


def price_notes(today: date) -> tuple[str, ...]:
    """What readers of a price should know: which list it is from, what is not in it, and whether it may be old."""
    which = f"prices: Google's global list in force since {PRICE_LIST_SINCE} ({PRICE_LIST_URL}), not India's"
    free = "the free part of a month is your billing account's: what other projects used of it is not known here"
    if today - PRICE_LIST_SINCE <= _OLD_AFTER:
        return (which, free)
    return (which, free, "this price list is more than two years old: compare it with Google's before you spend money")
