"""How a collection went."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["CollectReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectReport:
    """How a collection went. Counts are of this run; `by_place` of all that is kept now."""

    added: int
    already: int  # kept before this run
    by_place: Mapping[str, int]
    found: int = 0  # photos that the source was learned to have
    rejected: int = 0  # fetched, but of no use
    failed: int = 0  # gone, or undecodable
    unknown: int = 0  # photos and cells that could not be asked
    requests: Mapping[str, int] = field(default_factory=dict)  # that left, by host, repeats included
    cost_usd: float = 0.0
    notes: tuple[str, ...] = ()  # what else the reader should know
