"""What stands on a plot besides its building, and its ground; painted around the building in right order."""

from collections.abc import Callable

from machinami.sources.town.cars import paint_car
from machinami.sources.town.faces import ASPHALT, FLAT, GRASS, PAVING, WATER, Box, Colour, Surface
from machinami.sources.town.green import (
    Tree,
    edge_boxes,
    leaf_colour,
    paint_crops,
    paint_field_ground,
    paint_hedge,
    paint_tree,
)
from machinami.sources.town.mix import Kind
from machinami.sources.town.regions import Region
from machinami.sources.town.site import EAST, NORTH, SOUTH, WEST, Site, blend, shade

_YARDS: tuple[Colour, ...] = ((0.56, 0.55, 0.52), (0.60, 0.57, 0.50), (0.50, 0.49, 0.47))
_BLOCKWORK: tuple[Colour, ...] = ((0.60, 0.59, 0.57), (0.70, 0.68, 0.63), (0.52, 0.50, 0.48), (0.66, 0.58, 0.50))

Part = tuple[float, float, Callable[[], None]]  # east and north of its middle, and what paints it


def paint_plot_ground(site: Site) -> None:
    """The ground of a plot: a field, water, asphalt, grass or a bare yard."""
    ground, faces = site.ground, site.faces
    xs, ys = (ground.x0, ground.x1), (ground.y0, ground.y1)
    if site.kind is Kind.FIELD:
        paint_field_ground(site)
    elif site.kind is Kind.CANAL:
        faces.level(xs, ys, 0.0, Surface((0.22, 0.28, 0.27), Region.WATER, WATER))
        _paint_quay(site)
    elif site.kind is Kind.CAR_PARK:
        faces.level(xs, ys, 0.0, Surface((0.40, 0.40, 0.41), Region.PAVEMENT, ASPHALT))
        _paint_bays(site)
    elif site.kind in (Kind.GROVE, Kind.HEDGED):
        lawn = blend((0.36, 0.41, 0.20), (0.50, 0.45, 0.28), 1.0 - site.season.leaf_cover)
        faces.level(xs, ys, 0.0, Surface(lawn, Region.VEGETATION, GRASS))
    elif site.kind in (Kind.HIGH_RISE, Kind.GLASS_FRONT, Kind.BRICK_SHOP):
        faces.level(xs, ys, 0.0, Surface(site.style.pavement, Region.VARIOUS, PAVING))
    else:
        faces.level(xs, ys, 0.0, Surface(site.dice.pick(_YARDS), Region.VARIOUS, ASPHALT))


def paint_plot_things(site: Site, paint_building: Callable[[Site], None]) -> None:
    """The building and all that stands around it, far to near.

    The building's edges cut the plot into nine parts. As with the cells of the town, painting by falling
    number of steps from the eye's part is exact.
    """
    box, (ex, ey, _) = site.building, site.faces.eye
    parts: list[Part] = [((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2, lambda: paint_building(site))]
    parts += _things(site)

    def step(value: float, low: float, high: float) -> int:
        return -1 if value < low else 1 if value > high else 0

    eye_x, eye_y = step(ex, box.x0, box.x1), step(ey, box.y0, box.y1)

    def order(part: Part) -> tuple[int, float]:
        x, y, _ = part
        steps = abs(step(x, box.x0, box.x1) - eye_x) + abs(step(y, box.y0, box.y1) - eye_y)
        return (-steps, -((x - ex) ** 2 + (y - ey) ** 2))

    for _x, _y, paint in sorted(parts, key=order):
        paint()


def _things(site: Site) -> list[Part]:
    makers: dict[Kind, Callable[[Site], list[Part]]] = {
        Kind.HEDGED: _garden,
        Kind.WALLED: _garden_wall,
        Kind.GROVE: _grove,
        Kind.FIELD: lambda s: [(s.ground.x0, s.ground.y0, lambda: paint_crops(s))],
        Kind.CAR_PARK: _parked,
        Kind.CANAL: _railing,
        Kind.HOUSE: _small_garden,
        Kind.APARTMENT: _small_garden,
    }
    maker = makers.get(site.kind)
    return maker(site) if maker is not None else []


def _tree(site: Site, x: float, y: float, height_m: float) -> Part:
    leaf = leaf_colour(site.dice, site.style.leaf, site.season)
    cover = site.season.leaf_cover if site.dice.unit() < 0.6 else 1.0
    dice = site.dice.split()
    tree = Tree(foot=(x, y), height_m=height_m, leaf=leaf, cover=cover)
    return (
        x,
        y,
        lambda: paint_tree(site.faces, dice, tree),
    )


def _garden(site: Site) -> list[Part]:
    """A hedge along the street and trees behind it."""
    dice, leaf = site.dice, leaf_colour(site.dice, site.style.leaf, site.season)
    parts = _row(site, dice.between(1.1, 2.0), dice.between(0.6, 0.9), lambda b: paint_hedge(site.faces, b, leaf))
    return parts + _trees_in_yard(site, 2 + int(dice.unit() * 3), (4.0, 9.0))


def _small_garden(site: Site) -> list[Part]:
    """Once in a while a shrub or a small tree."""
    return _trees_in_yard(site, 1, (2.0, 4.5)) if site.dice.unit() < 0.22 else []


def _trees_in_yard(site: Site, count: int, heights: tuple[float, float]) -> list[Part]:
    """Trees in the strips between the building and the edge of its plot, most of them on the street."""
    dice, ground, box = site.dice, site.ground, site.building
    parts = []
    for _ in range(count):
        along = dice.between(0.1, 0.9)
        x, y = ground.x0 + along * (ground.x1 - ground.x0), ground.y0 + along * (ground.y1 - ground.y0)
        sides = [bit for bit in (1, 2, 4, 8) if site.street_sides & bit] or [1, 2, 4, 8]
        side = dice.pick(tuple(sides))
        x = {1: (ground.x0 + 2 * box.x0) / 3, 2: (ground.x1 + 2 * box.x1) / 3}.get(side, x)
        y = {4: (ground.y0 + 2 * box.y0) / 3, 8: (ground.y1 + 2 * box.y1) / 3}.get(side, y)
        parts.append(_tree(site, x, y, dice.between(*heights)))
    return parts


def _row(site: Site, height_m: float, thick_m: float, paint: Callable[[Box], None]) -> list[Part]:
    def part(box: Box) -> Part:
        return ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2, lambda: paint(box))

    return [part(box) for box in edge_boxes(site, height_m, thick_m)]


