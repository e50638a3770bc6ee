"""Trees, hedges and fields."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from machinami.sources.town.chance import Dice
from machinami.sources.town.faces import FIELD, GRASS, LEAF, Box, Colour, Faces, Stand, Surface
from machinami.sources.town.regions import Region
from machinami.sources.town.season import Season
from machinami.sources.town.site import EAST, NORTH, SOUTH, WEST, Site, blend, shade

_CORNERS = np.array([(math.cos(k * math.tau / 9), math.sin(k * math.tau / 9)) for k in range(9)])
_SHAPES = 12
_CLUMPS = ((18.0, 34), (45.0, 15), (95.0, 7), (math.inf, 4))  # up to a distance in metres, and clumps


@dataclass(frozen=True, slots=True)
class _Crown:
    """Clumps of leaves, far side first, in a crown of half width and half height 1.

    outlines float64 (n, 9, 2), across and up; light and luck float64 (n,).
    """

    outlines: npt.NDArray[np.float64]
    light: npt.NDArray[np.float64]
    luck: npt.NDArray[np.float64]


@lru_cache(maxsize=_SHAPES * len(_CLUMPS))
def _crown(shape: int, count: int) -> _Crown:
    """One of a few crowns: clumps near the surface of an egg, lit from above and from the front."""
    rng = np.random.default_rng([shape, 7])
    rise = rng.uniform(-1.0, 1.0, count)
    angle = rng.uniform(0.0, math.tau, count)
    width = np.sqrt(np.maximum(1.0 - rise**2, 0.0)) * np.sqrt(rng.uniform(0.25, 1.0, count)) * (1.05 - 0.25 * rise)
    depth = np.cos(angle) * width
    order = np.argsort(-depth)
    rise, depth, aside = rise[order], depth[order], (np.sin(angle) * width)[order]
    luck = rng.uniform(0.0, 1.0, count)
    size = {4: 0.74, 7: 0.62, 15: 0.46, 34: 0.36}[count] * (0.8 + 0.45 * luck)
    reach = 1.0 - 0.55 * size
    wobble = rng.uniform(0.82, 1.15, (count, 9))
    across = (aside * reach)[:, None] + _CORNERS[:, 0] * size[:, None] * wobble
    up = (rise * reach)[:, None] + _CORNERS[:, 1] * (size * 0.85)[:, None] * wobble
    light = 0.80 + 0.24 * rise - 0.14 * depth + 0.16 * (luck - 0.5)
    return _Crown(np.stack([across, up], axis=2), light, luck)


def leaf_colour(dice: Dice, base: Colour, season: Season) -> Colour:
    """The colour of one plant: its own green, turned by the season."""
    own = (base[0] + dice.between(-0.04, 0.05), base[1] + dice.between(-0.05, 0.05), base[2])
    turned = season.leaf_turned if dice.unit() < 0.6 else season.leaf_turned * 0.2
    return blend(own, season.leaf_tint, turned)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A tree: where it stands (east, north), how high, and how leafy it is today."""

    foot: tuple[float, float]
    height_m: float
    leaf: Colour
    cover: float  # part of the leaves that is there


def paint_tree(faces: Faces, dice: Dice, tree: Tree) -> None:
    """A trunk and a crown of leafy clumps, turned to the eye."""
    (x, y), height = tree.foot, tree.height_m
    dx, dy = x - faces.eye[0], y - faces.eye[1]
    distance = max(math.hypot(dx, dy), 0.5)
    right_x, right_y = dy / distance, -dx / distance
    radius = min(height * dice.between(0.26, 0.42), 3.4)
    clear = height * dice.between(0.2, 0.34)
    middle, half = (height + clear) / 2, (height - clear) / 2
    if distance < 60:
        faces.crowns.append((x, y, middle, radius * 0.8))
    if not faces.may_see(x, y, radius * 1.3):
        return
    count = next(clumps for reach, clumps in _CLUMPS if distance < reach)
    crown = _crown(int(dice.unit() * _SHAPES), count)
    thick = 0.05 + height * 0.014
    a, b = right_x * thick, right_y * thick
    trunk = ((x - a, y - b, 0.0), (x + a, y + b, 0.0), (x + a / 2, y + b / 2, middle), (x - a / 2, y - b / 2, middle))
    faces.add(trunk, Surface((0.26, 0.22, 0.18), Region.VEGETATION))
    if tree.cover < 0.8 and distance < 55:
        _paint_boughs(faces, tree, (right_x, right_y), (radius, clear))
    outlines, light = crown.outlines, crown.light
    if tree.cover < 1.0:
        kept = crown.luck < tree.cover
        outlines, light = outlines[kept], light[kept]
    stand = Stand(x, y, middle, right_x, right_y, radius, half)
    faces.add_turned(outlines, light, stand, Surface(tree.leaf, Region.VEGETATION, LEAF))


