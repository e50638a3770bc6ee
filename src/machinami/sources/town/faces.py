"""Flat pieces of the scene, collected in the order in which they are painted."""

import math
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from machinami.sources.town.regions import Region

Point = tuple[float, float, float]
Colour = tuple[float, float, float]  # albedo as seen (sRGB, 0 … 1)

# Materials: how the pixels of a face are shaded.
FLAT, ASPHALT, PAVING, FACADE, LEAF, FIELD, TILES, WATER, GRASS = range(9)
FACADE_NUMBERS = 10


class Surface(NamedTuple):
    """How a face looks; `facade` is read for FACADE only (see facade.Facade)."""

    colour: Colour
    region: Region
    material: int = FLAT
    facade: tuple[float, ...] = (0.0,) * FACADE_NUMBERS


class FaceTable(NamedTuple):
    """All faces as arrays; row 0 is the sky, so a face's row is its order plus one.

    corners float64 (v, 3), the corners of all faces one after another; starts int64 (f + 1,);
    colour float32 (f + 1, 3); region uint8 (f + 1,); material uint8 (f + 1,); facade float32 (f + 1, 10).
    """

    corners: npt.NDArray[np.float64]
    starts: npt.NDArray[np.int64]
    colour: npt.NDArray[np.float32]
    region: npt.NDArray[np.uint8]
    material: npt.NDArray[np.uint8]
    facade: npt.NDArray[np.float32]


