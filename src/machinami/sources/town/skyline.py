"""What stands beyond the cells in sight: one hazy shape for a block."""

import math

import numpy as np

from machinami.sources.town.camera import View
from machinami.sources.town.chance import Dice, key_of, keys_of
from machinami.sources.town.faces import LEAF, Box, Faces, Surface
from machinami.sources.town.mix import flavour_names
from machinami.sources.town.plan import TownPlan
from machinami.sources.town.regions import Region
from machinami.sources.town.settings import TownSettings
from machinami.sources.town.surroundings import SIGHT_M, block_flavours

_FARTHEST_M = 750.0
_LOOKS: dict[str, tuple[Surface, float, float]] = {
    "a": (Surface((0.24, 0.32, 0.17), Region.VEGETATION, LEAF), 7.0, 12.0),
    "b": (Surface((0.46, 0.51, 0.55), Region.GLASS), 9.0, 22.0),
}
_OTHER = (Surface((0.66, 0.64, 0.61), Region.BUILDING), 7.0, 16.0)


def paint_skyline(settings: TownSettings, town: str, plan: TownPlan, view: View, faces: Faces) -> None:
    """The blocks between the cells in sight and 750 m, far to near, each as a box of its flavour."""
    xs, ys = plan.across_east.centre_m, plan.across_north.centre_m
    k, m = (a.ravel() for a in np.meshgrid(np.arange(1, len(xs)), np.arange(1, len(ys)), indexing="ij"))
    x, y = (xs[k - 1] + xs[k]) / 2, (ys[m - 1] + ys[m]) / 2
    bearing = math.radians(view.bearing_deg)
    dx, dy = x - view.east_m, y - view.north_m
    ahead = dx * math.sin(bearing) + dy * math.cos(bearing)
    aside = np.abs(dx * math.cos(bearing) - dy * math.sin(bearing))
    distance = np.maximum(np.abs(dx), np.abs(dy))
    seen = (ahead > 60.0) & (aside < ahead * view.tan_half * 1.2 + 60.0) & (distance < _FARTHEST_M)
    seen &= distance > SIGHT_M + 50.0
    order = np.flatnonzero(seen)[np.argsort(-np.hypot(dx[seen], dy[seen]))]
    k, m = k[order], m[order]
    looks = [_LOOKS.get(name, _OTHER) for name in flavour_names(settings)]
    flavours = block_flavours(settings, town, plan, k, m).tolist()
    keys = keys_of(key_of(plan.key, "skyline"), k, m).tolist()
    west, east, south, north = (
        (xs[k - 1] + 8).tolist(),
        (xs[k] - 8).tolist(),
        (ys[m - 1] + 8).tolist(),
        (ys[m] - 8).tolist(),
    )
    for key, flavour, x0, x1, y0, y1 in zip(keys, flavours, west, east, south, north, strict=True):
        look, low, high = looks[flavour]
        dice = Dice(key)
        for _ in range(3):
            u, v, part = dice.between(0.0, 0.6), dice.between(0.0, 0.6), dice.between(0.25, 0.5)
            box = Box(
                x0 + u * (x1 - x0),
                x0 + (u + part) * (x1 - x0),
                y0 + v * (y1 - y0),
                y0 + (v + part) * (y1 - y0),
                0.0,
                dice.between(low, high),
            )
            faces.box(box, look)
