"""Windows, glass and shopfronts on walls, worked out for each pixel from where on the wall it lies."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from machinami.sources.town.regions import Region
from machinami.sources.town.texture import noise_at, put, scatter

PUNCHED, RIBBON, BALCONY, CURTAIN, BLIND = range(5)  # styles of the upper floors
GARAGE, SHOP, GLAZED = 1, 2, 3  # what the ground floor is instead
_BRICK = 10  # added to a style

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
MaskArray = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facade:
    """How a wall is divided: bays along it, floors up to `top_m`, a window in each."""

    style: int
    bay_m: float
    floor_m: float
    window: tuple[float, float]  # part of bay and floor that the window takes
    top_m: float
    seed: float
    is_brick: bool = False
    ground: int = 0
    ground_m: float = 0.0

    def with_ground(self, ground: int, ground_m: float) -> "Facade":
        """The same with another ground floor."""
        return replace(self, ground=ground, ground_m=ground_m)

    def with_style(self, style: int) -> "Facade":
        """The same in another style."""
        return replace(self, style=style)

    def numbers(self, start_m: float) -> tuple[float, ...]:
        """The row of the face table, for a wall that starts at `start_m` along the plan."""
        style = self.style + (_BRICK if self.is_brick else 0)
        wide, high = self.window
        return (self.bay_m, self.floor_m, wide, high, style, self.seed, self.top_m, start_m, self.ground, self.ground_m)


@dataclass(frozen=True, slots=True)
class WallPixels:
    """n pixels on walls: metres along and up, depth, steepness of the view (float32 (n,)), and facades.

    `rows` float32 (10, n) holds the numbers of `Facade.numbers`.
    """

    along_m: FloatArray
    up_m: FloatArray
    depth_m: FloatArray
    rise: FloatArray
    rows: FloatArray

    def take(self, at: IntArray) -> "WallPixels":
        """Some of the pixels."""
        return WallPixels(self.along_m[at], self.up_m[at], self.depth_m[at], self.rise[at], self.rows.take(at, axis=1))


@dataclass(frozen=True, slots=True)
class SkyTones:
    """The sky's colours for reflections, linear light: float32 (3,)."""

    zenith: FloatArray
    horizon: FloatArray
    street: FloatArray


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where pixels lie in their bay and storey (0 … 1 across and up), and each window's own luck."""

    across: FloatArray
    upward: FloatArray
    luck: FloatArray
    is_above: BoolArray  # in one of the storeys with windows


def shade_walls(pixels: WallPixels, colour: FloatArray, region: MaskArray, sky: SkyTones) -> None:
    """Put windows, glass and shopfronts on the walls: changes colour (3, n) and region (n,) in place."""
    style = pixels.rows[4]
    is_brick = style >= _BRICK
    style = np.where(is_brick, style - _BRICK, style)
    ground, is_low = pixels.rows[8], pixels.up_m < pixels.rows[9]
    _lay_courses(pixels, colour, is_brick)
    grid = _lay_grid(pixels)
    is_curtain = style == CURTAIN
    _paint_balconies(colour, np.flatnonzero((style == BALCONY) & grid.is_above), grid)
    opened = np.flatnonzero(grid.is_above & ~is_curtain & ((style != BLIND) | (grid.luck < 0.22)))
    windows = _paint_windows(colour, opened, _Style(style, pixels, grid), sky)
    region[windows] = Region.WINDOW
    _paint_panes(colour, np.flatnonzero(is_curtain & grid.is_above), pixels, grid, sky)
    _paint_garages(colour, np.flatnonzero(is_low & (ground == GARAGE)), pixels)
    shops = np.flatnonzero(is_low & (ground == SHOP))
    _paint_shops(colour, shops, pixels, sky)
    region[shops] = Region.SHOPFRONT
    _paint_lobbies(colour, np.flatnonzero(is_low & (ground == GLAZED)), pixels, sky)


@dataclass(frozen=True, slots=True)
class _Style:
    style: FloatArray
    pixels: WallPixels
    grid: _Grid


def _lay_grid(pixels: WallPixels) -> _Grid:
    bay, floor, seed, top, start, ground_m = (pixels.rows[k] for k in (0, 1, 5, 6, 7, 9))
    column = (pixels.along_m - start) / bay
    storey = (pixels.up_m - ground_m) / floor
    column_no, storey_no = np.floor(column), np.floor(storey)
    luck = scatter(column_no + 31.0 * seed * bay, storey_no + 57.0 * seed)
    is_above = (storey > 0) & (storey_no < np.maximum(np.floor((top - ground_m) / floor), 1.0))
    return _Grid(column - column_no, storey - storey_no, luck, is_above)