class Faces:
    """Collects faces, far to near; the eye's position decides which sides of a box are seen."""

    def __init__(self, eye: Point, *, bearing_deg: float = 0.0, spread: float = math.inf) -> None:
        self.eye = eye
        self._ahead = (math.sin(math.radians(bearing_deg)), math.cos(math.radians(bearing_deg)))
        self._spread = spread  # how far to the side the view reaches, at distance 1
        self._corners: list[Point] = []
        self._colours: list[Colour] = []
        self._turned: list[_Turned] = []
        self._counts = bytearray()  # corners of each face
        self._regions = bytearray()
        self._materials = bytearray()
        self._facades: dict[int, tuple[float, ...]] = {}
        self.crowns: list[tuple[float, float, float, float]] = []  # of trees: east, north, up, radius

    def __len__(self) -> int:
        return len(self._counts)

    def may_see(self, east_m: float, north_m: float, radius_m: float) -> bool:
        """Whether anything within a radius of a place on the ground can lie in the view."""
        x, y = east_m - self.eye[0], north_m - self.eye[1]
        ahead = x * self._ahead[0] + y * self._ahead[1] + radius_m
        aside = abs(x * self._ahead[1] - y * self._ahead[0]) - radius_m
        return ahead > 0 and aside < ahead * self._spread

    def add(self, corners: Sequence[Point], surface: Surface) -> None:
        """Paint a flat polygon over everything that was added before."""
        self._corners.extend(corners)
        self._counts.append(len(corners))
        colour, region, material, facade = surface
        self._colours.append(colour)
        self._regions.append(region)
        self._materials.append(material)
        if material == FACADE:
            self._facades[len(self._counts)] = facade

    def add_turned(
        self, outlines: npt.NDArray[np.float64], light: npt.NDArray[np.float64], stand: "Stand", surface: Surface
    ) -> None:
        """Paint n upright polygons that are turned to the eye, all with as many corners.

        `outlines` float64 (n, k, 2), across and up in half widths and half heights of the stand; `light` float64
        (n,) makes the surface's colour lighter or darker.
        """
        count, sides, _ = outlines.shape
        self._turned.append(_Turned(len(self._counts), outlines, light, stand, surface.colour))
        self._counts.extend(bytes((sides,)) * count)
        self._regions.extend(bytes((surface.region,)) * count)
        self._materials.extend(bytes((surface.material,)) * count)

    def wall_x(self, x: float, ys: tuple[float, float], zs: tuple[float, float], surface: Surface) -> None:
        """Paint an upright rectangle that faces east or west."""
        (y0, y1), (z0, z1) = ys, zs
        self.add(((x, y0, z0), (x, y1, z0), (x, y1, z1), (x, y0, z1)), surface)

    def wall_y(self, y: float, xs: tuple[float, float], zs: tuple[float, float], surface: Surface) -> None:
        """Paint an upright rectangle that faces north or south."""
        (x0, x1), (z0, z1) = xs, zs
        self.add(((x0, y, z0), (x1, y, z0), (x1, y, z1), (x0, y, z1)), surface)

    def level(self, xs: tuple[float, float], ys: tuple[float, float], z: float, surface: Surface) -> None:
        """Paint a level rectangle."""
        (x0, x1), (y0, y1) = xs, ys
        self.add(((x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)), surface)

    def box(self, base: "Box", sides: Surface, top: Surface | None = None, ends: Surface | None = None) -> None:
        """Paint the sides of a box that the eye sees; `ends` are the sides that face north and south."""
        ex, ey, ez = self.eye
        if top is not None and ez > base.z1:
            self.level((base.x0, base.x1), (base.y0, base.y1), base.z1, top)
        if ex < base.x0:
            self.wall_x(base.x0, (base.y0, base.y1), (base.z0, base.z1), sides)
        elif ex > base.x1:
            self.wall_x(base.x1, (base.y0, base.y1), (base.z0, base.z1), sides)
        if ey < base.y0:
            self.wall_y(base.y0, (base.x0, base.x1), (base.z0, base.z1), ends or sides)
        elif ey > base.y1:
            self.wall_y(base.y1, (base.x0, base.x1), (base.z0, base.z1), ends or sides)

    def table(self) -> FaceTable:
        """Everything that was added, at least one face, as arrays."""
        count = len(self._counts)
        colour = np.zeros((count + 1, 3), np.float32)
        region = np.full(count + 1, Region.SKY, np.uint8)
        material = np.zeros(count + 1, np.uint8)
        facade = np.zeros((count + 1, FACADE_NUMBERS), np.float32)
        region[1:], material[1:] = np.frombuffer(self._regions, np.uint8), np.frombuffer(self._materials, np.uint8)
        if self._facades:
            facade[list(self._facades)] = list(self._facades.values())
        starts = np.concatenate([[0], np.cumsum(np.frombuffer(self._counts, np.uint8))]).astype(np.int64)
        corners = self._lay_out(starts, colour[1:])
        return FaceTable(corners, starts, colour, region, material, facade)

    def _lay_out(self, starts: npt.NDArray[np.int64], colour: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """The corners of all faces in order, float64 (v, 3); fills in their colours, float32 (f, 3)."""
        is_turned = np.zeros(len(starts) - 1, bool)
        for group in self._turned:
            is_turned[group.first : group.first + len(group.light)] = True
        is_turned_corner = np.repeat(is_turned, np.diff(starts))
        corners = np.empty((len(is_turned_corner), 3))
        corners[~is_turned_corner], colour[~is_turned] = _in_rows(self._corners), _in_rows(self._colours)
        if self._turned:
            turned, colours = _turn(self._turned)
            corners[is_turned_corner], colour[is_turned] = turned, colours
        return corners


def _in_rows(triples: Sequence[Point]) -> npt.NDArray[np.float64]:
    return np.fromiter(chain.from_iterable(triples), np.float64, 3 * len(triples)).reshape(-1, 3)


class Stand(NamedTuple):
    """Where outlines stand that are turned to the eye: their middle, what is right of it, half width and height."""

    x: float
    y: float
    z: float
    right_x: float
    right_y: float
    half_width_m: float
    half_height_m: float


class _Turned(NamedTuple):
    first: int  # number of the first face
    outlines: npt.NDArray[np.float64]
    light: npt.NDArray[np.float64]
    stand: Stand
    colour: Colour


def _turn(groups: list[_Turned]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Corners (v, 3) and colours (f, 3) of the outlines of all groups, at one go."""
    counts = [len(group.light) for group in groups]
    stands = np.repeat(np.array([group.stand for group in groups]), counts, axis=0).T[:, :, None]
    x, y, z, right_x, right_y, half_width, half_height = stands
    across, up = np.moveaxis(np.concatenate([group.outlines for group in groups]), 2, 0)
    across = across * half_width
    corners = np.stack([x + right_x * across, y + right_y * across, z + up * half_height], axis=2)
    colours = np.repeat(np.array([group.colour for group in groups]), counts, axis=0)
    light = np.concatenate([group.light for group in groups])
    return corners.reshape(-1, 3), colours * light[:, None]


class Box(NamedTuple):
    """A box along the axes of the plan, in metres."""

    x0: float
    x1: float
    y0: float
    y1: float
    z0: float
    z1: float
