"""Faces drawn onto one canvas of face numbers: what is seen where, for picture and mask alike."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from machinami.sources.town.camera import NEAR_M, View
from machinami.sources.town.faces import FaceTable

FloatArray = npt.NDArray[np.float64]
_SMALLEST_PX = 0.35  # what is less wide and high is not drawn
_FAR_PX = 1e8  # beyond this, corners are drawn nearer: the drawing library counts in 32 bits

IntArray = npt.NDArray[np.int64]


def draw_faces(table: FaceTable, view: View) -> npt.NDArray[np.int32]:
    """The row of the face table that is seen at each canvas pixel, 0 for the sky: int32 (canvas, canvas)."""
    image = Image.new("I", (view.canvas_px, view.canvas_px), 0)
    polygon = ImageDraw.Draw(image).polygon
    for face, points in _outlines(table.corners, table.starts, view):
        polygon(points, fill=face + 1)
    return np.asarray(image, np.int32)


def _outlines(corners: FloatArray, starts: IntArray, view: View) -> Iterator[tuple[int, list[float]]]:
    """The number of each polygon that may be seen, in order, and its corners on the canvas, x and y in turn."""
    seen, sides = view.to_camera(corners), np.diff(starts)
    inside = _in_pyramid(seen, starts[:-1], view.tan_half * view.reach)
    numbers, seen = np.flatnonzero(inside), seen[np.repeat(inside, sides)]
    if not len(numbers):
        return
    starts = np.concatenate([[0], np.cumsum(sides[inside])])
    is_whole = np.minimum.reduceat(seen[:, 2], starts[:-1]) >= NEAR_M
    safe = seen.copy()
    safe[:, 2] = np.maximum(safe[:, 2], NEAR_M)
    points = np.clip(view.to_canvas(safe), -_FAR_PX, _FAR_PX)
    size = (np.maximum.reduceat(points, starts[:-1]) - np.minimum.reduceat(points, starts[:-1])).max(axis=1)
    flat, bounds, whole = points.ravel().tolist(), starts.tolist(), is_whole.tolist()
    for k in np.flatnonzero(~is_whole | (size > _SMALLEST_PX)).tolist():
        if whole[k]:
            yield int(numbers[k]), flat[2 * bounds[k] : 2 * bounds[k + 1]]
        else:
            kept = _clip_near(seen[bounds[k] : bounds[k + 1]].tolist())
            if len(kept) > 2:
                yield int(numbers[k]), _flat(np.array(kept), view)


def _in_pyramid(seen: FloatArray, starts: IntArray, reach: float) -> npt.NDArray[np.bool_]:
    """Whether each face has a part on the inner side of each of the five planes that bound the view."""
    aside, above, ahead = seen.T.copy()
    edge = ahead * reach
    inside = np.maximum.reduceat(ahead, starts) > NEAR_M
    for across in (aside, above):
        inside &= np.minimum.reduceat(across - edge, starts) < 0
        inside &= np.maximum.reduceat(across + edge, starts) > 0
    return np.asarray(inside)


def _clip_near(corners: list[list[float]]) -> list[list[float]]:
    """The part of a polygon that lies before the camera (Sutherland and Hodgman 1974, one plane)."""
    kept = []
    here = corners[-1]
    for there in corners:
        if (here[2] >= NEAR_M) != (there[2] >= NEAR_M):
            part = (NEAR_M - here[2]) / (there[2] - here[2])
            kept.append([a + part * (b - a) for a, b in zip(here, there, strict=True)])
        if there[2] >= NEAR_M:
            kept.append(there)
        here = there
    return kept


def draw_shadows(outlines: list[FloatArray], view: View) -> npt.NDArray[np.uint8]:
    """1 where one of the polygons on the ground (float64 (n, 3) each) is seen: uint8 (canvas, canvas)."""
    image = Image.new("L", (view.canvas_px, view.canvas_px), 0)
    polygon = ImageDraw.Draw(image).polygon
    if not outlines:
        return np.asarray(image, np.uint8)
    starts = np.concatenate([[0], np.cumsum([len(outline) for outline in outlines])])
    for _, points in _outlines(np.concatenate(outlines), starts, view):
        polygon(points, fill=1)
    return np.asarray(image, np.uint8)


def _flat(seen: FloatArray, view: View) -> list[float]:
    points: list[float] = np.clip(view.to_canvas(seen), -_FAR_PX, _FAR_PX).ravel().tolist()
    return points


def face_planes(table: FaceTable, view: View) -> npt.NDArray[np.float32]:
    """Each row's plane as normal (towards the eye) and distance: float32 (f + 1, 4), n·(p - eye) = d.

    Row 0, the sky, has the normal 0.
    """
    first, second = table.corners[table.starts[:-1]], table.corners[table.starts[:-1] + 1]
    third = table.corners[table.starts[:-1] + 2]
    normal = np.cross(second - first, third - first)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    reach = ((first - np.array([view.east_m, view.north_m, view.up_m])) * normal).sum(axis=1)
    normal *= np.where(reach > 0, -1.0, 1.0)[:, None]
    planes = np.zeros((len(reach) + 1, 4), np.float32)
    planes[1:, :3], planes[1:, 3] = normal, -np.abs(reach)
    return planes