def _garden_wall(site: Site) -> list[Part]:
    """A wall of concrete blocks along the street, with a coping."""
    dice = site.dice
    colour, height_m = dice.pick(_BLOCKWORK), dice.between(1.4, 2.1)

    def paint(box: Box) -> None:
        sides = Surface(colour, Region.WALL, PAVING)
        site.faces.box(box, sides, Surface(shade(colour, 1.15), Region.WALL))
        rim = box._replace(z0=box.z1 - 0.12)
        site.faces.box(rim, Surface(shade(colour, 0.78), Region.WALL))

    return _row(site, height_m, 0.18, paint) + (_trees_in_yard(site, 1, (2.5, 4.5)) if dice.unit() < 0.2 else [])


def _grove(site: Site) -> list[Part]:
    """A small wood."""
    dice, ground = site.dice, site.ground
    count = 8 if site.distance_m < 60 else 4 if site.distance_m < 110 else 3
    return [
        _tree(
            site,
            dice.between(ground.x0 + 1.2, ground.x1 - 1.2),
            dice.between(ground.y0 + 1.2, ground.y1 - 1.2),
            dice.between(8.0, 14.0),
        )
        for _ in range(count)
    ]


def _paint_quay(site: Site) -> None:
    """Pale stone along the edges of the water that lie on a street."""
    stone, ground, wide = Surface((0.58, 0.57, 0.54), Region.PAVEMENT, ASPHALT), site.ground, 0.55
    xs, ys = (ground.x0, ground.x1), (ground.y0, ground.y1)
    for bit, span in ((WEST, (ground.x0, ground.x0 + wide)), (EAST, (ground.x1 - wide, ground.x1))):
        if site.street_sides & bit:
            site.faces.level(span, ys, 0.0, stone)
    for bit, span in ((SOUTH, (ground.y0, ground.y0 + wide)), (NORTH, (ground.y1 - wide, ground.y1))):
        if site.street_sides & bit:
            site.faces.level(xs, span, 0.0, stone)


def _paint_bays(site: Site) -> None:
    line, ground = Surface((0.76, 0.76, 0.74), Region.PAVEMENT, FLAT), site.ground
    at = ground.x0 + 1.2
    while at < ground.x1 - 1.0 and site.distance_m < 60:
        site.faces.level((at - 0.06, at + 0.06), (ground.y0 + 1.2, ground.y0 + 6.0), 0.0, line)
        at += 2.6


def _parked(site: Site) -> list[Part]:
    """Cars in some of the bays."""
    dice, ground = site.dice, site.ground
    parts: list[Part] = []
    at = ground.x0 + 2.5
    while at < ground.x1 - 1.5:
        if dice.unit() < 0.55 and site.distance_m < 120:
            parts.append(_car(site, at, ground.y0 + 3.6))
        at += 2.6
    return parts


def _car(site: Site, x: float, y: float) -> Part:
    dice = site.dice.split()
    reverse = dice.unit() < 0.5
    return (x, y, lambda: paint_car(site.faces, dice, (x, y), runs_north=True, reverse=reverse))


def _railing(site: Site) -> list[Part]:
    """A railing along a canal."""
    steel = Surface((0.62, 0.63, 0.63), Region.VARIOUS)

    def paint(box: Box) -> None:
        for z in (0.45, 0.85, 1.05):
            site.faces.box(box._replace(z0=z, z1=z + 0.05), steel)
        wide, deep = box.x1 - box.x0, box.y1 - box.y0
        for k in range(5):
            x, y = box.x0 + wide * k / 4, box.y0 + deep * k / 4
            post = box._replace(x0=x - 0.03, x1=x + 0.03) if wide > deep else box._replace(y0=y - 0.03, y1=y + 0.03)
            site.faces.box(post, steel)

    return _row(site, 1.1, 0.06, paint) if site.distance_m < 80 else []
