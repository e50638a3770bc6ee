"""The null of a network that has learned nothing: lifts of re-initialised trunks under random heads."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch

from machinami.explain.attention import AttentionSettings
from machinami.explain.closed_form import closed_form
from machinami.explain.examples import Example
from machinami.explain.lift_draws import LiftDraws
from machinami.explain.random_networks import random_heads, random_trunk
from machinami.explain.regions import Regions
from machinami.explain.upsample import pool_mask
from machinami.models.network import PlaceModel

__all__ = ["TRUNKS", "random_weights_table"]

TRUNKS = 2  # re-initialised networks; each is looked at through many heads
BATCH = 16


def random_weights_table(
    network: PlaceModel,
    examples: Iterable[Example],
    *,
    places: Sequence[str],
    regions: Regions,
    draws: int,
    settings: AttentionSettings,
) -> dict[str, dict[str, dict[str, Any]]] | None:
    """Place → region → lift, low, high of `draws` heads on each of TRUNKS trunks; None without examples.

    network: with its batch norms, unfolded. The examples are held in memory: a few dozen.
    """
    shown = list(examples)
    if not shown:
        return None
    device = next(network.parameters()).device
    images = torch.stack([example.image for example in shown]).to(device)
    sums = LiftDraws(places=len(places), draws=TRUNKS * draws, regions=len(regions.numbers), min_area=settings.min_area)
    for number in range(TRUNKS):
        trunk = random_trunk(network, images[: 2 * BATCH], seed=settings.seed + number)
        heads: torch.Tensor | None = None
        for start in range(0, len(shown), BATCH):
            with torch.no_grad():
                maps = trunk.features(images[start : start + BATCH])
                if heads is None:
                    heads = random_heads(maps.shape[1], draws, seed=settings.seed + number).to(device)
                found = closed_form(maps, heads).cpu().numpy()
            for example, own in zip(shown[start : start + BATCH], found, strict=True):
                shares = pool_mask(example.mask, regions.numbers, grid=own.shape[-2:])
                sums.add(example.candidate.place, own, shares, first=number * draws)
    return sums.bands(places, regions.names, min_photos=settings.min_photos, level=settings.level)
