"""A camera that stands somewhere, looks somewhere and bends straight lines a little.

Polygons are projected without the bend onto a canvas of twice the photo's size; the finished canvas is
then read through `lens_map`, so that photo, mask and viewing rays all bend together.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

NEAR_M = 0.35
OVERSAMPLING = 2

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Where the camera is and how it looks; angles in degrees, bearings clockwise from the plan's north."""

    east_m: float
    north_m: float
    up_m: float
    bearing_deg: float
    pitch_deg: float  # up is positive
    roll_deg: float
    fov_deg: float  # across the photo, at its middle
    bend: float  # barrel distortion: a point at radius r (1 = half the width) is seen from r (1 + bend r²)
    size_px: int

    @property
    def tan_half(self) -> float:
        """Half the width of the picture at distance 1."""
        return math.tan(math.radians(self.fov_deg) / 2)

    @property
    def reach(self) -> float:
        """How far the canvas goes beyond the half width, for the bend to read from."""
        return 1.0 + 2.0 * self.bend + 0.01

    @property
    def canvas_px(self) -> int:
        """Width and height of the canvas."""
        return math.ceil(OVERSAMPLING * self.size_px * self.reach)

    def axes(self) -> npt.NDArray[np.float64]:
        """The camera's right, up and forward directions in east, north, up: float64 (3, 3), a row each."""
        bearing, pitch, roll = (math.radians(a) for a in (self.bearing_deg, self.pitch_deg, self.roll_deg))
        flat_forward = np.array([math.sin(bearing), math.cos(bearing), 0.0])
        right = np.array([math.cos(bearing), -math.sin(bearing), 0.0])
        sky = np.array([0.0, 0.0, 1.0])
        forward = math.cos(pitch) * flat_forward + math.sin(pitch) * sky
        up = math.cos(pitch) * sky - math.sin(pitch) * flat_forward
        return np.stack(
            [math.cos(roll) * right + math.sin(roll) * up, math.cos(roll) * up - math.sin(roll) * right, forward]
        )

    def to_camera(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Points (n, 3) in east, north, up as right, up, forward of the camera: float64 (n, 3)."""
        moved = points - np.array([self.east_m, self.north_m, self.up_m])
        return np.asarray(moved @ self.axes().T)

    def to_canvas(self, seen: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Points in front of the camera (n, 3), from `to_camera`, as canvas pixels: float64 (n, 2)."""
        half = self.canvas_px / 2
        scale = half / (self.tan_half * self.reach)
        flat = seen[:, :2] / seen[:, 2:]
        return np.column_stack([half + scale * flat[:, 0], half - scale * flat[:, 1]])

    def rays(self, which: npt.NDArray[np.int64]) -> FloatArray:
        """Viewing directions with length 1 along forward: float32 (3, n).

        `which` int64 (n,) counts the oversampled pixels row by row, and from their number on the photo's own.
        """
        lens = lens_map(self.size_px, self.bend)
        right, up, forward = self.axes().astype(np.float32)
        across = lens.across.take(which) * np.float32(self.tan_half)
        upward = lens.upward.take(which) * np.float32(self.tan_half)
        return np.stack([across * right[k] + (upward * up[k] + forward[k]) for k in range(3)])


@dataclass(frozen=True, slots=True)
class LensMap:
    """Where pixels look, row by row: in half widths, and for the oversampled ones as a flat canvas position."""

    across: FloatArray  # (oversampled pixels + pixels of the photo,)
    upward: FloatArray
    position: npt.NDArray[np.int64]  # (oversampled pixels,)


@lru_cache(maxsize=32)
def lens_map(size_px: int, bend: float) -> LensMap:
    """The reading map of a lens for photos of this size."""
    count = OVERSAMPLING * size_px
    across, upward = _look_through(count, bend)
    reach = 1.0 + 2.0 * bend + 0.01
    canvas = math.ceil(count * reach)
    column = ((across / reach + 1) / 2 * canvas).astype(np.int64)
    row = ((1 - upward / reach) / 2 * canvas).astype(np.int64)
    own_across, own_upward = _look_through(size_px, bend)
    return LensMap(
        np.concatenate([across, own_across]).astype(np.float32),
        np.concatenate([upward, own_upward]).astype(np.float32),
        row * canvas + column,
    )


def _look_through(count: int, bend: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Where the middles of count by count pixels look, across and upward in half widths: float64 (count²,) each."""
    steps = (np.arange(count, dtype=np.float64) + 0.5) * 2 / count - 1
    x, y = steps[None, :], -steps[:, None]
    stretch = 1 + bend * (x * x + y * y)
    return (x * stretch).ravel(), (y * stretch).ravel()
