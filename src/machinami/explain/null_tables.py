"""The null models of a project's lifts: which are run, and what attention.json says of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from machinami.explain.attention import AttentionSettings
from machinami.explain.examples import examples
from machinami.explain.excess import excess_by_place
from machinami.explain.held_out import Findings, HeldOut
from machinami.explain.judges import RULE
from machinami.explain.nulls import Nulls, judge
from machinami.explain.random_weights import random_weights_table
from machinami.explain.spread import spread_photos
from machinami.progress import Progress

__all__ = ["gathering_nulls", "with_nulls"]


@contextmanager
def gathering_nulls(held_out: HeldOut, settings: AttentionSettings, folder: Path) -> Iterator[Nulls | None]:
    """What gathers for the null models; None where there are no masks, or `explain.null_draws` is 0."""
    draws = held_out.config.explain.null_draws
    if held_out.masks.regions is None or draws < 1:
        yield None
        return
    with Nulls(
        places=len(held_out.model.card.keys),
        regions=len(held_out.masks.regions.numbers),
        draws=draws,
        settings=settings,
        folder=folder,
    ) as nulls:
        yield nulls


def with_nulls(
    table: dict[str, Any], found: Findings, held_out: HeldOut, settings: AttentionSettings, progress: Progress
) -> dict[str, Any]:
    """The table with "baselines" and "excess", and "distinguishable" filled in; as it is without nulls."""
    if found.nulls is None or held_out.masks.regions is None:
        return table
    places = held_out.model.card.keys
    baselines = found.nulls.tables(places, held_out.masks.regions.names)
    if "random_head" in baselines and held_out.config.explain.null_photos > 0:
        unlearned = _random_weights(found, held_out, settings, progress)
        baselines |= {} if unlearned is None else {"random_weights": unlearned}
    excess = excess_by_place(found.sums, found.nulls.prior, places, held_out.masks.regions.names, settings)
    judged = judge(table["places"], baselines, excess)
    return {**table, "places": judged, "baselines": baselines, "excess": excess, "rule": RULE}


def _random_weights(
    found: Findings, held_out: HeldOut, settings: AttentionSettings, progress: Progress
) -> dict[str, dict[str, dict[str, Any]]] | None:
    assert held_out.masks.regions is not None
    explain = held_out.config.explain
    chosen = spread_photos(held_out.told_rightly(found.candidates), at_most=explain.null_photos, seed=settings.seed)
    device = next(held_out.network.parameters()).device
    shown = progress.track(
        examples(held_out, chosen), total=len(chosen), label="Reading photos for networks of random weights"
    )
    return random_weights_table(
        held_out.model.network.to(device),
        shown,
        places=held_out.model.card.keys,
        regions=held_out.masks.regions,
        draws=explain.null_draws,
        settings=settings,
    )
