"""From face numbers to a picture and its mask: surfaces, walls, sky, shadow and haze for each pixel."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from machinami.sources.town.camera import OVERSAMPLING, View, lens_map
from machinami.sources.town.canvas import face_planes
from machinami.sources.town.facade import WallPixels, shade_walls
from machinami.sources.town.faces import ASPHALT, FACADE, FIELD, GRASS, LEAF, PAVING, TILES, WATER, FaceTable
from machinami.sources.town.light import Light, light_faces, paint_sky, sky_tones
from machinami.sources.town.samples import Samples, choose_samples
from machinami.sources.town.texture import TILE_PX, grain_at, noise_at, noise_tile, put

FloatArray = npt.NDArray[np.float32]
MaskArray = npt.NDArray[np.uint8]
IntArray = npt.NDArray[np.int64]

_BATCH = 24_000  # samples shaded at a time

# For each material, how strongly fine and soft noise change it, and steps of fine noise to a metre.
_FINE = np.array([0.02, 0.10, 0.05, 0.04, 0.34, 0.22, 0.10, 0.10, 0.22], np.float32)
_SOFT = np.array([0.03, 0.09, 0.05, 0.00, 0.12, 0.12, 0.08, 0.06, 0.14], np.float32)
_ON_GROUND = np.isin(np.arange(len(_FINE)), (ASPHALT, PAVING, FIELD, GRASS))
# Walls, paving and roof tiles have edges within a face, so one look into a pixel would not do.
_LOOKS = np.where(np.isin(np.arange(len(_FINE)), (FACADE, PAVING, TILES)), 2, 1).astype(np.uint8)
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
    face = _ruffle_leaves(canvas.ravel().take(lens.position), table, planes, view)
    samples = choose_samples(face, shadows.ravel().take(lens.position), _LOOKS.take(table.material))
    surfaces = _Surfaces(table, planes, light_faces(table, planes, light), light, view)
    colour, region = _shade_samples(samples, surfaces)
    size = view.size_px
    return Picture(samples.mean(colour).reshape(3, size, size), samples.commonest(region).reshape(size, size))


@dataclass(frozen=True, slots=True)
class _Surfaces:
    table: FaceTable
    planes: FloatArray
    lit: FloatArray
    light: Light
    view: View


def _shade_samples(samples: Samples, surfaces: _Surfaces) -> tuple[FloatArray, MaskArray]:
    """Colours (3, n) and regions (n,) of the samples, in batches that stay in the processor's cache."""
    table, view, light = surfaces.table, surfaces.view, surfaces.light
    face = samples.face
    region = table.region.take(face)
    colour = np.empty((3, len(face)), np.float32)
    is_wall = (table.material == FACADE).take(face)
    for sky in _batches(np.flatnonzero(face == 0)):
        put(colour, sky, paint_sky(view.rays(samples.which[sky]), light))
    for is_part, finish in ((is_wall, _finish_walls), (~is_wall & (face != 0), _finish_things)):
        for part in _batches(np.flatnonzero(is_part)):
            single = int(np.searchsorted(part, len(samples.pixels[0])))
            spots = _look_up(face[part], surfaces.planes, view, view.rays(samples.which[part]))
            tone, kind = surfaces.lit.take(spots.face, axis=1), region[part]
            finish(tone, kind, _Input(spots, table, samples.shadow[part], light, single))
            haze = np.exp(spots.depth * np.float32(-1.0 / light.sight_m))
            put(colour, part, light.horizon[:, None] + (tone - light.horizon[:, None]) * haze)
            region[part] = kind
    return colour, region


def _batches(samples: IntArray) -> Iterator[IntArray]:
    for start in range(0, len(samples), _BATCH):
        yield samples[start : start + _BATCH]


@dataclass(frozen=True, slots=True)
class _Spots:
    """What n pixels see: the face, how far ahead, where on the face (metres along and up), and how steeply."""

    face: IntArray
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
    single: int  # how many of the spots, from the first, are all that is seen of their pixels


def _look_up(face: IntArray, planes: FloatArray, view: View, rays: FloatArray) -> _Spots:
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
    _lay_texture(colour, material, given.spots, given.single)
    _lay_water(colour, material, given.spots, given.light)
    _lay_shadow(colour, material, given.shadow * given.spots.is_level, given.light)


def _ruffle_leaves(
    seen: npt.NDArray[np.int32], table: FaceTable, planes: FloatArray, view: View
) -> npt.NDArray[np.int32]:
    """Leafy outlines: pixels on and beside leaves look a little aside, as far as a leaf is long there."""
    is_leaf = table.material == LEAF
    size = OVERSAMPLING * view.size_px
    leafy = np.flatnonzero(is_leaf.take(seen))
    if not len(leafy):
        return seen
    farthest = size // 60
    margin = (3 * farthest + 1) * size
    rows = slice(max(0, leafy[0] // size * size - margin), min(size * size, (leafy[-1] // size + 1) * size + margin))
    some = seen[rows]
    focal = size / (2 * view.tan_half)
    ragged = np.clip(_LEAF_EDGE_M * focal / np.maximum(-planes[:, 3], 1.0), 0.6, size / 60)
    reach = np.where(is_leaf, ragged, size / 180).astype(np.float32).take(some)
    aside, below, position = _leaf_offsets(size)
    step = (aside[rows] * reach).astype(np.int32) + np.int32(size) * (below[rows] * reach).astype(np.int32)
    moved = seen.take(position[rows] + step, mode="clip")
    # Later faces stand before earlier ones: leaves ruffle what is behind them and nothing that is before.
    from_leaf, to_leaf = is_leaf.take(some), is_leaf.take(moved)
    ruffled = seen.copy()
    ruffled[rows] = np.where(to_leaf & (from_leaf | (moved > some)) | from_leaf & (moved < some), moved, some)
    return ruffled


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


def _lay_texture(colour: FloatArray, material: MaskArray, spots: _Spots, single: int) -> None:
    """Grain, stains, paving joints, furrows and roof tiles, fading with distance."""
    u, v, depth = spots.along, spots.up, spots.depth
    fade = np.float32(1.0) / (np.float32(1.0) + depth * np.float32(0.012))
    factor = (
        1.0
        + _FINE.take(material) * fade * grain_at(u, v, 0.55, single=single)
        + _SOFT.take(material) * noise_at(u, v, 0.13)
    )
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
