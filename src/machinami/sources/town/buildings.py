"""Houses, blocks of flats, offices, shops, high-rises: boxes, roofs and what is fixed to them."""

from machinami.sources.town.facade import (
    BALCONY,
    BLIND,
    CURTAIN,
    GARAGE,
    GLAZED,
    PUNCHED,
    RIBBON,
    SHOP,
    Facade,
)
from machinami.sources.town.faces import FACADE, TILES, Box, Colour, Surface
from machinami.sources.town.mix import Kind
from machinami.sources.town.regions import Region
from machinami.sources.town.site import EAST, NORTH, SOUTH, WEST, Site, shade

_SIGN_COLOURS: tuple[Colour, ...] = (
    (0.62, 0.22, 0.19),
    (0.20, 0.34, 0.50),
    (0.78, 0.66, 0.32),
    (0.22, 0.40, 0.30),
    (0.84, 0.82, 0.77),
    (0.27, 0.25, 0.25),
    (0.70, 0.45, 0.24),
)


def paint_house(site: Site) -> None:
    """A house of two floors under a gable or a flat roof."""
    dice = site.dice
    wall = site.wall_colour()
    look = Facade(
        style=PUNCHED,
        bay_m=dice.between(2.2, 3.2),
        floor_m=site.building.z1 / 2,
        window=(dice.between(0.42, 0.66), dice.between(0.36, 0.52)),
        top_m=site.building.z1,
        seed=dice.unit(),
    )
    front = look.with_ground(GARAGE, 2.6) if dice.unit() < 0.45 else look
    _paint_walls(site, Surface(wall, Region.BUILDING, FACADE), front, look)
    if dice.unit() < 0.78:
        _paint_gable(site, Surface(wall, Region.BUILDING, FACADE, look.numbers(0.0)), dice.between(0.45, 0.75))
    else:
        _paint_parapet(site, shade(wall, 0.8), 0.35)


def paint_flats(site: Site) -> None:
    """A block of flats with balconies along the street, punched windows on its sides."""
    dice = site.dice
    wall = site.wall_colour()
    floor_m = dice.between(2.8, 3.1)
    look = Facade(
        style=PUNCHED,
        bay_m=dice.between(3.0, 4.2),
        floor_m=floor_m,
        window=(dice.between(0.3, 0.5), 0.45),
        top_m=site.building.z1 - 0.6,
        seed=dice.unit(),
    )
    balconies = look.with_style(BALCONY) if dice.unit() < 0.75 else look
    _paint_walls(site, Surface(wall, Region.BUILDING, FACADE), balconies, look)
    _paint_roof_box(site, wall)


def paint_office(site: Site) -> None:
    """A plain office with rows of windows."""
    dice = site.dice
    wall = site.wall_colour()
    look = Facade(
        style=RIBBON if dice.unit() < 0.4 else PUNCHED,
        bay_m=dice.between(1.8, 3.0),
        floor_m=dice.between(3.2, 3.8),
        window=(dice.between(0.55, 0.78), dice.between(0.42, 0.55)),
        top_m=site.building.z1 - 0.8,
        seed=dice.unit(),
    )
    _paint_walls(site, Surface(wall, Region.BUILDING, FACADE), look, look.with_style(BLIND))
    _paint_roof_box(site, wall)


def paint_shop(site: Site) -> None:
    """A building with a shopfront at street level; brick and awnings where it is a row of shops."""
    dice = site.dice
    is_brick = site.kind is Kind.BRICK_SHOP
    wall = dice.pick(site.style.bricks) if is_brick else site.wall_colour()
    look = Facade(
        style=PUNCHED,
        bay_m=dice.between(1.7, 2.6),
        floor_m=dice.between(3.0, 3.5),
        window=(dice.between(0.4, 0.55), dice.between(0.5, 0.62)),
        top_m=site.building.z1 - 0.7,
        seed=dice.unit(),
        is_brick=is_brick,
    )
    height = dice.between(3.4, 4.1)
    front = look.with_ground(SHOP, height) if is_brick or dice.unit() < 0.7 else look
    _paint_walls(site, Surface(wall, Region.BUILDING, FACADE), front, look.with_style(BLIND))
    _paint_parapet(site, shade(wall, 0.75), 0.3)
    if is_brick:
        _paint_awnings(site, dice.pick(_SIGN_COLOURS), height - 0.75)
    if site.is_near and dice.unit() < (0.55 if is_brick else 0.35):
        _paint_hanging_sign(site, dice.pick(_SIGN_COLOURS), height)


