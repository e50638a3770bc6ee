"""Knock-out: what a place's score loses when a region is blanked out, beside as much of the same photo elsewhere."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from machinami.explain.attention import AttentionSettings
from machinami.explain.control_regions import control_region
from machinami.explain.effect_sums import EffectSums, Losses
from machinami.explain.examples import Example
from machinami.explain.fillings import FILLINGS
from machinami.explain.regions import Regions
from machinami.models.device import autocast
from machinami.models.network import PlaceModel

__all__ = ["agreement", "knock_out", "knockout_table", "regions_to_blank"]

BATCH = 32
Lifts = Mapping[str, Mapping[str, Mapping[str, Any]]]  # "places" of attention.json
LIFT_ALONE, EFFECT_ALONE = "lift without effect", "effect without lift"


def regions_to_blank(lifts: Mapping[str, Mapping[str, Any]], *, at_most: int) -> list[str]:
    """The regions of one place with a lift: those it lies clearly above chance for first, then those clearly below.

    Within each kind the largest by area come first.
    """

    def rank(name: str) -> tuple[int, float, str]:
        entry = lifts[name]
        clear = 1 if entry["distinguishable"] and entry["lift"] < 1 else 2
        return 0 if _says_more(entry) else clear, -entry["area_share"], name

    return sorted((name for name, entry in lifts.items() if entry["lift"] is not None), key=rank)[:at_most]


def knock_out(
    network: PlaceModel,
    examples: Iterable[Example],
    *,
    regions: Regions,
    wanted: Mapping[int, Sequence[str]],
    settings: AttentionSettings,
) -> EffectSums:
    """Blanks the wanted regions of each place out of its photos, and control regions, with every filling.

    The score is the class-centred logit of the photo's place, y_c − mean over places of y_j. A region counts where it
    covers `min_area` of the photo. wanted: by number of the place.
    """
    sums = EffectSums(tuple(FILLINGS))
    for example in examples:
        place = example.candidate.place
        present: list[tuple[int, npt.NDArray[np.bool_]]] = []
        for name in wanted.get(place, ()):
            number = regions.names.index(name)
            region = example.mask == regions.numbers[number]
            if region.mean() >= max(settings.min_area, 1 / region.size):
                present.append((number, region))
        if present:
            _blank(network, example, present, sums, settings.seed)
    return sums


def _blank(
    network: PlaceModel,
    example: Example,
    present: Sequence[tuple[int, npt.NDArray[np.bool_]]],
    sums: EffectSums,
    seed: int,
) -> None:
    """All regions of one photo; the control of a region is the same for every filling."""
    candidate = example.candidate
    masks = []
    for number, region in present:
        generator = np.random.default_rng([seed, candidate.photo_id, number])
        masks += [region, control_region(region, generator)]
    blanked = torch.from_numpy(np.stack(masks))
    image = example.image.contiguous()
    filled = [image[None], *(fill(image, blanked) for fill in FILLINGS.values())]
    scores, right = _scores(network, torch.cat(filled), candidate.place)
    lost = (scores[0] - scores[1:]).reshape(len(FILLINGS), len(present), 2)
    flipped = (right[0] & ~right[1:]).reshape(lost.shape)
    for index, (number, region) in enumerate(present):
        losses = {
            name: Losses(
                loss=float(lost[row, index, 0]),
                control=float(lost[row, index, 1]),
                flipped=bool(flipped[row, index, 0]),
                control_flipped=bool(flipped[row, index, 1]),
            )
            for row, name in enumerate(FILLINGS)
        }
        sums.add(candidate.place, number, candidate.block, float(region.mean()), losses)


def _scores(network: PlaceModel, images: Tensor, place: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Centred logits of the place, and whether it won: of images (N, 3, H, W)."""
    device = next(network.parameters()).device
    with torch.inference_mode(), autocast(device):
        logits = [
            network(part.to(device).contiguous(memory_format=torch.channels_last)).float().cpu()
            for part in images.split(BATCH)
        ]
    every = torch.cat(logits).double().numpy()
    return every[:, place] - every.mean(1), every.argmax(1) == place


def knockout_table(
    sums: EffectSums,
    lifts: Lifts,
    *,
    places: Sequence[str],
    regions: Regions,
    wanted: Mapping[int, Sequence[str]],
    settings: AttentionSettings,
) -> dict[str, dict[str, dict[str, Any]]]:
    """Place → region → effect by filling, and whether it agrees with the lift."""
    table: dict[str, dict[str, dict[str, Any]]] = {}
    for index, names in wanted.items():
        key = places[index]
        table[key] = {}
        for name in names:
            entry = sums.entry(index, regions.names.index(name), settings)
            table[key][name] = {**entry, **agreement(lifts[key][name], entry["effect"])}
    return table


def agreement(lift: Mapping[str, Any], effect: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Whether the effect agrees with the lift and, where it does not, which of them stands alone.

    A region costs the score something where most fillings (two of three) have an interval above 0. A lift clear of
    chance and above 1 should cost something, any other should not; None where too few photos tell.
    """
    lows = [entry["low"] for entry in effect.values()]
    if any(low is None for low in lows) or lift["lift"] is None:
        return {"agrees": None, "disagreement": None}
    costs = 2 * sum(low > 0 for low in lows) > len(lows)
    agrees = costs == _says_more(lift)
    return {"agrees": agrees, "disagreement": None if agrees else EFFECT_ALONE if costs else LIFT_ALONE}


def _says_more(lift: Mapping[str, Any]) -> bool:
    """Whether a lift says that the region holds more evidence than its area."""
    return lift["distinguishable"] is not False and lift["low"] is not None and lift["low"] > 1
