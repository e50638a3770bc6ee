"""From face numbers to a picture and its mask: surfaces, walls, sky, shadow and haze for each pixel."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from machinami.sources.town.camera import OVERSAMPLING, View, lens_map
from machinami.sources.town.canvas import face_planes
from machinami.sources.town.facade import WallPixels, shade_walls
from machinami.sources.town.faces import ASPHALT, FACADE, FIELD, GRASS, LEAF, PAVING, TILES, WATER, FaceTable
from machinami.sources.town.light import Light, light_faces, paint_sky, sky_tones
from machinami.sources.town.texture import TILE_PX, grain_at, noise_at, noise_tile, put

FloatArray = npt.NDArray[np.float32]
MaskArray = npt.NDArray[np.uint8]
IntArray = npt.NDArray[np.int64]

_BAND_PX = 40_000  # pixels shaded at a time

# For each material, how strongly fine and soft noise change it, and steps of fine noise to a metre.
_FINE = np.array([0.02, 0.10, 0.05, 0.04, 0.34, 0.22, 0.10, 0.10, 0.22], np.float32)
_SOFT = np.array([0.03, 0.09, 0.05, 0.00, 0.12, 0.12, 0.08, 0.06, 0.14], np.float32)
_ON_GROUND = np.isin(np.arange(len(_FINE)), (ASPHALT, PAVING, FIELD, GRASS))
_LEAF_EDGE_M = 0.16  # how far leaves stand out beyond the outline of a clump


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in linear light, float32 (3, H, W), and its mask, uint8 (H, W), at the photo's size."""

    colour: FloatArray
    mask: MaskArray