def paint_glass(site: Site) -> None:
    """A building glazed from top to bottom: a high-rise or a lower front."""
    dice = site.dice
    tint = shade(site.style.glass, dice.between(0.8, 1.25))
    look = Facade(
        style=CURTAIN,
        bay_m=dice.between(1.3, 2.6),
        floor_m=dice.between(3.3, 4.0),
        window=(dice.between(0.86, 0.95), dice.between(0.70, 0.93)),
        top_m=site.building.z1 - 0.4,
        seed=dice.unit(),
    )
    lobby = look.with_ground(GLAZED, dice.between(2.9, 4.4))
    _paint_walls(site, Surface(tint, Region.GLASS, FACADE), lobby, lobby)
    if site.kind is Kind.GLASS_FRONT:
        _paint_parapet(site, (0.55, 0.56, 0.57), 0.4)


_PAINTERS = {
    Kind.HOUSE: paint_house,
    Kind.HEDGED: paint_house,
    Kind.WALLED: paint_house,
    Kind.APARTMENT: paint_flats,
    Kind.OFFICE: paint_office,
    Kind.SHOP: paint_shop,
    Kind.BRICK_SHOP: paint_shop,
    Kind.HIGH_RISE: paint_glass,
    Kind.GLASS_FRONT: paint_glass,
}


def paint_building(site: Site) -> None:
    """Whatever building the plot's kind asks for; nothing on open ground."""
    painter = _PAINTERS.get(site.kind)
    if painter is not None:
        painter(site)


def _paint_walls(site: Site, base: Surface, front: Facade, side: Facade) -> None:
    """The walls that the eye sees; those on a street get the front."""
    faces, box, sides = site.faces, site.building, site.street_sides
    ex, ey, _ = faces.eye
    zs = (0.0, box.z1)
    if ex < box.x0 or ex > box.x1:
        bit, x = (WEST, box.x0) if ex < box.x0 else (EAST, box.x1)
        look = front if sides & bit else side
        faces.wall_x(x, (box.y0, box.y1), zs, base._replace(facade=look.numbers(box.y0)))
    if ey < box.y0 or ey > box.y1:
        bit, y = (SOUTH, box.y0) if ey < box.y0 else (NORTH, box.y1)
        look = front if sides & bit else side
        faces.wall_y(y, (box.x0, box.x1), zs, base._replace(facade=look.numbers(box.x0)))


def _paint_gable(site: Site, wall: Surface, pitch: float) -> None:
    """A gable roof along the longer side, with eaves that stand out."""
    faces, box = site.faces, site.building
    roof = Surface(site.dice.pick(site.style.roofs), Region.BUILDING, TILES)
    ex, ey, _ = faces.eye
    along_y = box.y1 - box.y0 > box.x1 - box.x0
    half = ((box.x1 - box.x0) if along_y else (box.y1 - box.y0)) / 2
    out, rise = 0.45, half * pitch
    eaves, ridge = box.z1 - out * pitch, box.z1 + rise
    if along_y:
        xm, ends = (box.x0 + box.x1) / 2, (box.y0 - out, box.y1 + out)
        y_end = box.y0 if ey < box.y0 else box.y1
        if not box.y0 <= ey <= box.y1:
            faces.add(((box.x0, y_end, box.z1), (box.x1, y_end, box.z1), (xm, y_end, ridge)), wall)
        edge = box.x0 - out if ex < xm else box.x1 + out
        faces.add(((edge, ends[0], eaves), (edge, ends[1], eaves), (xm, ends[1], ridge), (xm, ends[0], ridge)), roof)
    else:
        ym, ends = (box.y0 + box.y1) / 2, (box.x0 - out, box.x1 + out)
        x_end = box.x0 if ex < box.x0 else box.x1
        if not box.x0 <= ex <= box.x1:
            faces.add(((x_end, box.y0, box.z1), (x_end, box.y1, box.z1), (x_end, ym, ridge)), wall)
        edge = box.y0 - out if ey < ym else box.y1 + out
        faces.add(((ends[0], edge, eaves), (ends[1], edge, eaves), (ends[1], ym, ridge), (ends[0], ym, ridge)), roof)


