"""What collecting would ask for, place by place: requests, minutes, gigabytes and dollars, before anything is asked."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from machinami.areas import Area
from machinami.collect.ledger import LedgerSummary
from machinami.config import Config
from machinami.sources.prices import PRICE_LIST_URL, TierShare, price_notes, split_by_tier
from machinami.sources.source import Estimate, Source

__all__ = ["Money", "PlacePlan", "Plan", "make_plan"]

_MICRO = 1_000_000
_BYTES_IN_A_GIGABYTE = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacePlan:
    """What collecting one place would take."""

    place: str
    photos: int  # still wanted
    searches: int  # questions where photos are; for a source that is asked spot by spot, the samples
    requests: Mapping[str, int]  # by host, searches and images, without repeats
    minutes: float  # at the configured pace: at least so many
    gigabytes: float
    cost_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """What the images would cost, and what is left to spend."""

    month: str  # by Google's calendar
    used_this_month: int  # images this project asked for in it
    tiers: tuple[TierShare, ...]  # the images to come, by price; the month's free part comes first
    cost_usd: float
    spent_usd: float  # in the life of the project, by the ledger
    max_cost_usd: float

    @property
    def free_images(self) -> int:
        """Images to come that fall into the month's free part."""
        return sum(share.images for share in self.tiers if share.micro_usd == 0)

    @property
    def left_usd(self) -> float:
        """Dollars left under the ceiling now."""
        return max(0.0, round(self.max_cost_usd - self.spent_usd, 6))

    @property
    def suffices(self) -> bool:
        """Whether the ceiling allows all of it."""
        return self.cost_usd == 0 or self.cost_usd <= self.left_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What collecting would take, for each place and in all."""

    source: str
    terms_url: str
    places: tuple[PlacePlan, ...]
    requests_left: int  # image requests that budget.max_photos still allows
    money: Money | None  # None where the source is free
    notes: tuple[str, ...] = ()

    @property
    def photos(self) -> int:
        """Photos still wanted, which are image requests at least."""
        return sum(place.photos for place in self.places)

    @property
    def requests(self) -> dict[str, int]:
        """Requests by host, sorted."""
        total: Counter[str] = Counter()
        for place in self.places:
            total.update(place.requests)
        return dict(sorted(total.items()))

    @property
    def minutes(self) -> float:
        """One place after the other."""
        return sum(place.minutes for place in self.places)

    @property
    def gigabytes(self) -> float:
        """Of all images together."""
        return sum(place.gigabytes for place in self.places)

    @property
    def cost_usd(self) -> float:
        """Of all images to come."""
        return 0.0 if self.money is None else self.money.cost_usd

    def to_json(self) -> dict[str, Any]:
        """The whole plan for `plan --json`."""
        return {
            "source": self.source,
            "terms_url": self.terms_url,
            "places": [asdict(place) | {"requests": dict(place.requests)} for place in self.places],
            "total": {
                "photos": self.photos,
                "requests": self.requests,
                "minutes": self.minutes,
                "gigabytes": self.gigabytes,
                "cost_usd": self.cost_usd,
            },
            "requests_left": self.requests_left,
            "money": None if self.money is None else _money_json(self.money),
            "notes": list(self.notes),
        }


def _money_json(money: Money) -> dict[str, Any]:
    tiers = [
        {"images": share.images, "usd_per_1000": share.micro_usd / 1000, "cost_usd": share.cost_usd}
        for share in money.tiers
    ]
    derived = {"free_images": money.free_images, "left_usd": money.left_usd, "suffices": money.suffices}
    return asdict(money) | derived | {"tiers": tiers, "price_list": PRICE_LIST_URL}


def make_plan(
    source: Source,
    areas: Mapping[str, Area],
    config: Config,
    ledger: LedgerSummary,
    *,
    today: date,
    kept: Mapping[str, int] | None = None,
) -> Plan:
    """What collecting the areas would take, with `kept` photos of each place there already. Asks nothing.

    Prices continue where the month's requests in the ledger end, place after place in the order of `areas`.
    """
    kept = kept or {}
    used = ledger.used_this_month
    places, estimates = [], []
    for place, area in areas.items():
        photos = max(0, config.sampling.per_place - kept.get(place, 0))
        estimate = source.plan(area, photos=photos)
        tiers = split_by_tier(estimate.paid_images, used)
        used += estimate.paid_images
        places.append(_plan_place(place, photos, estimate, tiers))
        estimates.append(estimate)
    paid = sum(estimate.paid_images for estimate in estimates)
    money = _plan_money(paid, ledger) if paid else None
    return Plan(
        source=source.name,
        terms_url=source.terms.url,
        places=tuple(places),
        requests_left=ledger.requests_left,
        money=money,
        notes=tuple(_notes(estimates, money, ledger, today)),
    )


def _plan_place(place: str, photos: int, estimate: Estimate, tiers: Sequence[TierShare]) -> PlacePlan:
    return PlacePlan(
        place=place,
        photos=photos,
        searches=sum(estimate.requests.values()) - estimate.images,
        requests=dict(sorted(estimate.requests.items())),
        minutes=estimate.minutes,
        gigabytes=estimate.image_bytes / _BYTES_IN_A_GIGABYTE,
        cost_usd=_cost_usd(tiers),
    )


def _cost_usd(tiers: Sequence[TierShare]) -> float:
    return sum(share.images * share.micro_usd for share in tiers) / _MICRO


def _plan_money(paid: int, ledger: LedgerSummary) -> Money:
    tiers = split_by_tier(paid, ledger.used_this_month)
    return Money(
        month=ledger.month,
        used_this_month=ledger.used_this_month,
        tiers=tiers,
        cost_usd=_cost_usd(tiers),
        spent_usd=ledger.spent_micro_usd / _MICRO,
        max_cost_usd=ledger.max_cost_usd,
    )


def _notes(estimates: Sequence[Estimate], money: Money | None, ledger: LedgerSummary, today: date) -> list[str]:
    """What the source says (once each), what the prices leave out, and which ceiling is too low."""
    notes = list(dict.fromkeys(note for estimate in estimates for note in estimate.notes))
    images = sum(estimate.images for estimate in estimates)
    if images > ledger.requests_left:
        notes.append(
            f"budget.max_photos allows {ledger.requests_left:,} more image requests of the {images:,} planned: raise "
            "it under [budget], or give --max-photos"
        )
    if money is None:
        return notes
    if not money.suffices:
        notes.append(
            f"budget.max_cost_usd leaves {money.left_usd:,.2f} of the {money.cost_usd:,.2f} dollars planned: raise it "
            "under [budget], or give --max-cost"
        )
    return [*notes, *price_notes(today)]
