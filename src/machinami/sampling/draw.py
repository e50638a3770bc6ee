"""The samples of one place, as the config asks for them."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from machinami.areas import Area, Street
from machinami.config import SamplingConfig
from machinami.errors import InputError
from machinami.sampling.blocks import block_samples
from machinami.sampling.ground import area_samples, grid_samples
from machinami.sampling.headings import heading_chooser
from machinami.sampling.sample import Sample
from machinami.sampling.streets import street_samples

__all__ = ["draw_samples"]


def draw_samples(
    area: Area, config: SamplingConfig, *, seed: int, block_m: float, streets: Sequence[Street] = ()
) -> Iterator[Sample]:
    """Samples inside the area, one after the other; the first n are the same however many are drawn.

    Methods "area" and "blocks" never end; "grid" and "streets" end with their last point. `block_m`: edge of the
    squares of "blocks"; `streets`: for "streets" alone. Each place has random numbers of its own, which follow from
    `seed` and its key. Raises InputError, at once, where the method finds no point in the area.
    """
    place = int.from_bytes(hashlib.sha256(area.place.encode()).digest()[:8], "big")
    points_seed, headings_seed = np.random.SeedSequence([seed, place]).spawn(2)
    rng = np.random.default_rng(points_seed)
    choose = heading_chooser(config.headings, np.random.default_rng(headings_seed))
    if config.method == "area":
        samples = area_samples(area, rng)
    elif config.method == "blocks":
        samples = block_samples(area, points_seed, block_m=block_m)
    elif config.method == "grid":
        samples = grid_samples(area, rng, spacing_m=config.spacing_m)
    else:
        samples = street_samples(area, streets, rng, spacing_m=config.spacing_m)
    first = next(samples, None)
    if first is None:
        raise InputError(
            f"sampling.method = {config.method!r} finds no point in the area of place {area.place!r}:"
            " take a smaller sampling.spacing_m, or another method"
        )
    return (replace(sample, heading_deg=choose(sample.street_deg)) for sample in chain([first], samples))
