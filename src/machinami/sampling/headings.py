"""In which direction each sample wants its photo."""

from collections.abc import Callable
from typing import Literal

import numpy as np

__all__ = ["SECTORS", "heading_chooser"]

SECTORS = 8  # each run of so many samples looks once into each sector of the circle
_SECTOR_DEG = 360 / SECTORS
_TURNS_DEG = {"along": (0.0, 180.0), "across": (90.0, -90.0)}


def heading_chooser(
    method: Literal["stratified", "along", "across", "as-taken"], rng: np.random.Generator
) -> Callable[[float | None], float | None]:
    """A function that is called once a sample, with the street's bearing or None, and gives the heading wanted.

    Headings are degrees in [0, 360), clockwise from north. "along" and "across" take either of the two directions at
    random, and give None where no street is known; "as-taken" always gives None.
    """
    if method == "stratified":
        return _stratified(rng)
    if method == "as-taken":
        return lambda _: None
    turns_deg = _TURNS_DEG[method]

    def by_street(street_deg: float | None) -> float | None:
        turn_deg = turns_deg[int(rng.integers(2))]
        return None if street_deg is None else _in_circle(street_deg + turn_deg)

    return by_street


def _stratified(rng: np.random.Generator) -> Callable[[float | None], float | None]:
    """Uniform within each sector, the sectors in a new random order for each run."""
    sectors: list[int] = []

    def heading(_: float | None) -> float:
        if not sectors:
            sectors.extend(rng.permutation(SECTORS).tolist())
        return _in_circle((sectors.pop() + float(rng.random())) * _SECTOR_DEG)

    return heading


def _in_circle(degrees: float) -> float:
    turned = degrees % 360
    return 0.0 if turned == 360 else turned  # -1e-17 % 360 is 360
