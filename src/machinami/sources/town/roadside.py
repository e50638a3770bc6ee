"""What stands on the pavement: poles with their wires, street trees, signs, vending machines."""

import math
from collections.abc import Callable

from machinami.sources.town.faces import Box, Surface
from machinami.sources.town.green import Tree, leaf_colour, paint_tree
from machinami.sources.town.regions import Region
from machinami.sources.town.site import EAST, NORTH, WEST, Site
from machinami.sources.town.street import paint_pole, paint_wires

_SIGNS = ((0.10, 0.28, 0.62), (0.75, 0.12, 0.12), (0.92, 0.92, 0.90), (0.90, 0.72, 0.10))
_MACHINES = ((0.75, 0.13, 0.14), (0.88, 0.88, 0.90), (0.13, 0.30, 0.58))


def paint_roadside(
    site: Site, *, road_side: int, is_second: bool, poles: tuple[float, float], tree_chance: float
) -> None:
    """Things along the kerb of a piece of pavement.

    `road_side` says where its road lies; every second piece begins with a pole, and `poles` says between
    which two positions along the street the wires over this piece hang.
    """
    ground, dice, faces = site.ground, site.dice, site.faces
    runs_north = road_side in (WEST, EAST)
    inner = 0.35
    if runs_north:
        kerb = ground.x0 + inner if road_side == WEST else ground.x1 - inner
        start, end = ground.y0, ground.y1
    else:
        kerb = ground.y1 - inner if road_side == NORTH else ground.y0 + inner
        start, end = ground.x0, ground.x1

    def spot(along: float) -> tuple[float, float]:
        return (kerb, along) if runs_north else (along, kerb)

    luck, tree_luck, at = dice.unit(), dice.unit(), dice.between(0.35, 0.75)
    has_line = site.style.has_wires and road_side in (WEST, NORTH)
    if has_line:
        paint_wires(faces, kerb, (start, end), poles, runs_north=runs_north)
    things: list[tuple[float, Callable[[], None]]] = []
    if has_line and is_second:
        things.append((start + 0.3, lambda: paint_pole(faces, dice.split(), spot(start + 0.3), runs_north=runs_north)))
    if tree_luck < tree_chance:
        leaf, tree_dice = leaf_colour(dice, site.style.leaf, site.season), dice.split()
        foot = spot(start + at * (end - start))
        tree = Tree(foot=foot, height_m=dice.between(5.0, 9.5), leaf=leaf, cover=site.season.leaf_cover)
        things.append((start + at * (end - start), lambda: paint_tree(faces, tree_dice, tree)))
    if luck < 0.12 and site.is_near:
        things.append((start + 0.8 * (end - start), lambda: _paint_sign(site, spot(start + 0.8 * (end - start)))))
    elif luck < 0.2 and site.is_near:
        things.append((start + 0.2 * (end - start), lambda: _paint_machine(site, spot(start + 0.2 * (end - start)))))
    eye_along = faces.eye[1] if runs_north else faces.eye[0]
    for _, paint in sorted(things, key=lambda thing: -abs(thing[0] - eye_along)):
        paint()


def _paint_sign(site: Site, foot: tuple[float, float]) -> None:
    """A traffic sign on a thin post."""
    faces, (x, y) = site.faces, foot
    dx, dy = x - faces.eye[0], y - faces.eye[1]
    distance = max(math.hypot(dx, dy), 0.3)
    rx, ry = dy / distance, -dx / distance
    post, radius, z = 0.035, 0.3, 2.6
    faces.add(
        (
            (x - rx * post, y - ry * post, 0.0),
            (x + rx * post, y + ry * post, 0.0),
            (x + rx * post, y + ry * post, 2.9),
            (x - rx * post, y - ry * post, 2.9),
        ),
        Surface((0.6, 0.6, 0.6), Region.POLE),
    )
    turns = [n * math.tau / 12 for n in range(12)]
    for size, colour in ((radius, site.dice.pick(_SIGNS)), (radius * 0.7, (0.88, 0.88, 0.88))):
        faces.add(
            [(x + rx * size * math.cos(t), y + ry * size * math.cos(t), z + size * math.sin(t)) for t in turns],
            Surface(colour, Region.VARIOUS),
        )


def _paint_machine(site: Site, foot: tuple[float, float]) -> None:
    """A vending machine."""
    x, y = foot
    body = Surface(site.dice.pick(_MACHINES), Region.VARIOUS)
    box = Box(x - 0.45, x + 0.45, y - 0.4, y + 0.4, 0.13, 1.95)
    site.faces.box(box, body)
    pane = Surface((0.62, 0.68, 0.72), Region.VARIOUS)
    site.faces.box(
        box._replace(z0=1.05, z1=1.8, x0=box.x0 - 0.005, x1=box.x1 + 0.005, y0=box.y0 + 0.1, y1=box.y1 - 0.1),
        pane,
        ends=body,
    )
