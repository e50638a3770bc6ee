"""Cars: a body, a cabin that narrows to the roof, windows, wheels and lamps."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from machinami.sources.town.chance import Dice
from machinami.sources.town.faces import Colour, Faces, Point, Surface
from machinami.sources.town.regions import Region
from machinami.sources.town.site import shade

_COLOURS: tuple[Colour, ...] = (
    (0.88, 0.88, 0.87),
    (0.84, 0.85, 0.86),
    (0.62, 0.63, 0.65),
    (0.12, 0.12, 0.13),
    (0.20, 0.22, 0.25),
    (0.45, 0.10, 0.11),
    (0.13, 0.22, 0.40),
    (0.55, 0.50, 0.42),
)
_GLASS = Surface((0.19, 0.23, 0.26), Region.CAR)
_DARK = Surface((0.09, 0.09, 0.10), Region.CAR)
_POOL = Surface((0.12, 0.12, 0.12), Region.ROAD)
_RIM = Surface((0.50, 0.50, 0.52), Region.CAR)


@dataclass(frozen=True, slots=True)
class _Shape:
    """Metres; `foot` and `roof` say where the cabin begins and ends, as parts of the length from the front."""

    length: float
    half: float
    body_z: float
    roof_z: float
    foot: tuple[float, float]
    roof: tuple[float, float]


_SHAPES = (
    _Shape(4.4, 0.86, 0.92, 1.44, (0.20, 0.93), (0.36, 0.80)),
    _Shape(3.4, 0.74, 1.00, 1.72, (0.14, 1.00), (0.27, 0.97)),
    _Shape(4.7, 0.88, 1.02, 1.86, (0.12, 1.00), (0.24, 0.97)),
    _Shape(4.3, 0.87, 0.94, 1.50, (0.24, 1.00), (0.40, 0.90)),
)


class _Car:
    """A car in its own terms: along (0 front, 1 back), aside in metres, up in metres."""

    def __init__(self, faces: Faces, shape: _Shape, *, at: tuple[float, float], runs_north: bool, sign: float) -> None:
        self.faces = faces
        self.shape = shape
        self._at = at  # along the street, across it
        self._runs_north = runs_north
        self._sign = sign
        ex, ey, _ = faces.eye
        eye_along, eye_across = (ey, ex) if runs_north else (ex, ey)
        ahead = (eye_along - at[0]) * sign
        self.near = shape.half if eye_across > at[1] else -shape.half
        self.sees_side = abs(eye_across - at[1]) > shape.half
        self.seen_end = 1.0 if ahead > shape.length / 2 else 0.0 if ahead < -shape.length / 2 else None

    def spot(self, along: float, aside: float, z: float) -> Point:
        """A point of the car on the plan."""
        a = self._at[0] + self._sign * (along - 0.5) * self.shape.length
        across = self._at[1] + aside
        return (across, a, z) if self._runs_north else (a, across, z)

    def paint_pool(self) -> None:
        """The darkness under the car."""
        half, spot = self.shape.half, self.spot
        self.faces.add(
            [spot(-0.03, -half, 0.0), spot(1.03, -half, 0.0), spot(1.03, half, 0.0), spot(-0.03, half, 0.0)], _POOL
        )

    def paint_body(self, paint: Surface) -> None:
        """The lower half with its lamps and plate, and the bonnet."""
        shape, spot, add = self.shape, self.spot, self.faces.add
        half, top = shape.half, shape.body_z
        add(
            [
                spot(0.0, -half, top * 0.93),
                spot(0.0, half, top * 0.93),
                spot(shape.foot[0], half, top),
                spot(shape.foot[0], -half, top),
            ],
            paint,
        )
        end = self.seen_end
        if end is not None:
            high = top if end else top * 0.93
            add(
                [spot(end, -half, 0.26), spot(end, half, 0.26), spot(end, half, high), spot(end, -half, high)],
                paint._replace(colour=shade(paint.colour, 0.92)),
            )
            add([spot(end, -half, 0.24), spot(end, half, 0.24), spot(end, half, 0.42), spot(end, -half, 0.42)], _DARK)
            lamp = Surface((0.62, 0.10, 0.08) if end else (0.93, 0.93, 0.88), Region.CAR)
            for side in (-1.0, 1.0):
                inner, outer = side * half * 0.62, side * half * 0.95
                add(
                    [spot(end, inner, 0.62), spot(end, outer, 0.62), spot(end, outer, 0.78), spot(end, inner, 0.78)],
                    lamp,
                )
            plate = Surface((0.85, 0.85, 0.80), Region.CAR)
            add([spot(end, -0.17, 0.44), spot(end, 0.17, 0.44), spot(end, 0.17, 0.60), spot(end, -0.17, 0.60)], plate)
        if self.sees_side:
            near = self.near
            add(
                [
                    spot(0.0, near, 0.26),
                    spot(1.0, near, 0.26),
                    spot(1.0, near, top),
                    spot(shape.foot[0], near, top),
                    spot(0.0, near, top * 0.93),
                ],
                paint,
            )

    def paint_cabin(self, paint: Surface) -> None:
        """The upper half: roof, posts and panes."""
        shape, spot, add = self.shape, self.spot, self.faces.add
        half, low, high = shape.half * 0.97, shape.body_z, shape.roof_z
        slim = half * 0.84
        if self.faces.eye[2] > high:
            add(
                [
                    spot(shape.roof[0], -slim, high),
                    spot(shape.roof[0], slim, high),
                    spot(shape.roof[1], slim, high),
                    spot(shape.roof[1], -slim, high),
                ],
                paint,
            )
        end = self.seen_end
        if end is not None:
            base, top = (shape.foot[1], shape.roof[1]) if end else (shape.foot[0], shape.roof[0])
            pane = [spot(base, -half, low), spot(base, half, low), spot(top, slim, high), spot(top, -slim, high)]
            add(pane, paint)
            add(_inset(pane, (0.08, 0.92), (0.1, 0.9)), _GLASS)
        if self.sees_side:
            wall, crest = math.copysign(half, self.near), math.copysign(slim, self.near)
            side = [
                spot(shape.foot[0], wall, low),
                spot(shape.foot[1], wall, low),
                spot(shape.roof[1], crest, high),
                spot(shape.roof[0], crest, high),
            ]
            add(side, paint)
            for span in ((0.10, 0.50), (0.54, 0.92)):
                add(_inset(side, span, (0.08, 0.86)), _GLASS)

    def paint_wheels(self) -> None:
        """The wheels on the side that is seen."""
        if not self.sees_side:
            return
        radius, length = 0.32, self.shape.length
        for wheel in (0.19, 0.80):
            for size, surface in ((radius, _DARK), (radius * 0.58, _RIM)):
                turns = [k * math.tau / 10 for k in range(10)]
                rim = [
                    self.spot(wheel + size / length * math.cos(t), self.near * 1.01, radius + size * math.sin(t))
                    for t in turns
                ]
                self.faces.add(rim, surface)


def paint_car(faces: Faces, dice: Dice, middle: tuple[float, float], *, runs_north: bool, reverse: bool) -> None:
    """A car with its middle at (east, north), along a street that runs north or east."""
    shape, colour = dice.pick(_SHAPES), dice.pick(_COLOURS)
    at = (middle[1], middle[0]) if runs_north else middle
    car = _Car(faces, shape, at=at, runs_north=runs_north, sign=-1.0 if reverse else 1.0)
    paint = Surface(colour, Region.CAR)
    car.paint_pool()
    car.paint_body(paint)
    car.paint_cabin(paint)
    car.paint_wheels()


def _inset(quad: Sequence[Point], across: tuple[float, float], up: tuple[float, float]) -> list[Point]:
    """A part of a quad (foot left, foot right, top right, top left), by parts of its width and height."""
    foot_left, foot_right, top_right, top_left = quad

    def at(u: float, v: float) -> Point:
        low = [a + (b - a) * u for a, b in zip(foot_left, foot_right, strict=True)]
        high = [a + (b - a) * u for a, b in zip(top_left, top_right, strict=True)]
        x, y, z = (a + (b - a) * v for a, b in zip(low, high, strict=True))
        return (x, y, z)

    return [at(across[0], up[0]), at(across[1], up[0]), at(across[1], up[1]), at(across[0], up[1])]