def _paint_parapet(site: Site, colour: Colour, height_m: float) -> None:
    box = site.building
    rim = Box(box.x0 - 0.08, box.x1 + 0.08, box.y0 - 0.08, box.y1 + 0.08, box.z1 - height_m, box.z1 + 0.1)
    site.faces.box(rim, Surface(colour, Region.BUILDING))


def _paint_roof_box(site: Site, wall: Colour) -> None:
    """A parapet, and the little house over the stairs or a water tank."""
    _paint_parapet(site, shade(wall, 0.85), 0.5)
    dice, box = site.dice, site.building
    width, x, y = dice.between(2.0, 3.5), dice.between(0.2, 0.6), dice.between(0.2, 0.6)
    x0, y0 = box.x0 + x * (box.x1 - box.x0), box.y0 + y * (box.y1 - box.y0)
    house = Box(x0, x0 + width, y0, y0 + width, box.z1, box.z1 + 2.4)
    site.faces.box(house, Surface(shade(wall, 0.9), Region.BUILDING))


def _paint_awnings(site: Site, colour: Colour, height_m: float) -> None:
    """Awnings over the shopfronts, sloping towards the street."""
    faces, box, out, drop = site.faces, site.building, 1.0, 0.55
    cloth = Surface(colour, Region.SHOPFRONT)
    ex, ey, _ = faces.eye
    low, high = height_m - drop, height_m
    for bit, wall, street in ((WEST, box.x0, box.x0 - out), (EAST, box.x1, box.x1 + out)):
        if site.street_sides & bit and (ex - wall) * (street - wall) > 0:
            y0, y1 = box.y0 + 0.3, box.y1 - 0.3
            faces.add(((wall, y0, high), (wall, y1, high), (street, y1, low), (street, y0, low)), cloth)
            faces.wall_x(street, (y0, y1), (low - 0.22, low), cloth._replace(colour=shade(colour, 0.85)))
    for bit, wall, street in ((SOUTH, box.y0, box.y0 - out), (NORTH, box.y1, box.y1 + out)):
        if site.street_sides & bit and (ey - wall) * (street - wall) > 0:
            x0, x1 = box.x0 + 0.3, box.x1 - 0.3
            faces.add(((x0, wall, high), (x1, wall, high), (x1, street, low), (x0, street, low)), cloth)
            faces.wall_y(street, (x0, x1), (low - 0.22, low), cloth._replace(colour=shade(colour, 0.85)))


def _paint_hanging_sign(site: Site, colour: Colour, foot_m: float) -> None:
    """A sign that stands out from the wall, for those who come along the street."""
    box, dice = site.building, site.dice
    at, top = dice.between(0.15, 0.85), min(foot_m + dice.between(1.5, 3.0), box.z1)
    sign = Surface(colour, Region.SHOPFRONT)
    ys, xs = box.y0 + at * (box.y1 - box.y0), box.x0 + at * (box.x1 - box.x0)
    if site.street_sides & WEST:
        site.faces.box(Box(box.x0 - 0.8, box.x0, ys, ys + 0.2, foot_m, top), sign)
    elif site.street_sides & EAST:
        site.faces.box(Box(box.x1, box.x1 + 0.8, ys, ys + 0.2, foot_m, top), sign)
    elif site.street_sides & SOUTH:
        site.faces.box(Box(xs, xs + 0.2, box.y0 - 0.8, box.y0, foot_m, top), sign)
    elif site.street_sides & NORTH:
        site.faces.box(Box(xs, xs + 0.2, box.y1, box.y1 + 0.8, foot_m, top), sign)
