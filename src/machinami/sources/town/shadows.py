"""Shadows on the ground: of buildings along the sun's direction, and pools under trees and cars."""

import numpy as np
import numpy.typing as npt

from machinami.sources.town.faces import Box
from machinami.sources.town.light import Light

FloatArray = npt.NDArray[np.float64]
_LONGEST_M = 45.0


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
    flat = np.hypot(light.sun[0], light.sun[1])
    ux, uy = float(light.sun[0] / flat), float(light.sun[1] / flat)
    turns = np.arange(11) * (2 * np.pi / 11)
    ragged = 1.0 + 0.16 * np.sin(turns * 3.0 + x)
    a, b = np.cos(turns) * long * ragged, np.sin(turns) * radius * ragged
    return np.column_stack([cx + a * ux - b * uy, cy + a * uy + b * ux, np.zeros(11)])