def _lay_courses(pixels: WallPixels, colour: FloatArray, is_brick: BoolArray) -> None:
    """Stains on every wall, and courses of brick where it is near enough to see them."""
    stain = noise_at(pixels.along_m, pixels.up_m * np.float32(0.5), 0.35)
    foot = np.minimum(pixels.up_m * np.float32(0.5) + np.float32(0.72), np.float32(1.0))
    colour *= (np.float32(1.0) + np.float32(0.07) * stain) * foot
    at = np.flatnonzero(is_brick & (pixels.depth_m < 38.0))
    course = np.floor(pixels.up_m[at] / np.float32(0.09))
    stone = np.floor(pixels.along_m[at] / np.float32(0.24) + 0.5 * (course % 2))
    fade = np.float32(1.0) - pixels.depth_m[at] / np.float32(38.0)
    shade = np.float32(1.0) + fade * np.float32(0.5) * (scatter(stone, course) - np.float32(0.5))
    put(colour, at, colour.take(at, axis=1) * shade)


def _reflection(pixels: WallPixels, luck: FloatArray, sky: SkyTones) -> FloatArray:
    """What panes mirror, float32 (3, n): the sky, the houses opposite, the street; each hangs a little askew."""
    cloud = noise_at(pixels.along_m * np.float32(0.5), pixels.up_m * np.float32(0.25), 0.11)
    up = pixels.rise + np.float32(0.14) * (luck - np.float32(0.5))
    roofs = np.float32(0.10) + np.float32(0.34) * scatter(np.floor(pixels.along_m / np.float32(8.5)), luck * 0)
    part = np.clip(up * np.float32(1.4), 0.0, 1.0)
    below = np.clip((roofs - up) * np.float32(5.0), 0.0, 1.0)
    above = sky.horizon[:, None] + (sky.zenith - sky.horizon)[:, None] * part
    mirrored = above + (sky.street[:, None] - above) * below
    return np.asarray(mirrored * (np.float32(0.92) + np.float32(0.10) * cloud), np.float32)


def _paint_balconies(colour: FloatArray, at: IntArray, grid: _Grid) -> None:
    up = grid.upward[at]
    shade = np.where(up < 0.36, 1.06, np.where(up > 0.9, 0.95, 0.42)).astype(np.float32)
    put(colour, at, colour.take(at, axis=1) * shade)


def _paint_windows(colour: FloatArray, at: IntArray, place: _Style, sky: SkyTones) -> IntArray:
    """Windows in the middle of their bays; the pixels that they take."""
    style, rows = place.style[at], place.pixels.rows.take(at, axis=1)
    across, upward = place.grid.across[at], place.grid.upward[at]
    bay, floor, wide, high = rows[:4]
    side = (np.float32(1.0) - wide) / 2
    foot = np.where(style == BALCONY, np.float32(0.06), np.float32(0.56) - high / 2)
    # Metres from the window's edge, positive inside.
    from_side = np.minimum(across - side, 1.0 - side - across) * bay
    from_side = np.where(style == RIBBON, np.abs(across - 0.5) * bay + 0.001, from_side)
    edge = np.minimum(from_side, np.minimum(upward - foot, foot + high - upward) * floor)
    inside = np.flatnonzero(edge > 0)
    taken = at[inside]
    pixels, luck = place.pixels.take(taken), place.grid.luck[taken]
    mirrored = _reflection(pixels, luck, sky)
    curtain = np.where(luck > 0.72, 0.24, np.where(luck > 0.5, 0.09, 0.02)).astype(np.float32)
    pane = np.float32(0.34) * mirrored + curtain * np.array([[1.0], [0.97], [0.9]], np.float32)
    is_frame = (edge[inside] < 0.07) | (np.abs(across[inside] - 0.5) < 0.018)
    light_frame = np.where(rows[5].take(inside) > 0.5, np.float32(1.15), np.float32(0.3))
    put(colour, taken, np.where(is_frame, colour.take(taken, axis=1) * light_frame, pane))
    return taken


def _paint_panes(colour: FloatArray, at: IntArray, pixels: WallPixels, grid: _Grid, sky: SkyTones) -> None:
    """A curtain wall: panes between thin posts, over a band that hides the floor."""
    wide, high = pixels.rows[2].take(at), pixels.rows[3].take(at)
    across, upward, luck = grid.across[at], grid.upward[at], grid.luck[at]
    is_post = (np.abs(across - 0.5) > wide / 2) | (upward < np.float32(0.03))
    is_band = upward < np.float32(1.0) - high
    mirrored = _reflection(pixels.take(at), luck, sky)
    wall = colour.take(at, axis=1)
    tint = wall / np.maximum(np.maximum(np.maximum(wall[0], wall[1]), wall[2]), np.float32(1e-3))
    pane = mirrored * (np.float32(0.55) + np.float32(0.35) * tint) * (np.float32(0.72) + np.float32(0.3) * luck)
    lit = np.where(luck > 0.93, np.float32(0.14), np.float32(0.01))
    band = np.float32(0.75) * wall + np.float32(0.2) * mirrored
    put(colour, at, np.where(is_post, wall * np.float32(1.25) + np.float32(0.02), np.where(is_band, band, pane + lit)))


