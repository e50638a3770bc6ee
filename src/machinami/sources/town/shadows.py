"""Shadows on the ground: of buildings along the sun's direction, and pools under trees and cars."""

import math

import numpy as np
import numpy.typing as npt

from machinami.sources.town.faces import Box
from machinami.sources.town.light import Light

FloatArray = npt.NDArray[np.float64]
_LONGEST_M = 45.0
_TURNS = np.arange(11) * (math.tau / 11)
_COS, _SIN = np.cos(_TURNS), np.sin(_TURNS)


def building_shadow(box: Box, light: Light) -> FloatArray:
    """The outline on the ground of a box's shadow, its own footprint included: float64 (6, 3)."""
    reach = min(box.z1 / float(light.sun[2]), _LONGEST_M)
    dx, dy = -float(light.sun[0]) * reach, -float(light.sun[1]) * reach
    west, east = (box.x0, box.x1) if dx >= 0 else (box.x1, box.x0)  # "east" is where the shadow goes
    south, north = (box.y0, box.y1) if dy >= 0 else (box.y1, box.y0)
    return np.array(
        [
            (west, south, 0.0),
            (east, south, 0.0),
            (east + dx, south + dy, 0.0),
            (east + dx, north + dy, 0.0),
            (west + dx, north + dy, 0.0),
            (west, north, 0.0),
        ]
    )


def crown_shadow(crown: tuple[float, float, float, float], light: Light) -> FloatArray:
    """The outline on the ground of a tree's shadow (east, north, up, radius of its crown): float64 (11, 3)."""
    x, y, up, radius = crown
    reach = min(up / float(light.sun[2]), _LONGEST_M)
    cx, cy = x - float(light.sun[0]) * reach, y - float(light.sun[1]) * reach
    # A ball's shadow is drawn out along the sun's direction.
    long = radius / float(light.sun[2])
    flat = math.hypot(light.sun[0], light.sun[1])
    ux, uy = float(light.sun[0] / flat), float(light.sun[1] / flat)
    ragged = 1.0 + 0.16 * np.sin(_TURNS * 3.0 + x)
    a, b = _COS * ragged * long, _SIN * ragged * radius
    outline = np.zeros((len(_TURNS), 3))
    outline[:, 0], outline[:, 1] = cx + a * ux - b * uy, cy + a * uy + b * ux
    return outline