def _paint_boughs(faces: Faces, tree: Tree, right: tuple[float, float], size: tuple[float, float]) -> None:
    """Bare boughs, seen where leaves have fallen."""
    (x, y), (radius, clear) = tree.foot, size
    bark = Surface((0.33, 0.28, 0.23), Region.VEGETATION)
    for k in range(7):
        lean = (k - 3) / 3.4
        low, high = clear * 0.9 + 0.1 * k % 3 * clear, tree.height_m * (0.97 - 0.3 * abs(lean))
        aside, thin = lean * radius * 0.9, 0.035 + 0.004 * tree.height_m
        tip_x, tip_y = x + right[0] * aside, y + right[1] * aside
        foot_a, foot_b = right[0] * thin, right[1] * thin
        faces.add(((x - foot_a, y - foot_b, low), (x + foot_a, y + foot_b, low), (tip_x, tip_y, high)), bark)


def paint_hedge(faces: Faces, box: Box, leaf: Colour) -> None:
    """A clipped hedge."""
    faces.box(
        box, Surface(shade(leaf, 0.85), Region.VEGETATION, LEAF), Surface(shade(leaf, 1.15), Region.VEGETATION, LEAF)
    )


def edge_boxes(site: Site, height_m: float, thick_m: float) -> list[Box]:
    """Strips along the street sides of a plot, with a way in."""
    ground, dice = site.ground, site.dice
    inset, gate = 0.25, dice.between(0.25, 0.6)
    boxes = []
    y_gate = ground.y0 + gate * (ground.y1 - ground.y0)
    x_gate = ground.x0 + gate * (ground.x1 - ground.x0)
    y_runs = ((ground.y0 + 0.2, y_gate - 1.1), (y_gate + 1.1, ground.y1 - 0.2))
    x_runs = ((ground.x0 + 0.2, x_gate - 1.1), (x_gate + 1.1, ground.x1 - 0.2))
    if site.street_sides & WEST:
        boxes += [Box(ground.x0 + inset, ground.x0 + inset + thick_m, a, b, 0.0, height_m) for a, b in y_runs]
    if site.street_sides & EAST:
        boxes += [Box(ground.x1 - inset - thick_m, ground.x1 - inset, a, b, 0.0, height_m) for a, b in y_runs]
    if site.street_sides & SOUTH:
        boxes += [Box(a, b, ground.y0 + inset, ground.y0 + inset + thick_m, 0.0, height_m) for a, b in x_runs]
    if site.street_sides & NORTH:
        boxes += [Box(a, b, ground.y1 - inset - thick_m, ground.y1 - inset, 0.0, height_m) for a, b in x_runs]
    return [box for box in boxes if box.x1 > box.x0 and box.y1 > box.y0]


def paint_field_ground(site: Site) -> None:
    """The ground of a field: soil and crop in rows, with a grass edge."""
    ground, season = site.ground, site.season
    soil, crop = (0.42, 0.33, 0.25), blend((0.34, 0.46, 0.18), (0.66, 0.56, 0.28), season.field_ripe)
    colour = blend(soil, crop, min(season.field_growth * 1.1 + 0.15 * site.dice.unit(), 0.95))
    verge = Surface(blend((0.40, 0.45, 0.22), (0.52, 0.47, 0.30), 1.0 - season.leaf_cover), Region.FIELD, GRASS)
    faces = site.faces
    faces.level((ground.x0, ground.x1), (ground.y0, ground.y1), 0.0, verge)
    faces.level(
        (ground.x0 + 0.8, ground.x1 - 0.3),
        (ground.y0 + 0.8, ground.y1 - 0.3),
        0.0,
        Surface(colour, Region.FIELD, FIELD),
    )


def paint_crops(site: Site) -> None:
    """Rows of something higher on part of the fields, so that they do not lie flat."""
    season, dice, ground = site.season, site.dice, site.ground
    if dice.unit() > 0.6 or season.field_growth < 0.25 or site.distance_m > 110:
        return
    high = 0.3 + 0.6 * season.field_growth * dice.unit()
    crop = blend((0.33, 0.47, 0.17), (0.66, 0.56, 0.28), season.field_ripe)
    along_y = dice.unit() < 0.5
    rows = []
    start, end = (ground.x0 + 1.5, ground.x1 - 0.6) if along_y else (ground.y0 + 1.5, ground.y1 - 0.6)
    at = start
    while at + 0.5 < end:
        rows.append(
            Box(at, at + 0.5, ground.y0 + 1.4, ground.y1 - 0.7, 0.0, high)
            if along_y
            else Box(ground.x0 + 1.4, ground.x1 - 0.7, at, at + 0.5, 0.0, high)
        )
        at += 1.3
    ex, ey, _ = site.faces.eye
    rows.sort(key=lambda r: -(abs(r.x0 - ex) if along_y else abs(r.y0 - ey)))
    leaf = Surface(shade(crop, 0.9), Region.FIELD, LEAF)
    for row in rows:
        site.faces.box(row, leaf, leaf._replace(colour=shade(crop, 1.1)))