def _paint_garages(colour: FloatArray, at: IntArray, pixels: WallPixels) -> None:
    """A roller door and an entrance."""
    bay, up = (pixels.along_m[at] - pixels.rows[7, at]) % np.float32(5.4), pixels.up_m[at]
    is_door = (bay < 2.9) & (bay > 0.3) & (up < 2.35)
    is_entry = (bay > 3.6) & (bay < 4.6) & (up < 2.15)
    slat = np.where((up * 5.0) % 1.0 < 0.12, np.float32(0.38), np.float32(0.5))
    wall = colour.take(at, axis=1)
    wood = wall * np.array([[0.34], [0.24], [0.18]], np.float32)
    put(colour, at, np.where(is_door, wall * slat, np.where(is_entry, wood, wall)))


_BOARDS = np.array(
    [
        (0.36, 0.06, 0.05),
        (0.05, 0.12, 0.24),
        (0.52, 0.38, 0.10),
        (0.06, 0.16, 0.10),
        (0.66, 0.64, 0.58),
        (0.07, 0.06, 0.06),
    ],
    np.float32,
).T


def _paint_shops(colour: FloatArray, at: IntArray, pixels: WallPixels, sky: SkyTones) -> None:
    """Shop windows above a sill, a sign board over them, goods and lamps behind the glass."""
    some = pixels.take(at)
    along, up, top, seed = some.along_m - some.rows[7], some.up_m, some.rows[9], some.rows[5]
    number = np.floor(along / np.float32(5.2))
    luck = scatter(number + 7.0 * seed, number * 0 + 3.0)
    bay = along / np.float32(5.2) - number
    is_board, is_sill = up > top - 0.75, up < 0.45
    is_post = (bay < 0.04) | (bay > 0.96) | (np.abs(bay - 0.62) < 0.012) | (np.abs(bay - 0.8) < 0.012)
    is_letter = is_board & (np.abs(up - top + 0.38) < 0.17) & (bay > 0.2) & (bay < 0.72)
    is_letter &= scatter(np.floor(along / np.float32(0.16)), number + 5.0) > 0.38
    goods = np.clip(noise_at(along, up, 3.0), -1.0, 1.0)
    row = np.floor(up / np.float32(0.55))
    shelf = scatter(np.floor(along / (np.float32(0.18) + np.float32(0.5) * scatter(number, row))), row + 100.0 * luck)
    shelf *= np.float32(0.4) + np.float32(0.6) * (scatter(number, row + 9.0) > 0.35)
    lamps = np.float32(0.12) * np.clip(up - 1.9, 0.0, 1.0)
    warm = np.array([[1.0], [0.85], [0.65]], np.float32)
    inside = (np.float32(0.03) + np.float32(0.10) * shelf + np.float32(0.012) * goods + lamps) * warm
    inside += np.float32(0.24) * _reflection(some, luck, sky)
    wall = colour.take(at, axis=1)
    bright = np.clip(wall[1] / np.float32(0.12), 0.35, 1.1)
    hue = (luck * 6.0).astype(np.int64)
    letter = np.where(hue == 4, np.float32(0.05), np.float32(0.7)) * bright
    front = np.where(is_post, np.float32(0.06), np.where(is_sill, wall * np.float32(0.6), inside))
    put(colour, at, np.where(is_letter, letter, np.where(is_board, _BOARDS.take(hue, axis=1) * bright, front)))


def _paint_lobbies(colour: FloatArray, at: IntArray, pixels: WallPixels, sky: SkyTones) -> None:
    """Tall glass at street level, with a lit ceiling and pillars behind it."""
    some = pixels.take(at)
    along, up, top = some.along_m - some.rows[7], some.up_m, some.rows[9]
    is_post = ((along % np.float32(3.4)) < 0.12) | (up < 0.12) | (np.abs(up - top * 0.62) < 0.05)
    is_beam = up > top - 0.55
    is_pillar = ((along + np.float32(1.1)) % np.float32(6.8)) < 0.7
    depth = np.where(is_pillar, np.float32(0.09), np.float32(0.02) + np.float32(0.07) * np.square(up / top))
    is_lamp = (np.abs(up / top - 0.78) < 0.025) & ((along % np.float32(1.7)) < 0.9)
    warm = np.where(is_lamp, np.float32(0.55), depth) * np.array([[1.0], [0.88], [0.68]], np.float32)
    pane = np.float32(0.42) * _reflection(some, scatter(np.floor(along / np.float32(3.4)), up * 0), sky) + warm
    wall = colour.take(at, axis=1)
    put(
        colour,
        at,
        np.where(is_beam, wall * np.float32(1.3) + np.float32(0.03), np.where(is_post, np.float32(0.10), pane)),
    )