def shade(table: FaceTable, canvas: npt.NDArray[np.int32], shadows: MaskArray, view: View, light: Light) -> Picture:
    """The picture and its mask."""
    planes = face_planes(table, view)
    lens = lens_map(view.size_px, view.bend)
    surfaces = _Surfaces(table, planes, light_faces(table, planes, light), light, view)
    face = _ruffle_leaves(canvas.ravel().take(lens.position), table, planes, view)
    shadow = shadows.ravel().take(lens.position)
    width, height = OVERSAMPLING * view.size_px, view.size_px
    colour = np.empty((3, height, height), np.float32)
    mask = np.empty((height, height), np.uint8)
    rows = OVERSAMPLING * max(1, _BAND_PX // (OVERSAMPLING * width))
    for top in range(0, width, rows):
        band = np.arange(top * width, min(top + rows, width) * width)
        tones, region = _shade_band(band, face[band], shadow[band], surfaces)
        part = slice(top // OVERSAMPLING, (top + rows) // OVERSAMPLING)
        colour[:, part] = _halve(tones.reshape(3, -1, width))
        mask[part] = _commonest(region.reshape(-1, width))
    return Picture(colour, mask)


@dataclass(frozen=True, slots=True)
class _Surfaces:
    table: FaceTable
    planes: FloatArray
    lit: FloatArray
    light: Light
    view: View


def _shade_band(
    band: IntArray, face: npt.NDArray[np.int32], shadow: MaskArray, surfaces: _Surfaces
) -> tuple[FloatArray, MaskArray]:
    """Colours (3, n) and regions (n,) of a band of pixels: small enough to stay in the processor's cache."""
    table, view, light = surfaces.table, surfaces.view, surfaces.light
    region = table.region.take(face)
    colour = np.empty((3, len(face)), np.float32)
    is_wall = (table.material == FACADE).take(face)
    sky, walls = np.flatnonzero(face == 0), np.flatnonzero(is_wall)
    things = np.flatnonzero(~is_wall & (face != 0))
    if len(sky):
        put(colour, sky, paint_sky(view.rays(band[sky]), light))
    for part, finish in ((walls, _finish_walls), (things, _finish_things)):
        if not len(part):
            continue
        spots = _look_up(face[part], surfaces.planes, view, view.rays(band[part]))
        tone, kind = surfaces.lit.take(spots.face, axis=1), region[part]
        finish(tone, kind, _Input(spots, table, shadow[part], light))
        haze = np.exp(spots.depth * np.float32(-1.0 / light.sight_m))
        put(colour, part, light.horizon[:, None] + (tone - light.horizon[:, None]) * haze)
        region[part] = kind
    return colour, region


@dataclass(frozen=True, slots=True)
class _Spots:
    """What n pixels see: the face, how far ahead, where on the face (metres along and up), and how steeply."""

    face: npt.NDArray[np.int32]
    depth: FloatArray
    along: FloatArray
    up: FloatArray
    rise: FloatArray
    is_level: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Input:
    spots: _Spots
    table: FaceTable
    shadow: MaskArray
    light: Light


def _look_up(face: npt.NDArray[np.int32], planes: FloatArray, view: View, rays: FloatArray) -> _Spots:
    """Where the viewing rays (3, n) meet the planes of their faces."""
    east, north, up, reach = planes.T.copy()
    steep = east.take(face) * rays[0] + north.take(face) * rays[1] + up.take(face) * rays[2]
    depth = np.clip(reach.take(face) / np.minimum(steep, np.float32(-1e-4)), np.float32(0.3), np.float32(3000.0))
    x = np.float32(view.east_m) + rays[0] * depth
    y = np.float32(view.north_m) + rays[1] * depth
    z = np.float32(view.up_m) + rays[2] * depth
    is_level = np.abs(up) > 0.6
    along = np.where((~is_level & (np.abs(east) > np.abs(north))).take(face), y, x)
    level = is_level.take(face)
    return _Spots(face, depth, along, np.where(level, y, z), rays[2], level)


def _finish_walls(colour: FloatArray, region: MaskArray, given: _Input) -> None:
    spots = given.spots
    pixels = WallPixels(spots.along, spots.up, spots.depth, spots.rise, given.table.facade.T.take(spots.face, axis=1))
    shade_walls(pixels, colour, region, sky_tones(given.light))


def _finish_things(colour: FloatArray, region: MaskArray, given: _Input) -> None:
    del region
    material = given.table.material.take(given.spots.face)
    _lay_texture(colour, material, given.spots)
    _lay_water(colour, material, given.spots, given.light)
    _lay_shadow(colour, material, given.shadow * given.spots.is_level, given.light)


def _ruffle_leaves(
    seen: npt.NDArray[np.int32], table: FaceTable, planes: FloatArray, view: View
) -> npt.NDArray[np.int32]:
    """Leafy outlines: pixels on and beside leaves look a little aside, as far as a leaf is long there."""
    is_leaf = table.material == LEAF
    size = OVERSAMPLING * view.size_px
    focal = size / (2 * view.tan_half)
    ragged = np.clip(_LEAF_EDGE_M * focal / np.maximum(-planes[:, 3], 1.0), 0.6, size / 60)
    reach = np.where(is_leaf, ragged, size / 180).astype(np.float32).take(seen)
    aside, below, position = _leaf_offsets(size)
    step = (aside * reach).astype(np.int32) + np.int32(size) * (below * reach).astype(np.int32)
    moved = seen.take(position + step, mode="clip")
    # Later faces stand before earlier ones: leaves ruffle what is behind them and nothing that is before.
    from_leaf, to_leaf = is_leaf.take(seen), is_leaf.take(moved)
    return np.where(to_leaf & (from_leaf | (moved > seen)) | from_leaf & (moved < seen), moved, seen)


@lru_cache(maxsize=4)
def _leaf_offsets(size: int) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int32]]:
    """For each pixel how far it looks aside and below, in reaches, and its number."""
    tile, wanted = noise_tile(0.35, 4), np.arange(size)
    aside = tile[np.ix_(wanted % TILE_PX, wanted % TILE_PX)]
    below = tile[np.ix_((wanted + 191) % TILE_PX, (wanted + 77) % TILE_PX)]
    # None looks beyond the edges, where there is nothing to see.
    steps = np.arange(size)
    edge = np.minimum(steps, size - 1 - steps).clip(0, size // 25) / (size // 25)
    aside = (np.clip(aside, -2.4, 2.4) * edge).astype(np.float32)
    below = (np.clip(below, -2.4, 2.4) * edge[:, None]).astype(np.float32)
    return aside.ravel(), below.ravel(), np.arange(size * size, dtype=np.int32)


def _lay_texture(colour: FloatArray, material: MaskArray, spots: _Spots) -> None:
    """Grain, stains, paving joints, furrows and roof tiles, fading with distance."""
    u, v, depth = spots.along, spots.up, spots.depth
    fade = np.float32(1.0) / (np.float32(1.0) + depth * np.float32(0.012))
    factor = 1.0 + _FINE.take(material) * fade * grain_at(u, v, 0.55) + _SOFT.take(material) * noise_at(u, v, 0.13)
    at = np.flatnonzero((material == PAVING) & (depth < 30.0))
    joint = ((u[at] * 2.5) % 1.0 < 0.06) | ((v[at] * 2.5) % 1.0 < 0.06)
    factor[at] *= 1.0 - 0.28 * np.clip(1.4 - depth[at] / 22.0, 0.0, 1.0) * joint
    at = np.flatnonzero(material == FIELD)
    factor[at] *= 1.0 + 0.24 * np.clip(1.6 - depth[at] / 60, 0, 1) * np.sin(u[at] * np.float32(6.0))
    at = np.flatnonzero(material == TILES)
    factor[at] *= 1.0 - 0.22 * np.clip(1.5 - depth[at] / 45, 0, 1) * ((v[at] * 3.3) % 1.0 < 0.25)
    at = np.flatnonzero((material == LEAF) & (depth < 45.0))
    factor[at] *= 1.0 + 0.22 * fade[at] * noise_at(u[at] + v[at], v[at], 0.5)
    at = np.flatnonzero((material == LEAF) & (depth < 9.0))
    factor[at] *= 1.0 + 0.30 * grain_at(u[at], v[at], 2.2)
    colour *= np.maximum(factor, np.float32(0.15)).astype(np.float32)


def _lay_water(colour: FloatArray, material: MaskArray, spots: _Spots, light: Light) -> None:
    """The sky in the water, the more the flatter the view (Schlick 1994), broken by ripples."""
    at = np.flatnonzero(material == WATER)
    if not len(at):
        return
    u, v, rise = spots.along[at], spots.up[at], spots.rise[at]
    ripple = np.float32(0.09) * noise_at(u, v, 0.22) / (np.float32(1.0) + spots.depth[at] * np.float32(0.04))
    grazing = np.clip(1.0 + rise + ripple, 0.0, 1.0)
    part = np.float32(0.06) + np.float32(0.80) * grazing**5
    height = np.sqrt(np.clip(ripple - rise, 0.0, 1.0))
    sky = light.horizon[:, None] + (light.zenith - light.horizon)[:, None] * height
    deep = colour.take(at, axis=1)
    put(colour, at, (deep + (sky - deep) * part).astype(np.float32))


def _lay_shadow(colour: FloatArray, material: MaskArray, shadow: MaskArray, light: Light) -> None:
    """Take the sun's part of the light from level ground in shadow."""
    at = np.flatnonzero(_ON_GROUND.take(material) & (shadow > 0))
    sun = light.direct * np.float32(light.sun[2])
    left = light.ambient / (light.ambient + sun) * np.float32(0.95)
    put(colour, at, (colour.take(at, axis=1) * left[:, None]).astype(np.float32))


def _halve(colour: FloatArray) -> FloatArray:
    """Mean of each 2 by 2 pixels."""
    assert OVERSAMPLING == 2
    return np.asarray(
        (colour[:, ::2, ::2] + colour[:, 1::2, ::2] + colour[:, ::2, 1::2] + colour[:, 1::2, 1::2]) * np.float32(0.25)
    )


def _commonest(region: MaskArray) -> MaskArray:
    """The region that most of each 2 by 2 pixels show; of equals, the one met first."""
    a, b, c, d = region[::2, ::2], region[::2, 1::2], region[1::2, ::2], region[1::2, 1::2]
    repeated = np.where((b == c) | (b == d), b, np.where(c == d, c, a))
    return np.where((a == b) | (a == c) | (a == d), a, repeated)
