"""The street itself: road, marks, pavement, kerbs, poles and wires, cars."""

import math

from machinami.sources.town.chance import Dice
from machinami.sources.town.faces import ASPHALT, PAVING, Box, Colour, Faces, Surface
from machinami.sources.town.plan import Streets
from machinami.sources.town.regions import Region
from machinami.sources.town.site import shade

_PAINT = (0.69, 0.69, 0.67)
Span = tuple[float, float]


class StreetPainter:
    """Paints level things of a street that runs east or north, in its own terms: along and across."""

    def __init__(self, faces: Faces, *, runs_north: bool, reach: Span) -> None:
        self._faces = faces
        self._runs_north = runs_north
        self._paint = Surface(_PAINT, Region.ROAD, ASPHALT)
        self._reach = reach

    def _level(self, across: Span, along: Span, surface: Surface) -> None:
        xs, ys = (across, along) if self._runs_north else (along, across)
        self._faces.level(xs, ys, 0.0, surface)

    def road(self, streets: Streets, k: int, colour: Colour) -> None:
        """The asphalt of street k, as far as it is seen."""
        centre, half = streets.centre_m[k], streets.half_road_m[k]
        self._level((centre - half, centre + half), self._reach, Surface(colour, Region.ROAD, ASPHALT))

    def marks(self, streets: Streets, k: int, along: Span) -> None:
        """Edge lines, and a broken middle line where the road is wide, between two crossings."""
        centre, half = float(streets.centre_m[k]), float(streets.half_road_m[k])
        start, end = along
        for side in (-1, 1):
            at = centre + side * (half - 0.35)
            self._level((at - 0.07, at + 0.07), (start + 2.0, end - 2.0), self._paint)
        if half < 3.0:
            return
        at = start + 6.0
        while at + 3.0 < end - 5.0:
            self._level((centre - 0.08, centre + 0.08), (at, at + 3.0), self._paint)
            at += 6.0
        for stop, side in ((start + 4.6, 1), (end - 5.0, -1)):
            lane = (centre, centre + side * (half - 0.4)) if side > 0 else (centre - half + 0.4, centre)
            self._level(lane, (stop, stop + 0.4), self._paint)

    def zebra(self, streets: Streets, k: int, along: Span) -> None:
        """A zebra crossing over street k."""
        centre, half = float(streets.centre_m[k]), float(streets.half_road_m[k])
        at = centre - half + 0.5
        while at + 0.45 < centre + half - 0.3:
            self._level((at, at + 0.45), along, self._paint)
            at += 0.9


def paint_pavement(faces: Faces, ground: Box, colour: Colour, *, road_sides: int) -> None:
    """A raised pavement with a kerb of pale stone towards the road (bits as in `site`)."""
    high, stone = 0.13, 0.18
    slab = Surface(colour, Region.PAVEMENT, PAVING)
    kerb = Surface(shade(colour, 1.12), Region.PAVEMENT, ASPHALT)
    raised = ground._replace(z0=0.0, z1=high)
    faces.box(raised, kerb._replace(colour=shade(colour, 0.8)))
    faces.level((ground.x0, ground.x1), (ground.y0, ground.y1), high, slab)
    xs, ys = (ground.x0, ground.x1), (ground.y0, ground.y1)
    for bit, span in ((1, (ground.x0, ground.x0 + stone)), (2, (ground.x1 - stone, ground.x1))):
        if road_sides & bit:
            faces.level(span, ys, high, kerb)
    for bit, span in ((4, (ground.y0, ground.y0 + stone)), (8, (ground.y1 - stone, ground.y1))):
        if road_sides & bit:
            faces.level(xs, span, high, kerb)


def paint_pole(faces: Faces, dice: Dice, foot: tuple[float, float], *, runs_north: bool) -> None:
    """A concrete pole with a crossarm, on some a transformer."""
    x, y = foot
    dx, dy = x - faces.eye[0], y - faces.eye[1]
    distance = max(math.hypot(dx, dy), 0.3)
    rx, ry = dy / distance, -dx / distance
    concrete = Surface((0.52, 0.51, 0.49), Region.POLE)
    top = 9.6
    for part, tone in ((1.0, 0.82), (0.35, 1.1)):
        low, high = 0.17 * part, 0.11 * part
        faces.add(
            (
                (x - rx * 0.17, y - ry * 0.17, 0.0),
                (x - rx * (0.17 - 2 * low), y - ry * (0.17 - 2 * low), 0.0),
                (x - rx * (0.11 - 2 * high), y - ry * (0.11 - 2 * high), top),
                (x - rx * 0.11, y - ry * 0.11, top),
            ),
            concrete._replace(colour=shade(concrete.colour, tone)),
        )
    if distance > 90:
        return
    arm = Surface((0.40, 0.40, 0.41), Region.POLE)
    half = 0.9
    for z in (9.0, 8.3):
        if runs_north:
            faces.wall_y(y, (x - half, x + half), (z, z + 0.09), arm)
        else:
            faces.wall_x(x, (y - half, y + half), (z, z + 0.09), arm)
    if dice.unit() < 0.35:
        tank = Box(x - 0.28, x + 0.28, y - 0.28, y + 0.28, 7.1, 7.9)
        faces.box(tank, arm._replace(colour=(0.58, 0.59, 0.60)), arm)


def paint_wires(faces: Faces, across: float, along: Span, poles: Span, *, runs_north: bool) -> None:
    """Four wires over a stretch of street, hanging between two poles (a parabola)."""
    ex, ey, ez = faces.eye
    wire = Surface((0.10, 0.10, 0.11), Region.POLE)
    sag = 0.35
    for aside, height in ((-0.8, 9.05), (0.0, 9.15), (0.8, 9.05), (0.15, 6.7)):
        ends = []
        for at in along:
            part = (at - poles[0]) / max(poles[1] - poles[0], 1.0)
            z = height - 4 * sag * part * (1.0 - part)
            ends.append((across + aside, at, z) if runs_north else (at, across + aside, z))
        (x0, y0, z0), (x1, y1, z1) = ends
        nearest = math.hypot((x0 + x1) / 2 - ex, (y0 + y1) / 2 - ey, (z0 + z1) / 2 - ez)
        thick = 0.014 if height > 7 else 0.022
        if nearest < 120:
            faces.add(((x0, y0, z0 - thick), (x1, y1, z1 - thick), (x1, y1, z1 + thick), (x0, y0, z0 + thick)), wire)
