"""The cells of the town around the eye: what is on them, which can be seen, and in which order to paint.

The cells make a grid of unequal steps. A line of sight crosses it cell by cell and always away from the
eye's cell, so the number of steps to a cell (east plus north) grows along every line of sight; painting by
falling number of steps is therefore exact.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from machinami.sources.town.camera import View
from machinami.sources.town.chance import chances, key_of, keys_of
from machinami.sources.town.mix import Kind, flavour_names, flavour_shares, kind_shares
from machinami.sources.town.plan import PAVEMENT, PLOT, TownPlan
from machinami.sources.town.settings import TownSettings

SIGHT_M = 230.0
_COLUMNS = 72

# Of each Kind: metres that a building (or what stands for one) is high, from and to …
_LOW_M = np.array([5.0, 9.0, 9.0, 6.5, 0.0, 5.0, 4.6, 0.0, 8.0, 18.0, 5.4, 8.0, 0.0])
_HIGH_M = np.array([6.6, 18.0, 21.0, 12.0, 0.0, 6.4, 6.4, 0.0, 14.0, 40.0, 8.4, 14.0, 0.0])
# … and metres between a street and its front, from and to.
_FRONT_LOW_M = np.array([1.0, 1.0, 0.4, 0.3, 0.0, 2.2, 1.6, 0.0, 0.0, 2.0, 1.8, 0.1, 0.0])
_FRONT_HIGH_M = np.array([3.0, 3.5, 2.0, 1.2, 0.0, 4.0, 3.4, 0.0, 0.0, 5.0, 4.0, 0.5, 0.0])
_GAP_M = np.array([0.9, 1.0, 0.4, 0.2, 0.0, 1.4, 1.0, 0.0, 0.0, 1.2, 0.2, 0.05, 0.0])
# How high the highest thing on a plot may stand, as metres above the building's eaves and above the ground.
_OVER_EAVES_M = np.array([7.0, 3.0, 3.0, 3.0, 0.0, 7.0, 7.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0])
_OVER_GROUND_M = np.array([5.0, 5.0, 0.0, 0.0, 2.5, 9.5, 5.0, 2.0, 14.5, 0.0, 0.0, 0.0, 1.5])
_OVER_PAVEMENT_M = 10.0  # poles and street trees
_SOLID = np.array([1, 1, 1, 1, 0, 1, 1, 0, 0, 1, 1, 1, 0], bool)

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Cells to paint, far to near; every array has one entry a cell.

    `column`, `row` are strip numbers of the plan; x0 … y1 the cell, bx0 … by1 the building in it, in
    metres; `street_sides` has bits 1, 2, 4, 8 for a street to the west, east, south, north.
    """

    key: npt.NDArray[np.uint64]  # of what stands there
    column: IntArray
    row: IntArray
    role_x: IntArray
    role_y: IntArray
    block_x: IntArray
    block_y: IntArray
    kind: IntArray
    flavour: IntArray
    is_plot: BoolArray  # neither road nor pavement
    is_built: BoolArray  # a plot with a building
    street_sides: IntArray
    height_m: FloatArray
    x0: FloatArray
    x1: FloatArray
    y0: FloatArray
    y1: FloatArray
    bx0: FloatArray
    bx1: FloatArray
    by0: FloatArray
    by1: FloatArray
    distance_m: FloatArray

    def each(self) -> Iterator["Cell"]:
        """One cell after another, as plain numbers."""
        return map(Cell._make, zip(*(getattr(self, name).tolist() for name in Cell._fields), strict=True))


class Cell(NamedTuple):
    """A cell to paint; see Cells."""

    key: int
    column: int
    row: int
    role_x: int
    role_y: int
    block_x: int
    block_y: int
    kind: int
    flavour: int
    is_plot: bool
    is_built: bool
    street_sides: int
    height_m: float
    x0: float
    x1: float
    y0: float
    y1: float
    bx0: float
    bx1: float
    by0: float
    by1: float
    distance_m: float


def cells_around(settings: TownSettings, town: str, plan: TownPlan, view: View) -> Cells:
    """The cells within sight that the view takes in and that no building hides, far to near."""
    column, row = _strips_in_view(plan, view)
    near_first = np.argsort(_steps_from_eye(column, row, plan, view), kind="stable")
    cells = _lay_cells(settings, town, plan, view, strips=(column[near_first], row[near_first]))
    return _take(cells, np.flatnonzero(_seen(cells, view))[::-1])


def _take(cells: Cells, which: IntArray) -> Cells:
    return Cells(**{name: getattr(cells, name)[which] for name in Cells.__slots__})


def block_flavours(settings: TownSettings, town: str, plan: TownPlan, block_x: IntArray, block_y: IntArray) -> IntArray:
    """The flavour of blocks, as a position in `flavour_names`: int64, the shape of the block numbers."""
    luck = chances(key_of(plan.key, "flavour"), block_x, block_y)
    return np.searchsorted(np.cumsum(flavour_shares(settings, town))[:-1], luck, side="right").astype(np.int64)


def _strips_in_view(plan: TownPlan, view: View) -> tuple[IntArray, IntArray]:
    """Column and row of each cell within sight that the view takes in."""
    x_edges, y_edges = plan.across_east.edges_m, plan.across_north.edges_m
    columns, rows = _strips_near(x_edges, view.east_m), _strips_near(y_edges, view.north_m)
    column, row = (a.ravel() for a in np.meshgrid(columns, rows, indexing="ij"))
    span = _span_around(view, (x_edges[column], x_edges[column + 1]), (y_edges[row], y_edges[row + 1]))
    half = _half_seen(view)
    within = (span.far_m > 0.5) & (span.left < half) & (span.right > -half)
    return column[within], row[within]


def _half_seen(view: View) -> float:
    # A little wider than the picture: crowns reach beyond their cells, and the camera may be tilted.
    return view.tan_half * view.reach * 1.12


def _lay_cells(
    settings: TownSettings, town: str, plan: TownPlan, view: View, *, strips: tuple[IntArray, IntArray]
) -> Cells:
    column, row = strips
    x_edges, y_edges = plan.across_east.edges_m, plan.across_north.edges_m
    x0, x1, y0, y1 = x_edges[column], x_edges[column + 1], y_edges[row], y_edges[row + 1]
    block_x, block_y = plan.across_east.block[column], plan.across_north.block[row]
    role_x, role_y = plan.across_east.role[column], plan.across_north.role[row]
    flavour = block_flavours(settings, town, plan, block_x, block_y)
    bars = np.cumsum(np.stack([kind_shares(f, settings.difficulty) for f in flavour_names(settings)]), axis=1)
    luck = chances(key_of(plan.key, "kind"), column, row)
    kind = np.minimum((luck[:, None] >= bars[flavour]).sum(axis=1), len(Kind) - 1)
    sides = _street_sides(plan, column, row)
    is_plot = (role_x == PLOT) & (role_y == PLOT)
    tall = chances(key_of(plan.key, "height"), column, row) * 0.6
    tall += chances(key_of(plan.key, "skyline"), block_x // 4, block_y // 4) * 0.4
    front = _FRONT_LOW_M[kind] + (_FRONT_HIGH_M - _FRONT_LOW_M)[kind] * chances(key_of(plan.key, "front"), column, row)
    gap = _GAP_M[kind]
    return Cells(
        key=keys_of(key_of(plan.key), column, row),
        column=column,
        row=row,
        role_x=role_x,
        role_y=role_y,
        block_x=block_x,
        block_y=block_y,
        kind=kind,
        flavour=flavour,
        is_plot=is_plot,
        is_built=is_plot & _SOLID[kind],
        street_sides=sides,
        height_m=_LOW_M[kind] + (_HIGH_M - _LOW_M)[kind] * tall,
        x0=x0,
        x1=x1,
        y0=y0,
        y1=y1,
        bx0=x0 + np.where(sides & 1, front, gap),
        bx1=x1 - np.where(sides & 2, front, gap),
        by0=y0 + np.where(sides & 4, front, gap),
        by1=y1 - np.where(sides & 8, front, gap),
        distance_m=np.hypot((x0 + x1) / 2 - view.east_m, (y0 + y1) / 2 - view.north_m),
    )


def _strips_near(edges: FloatArray, at: float) -> IntArray:
    first = max(0, int(np.searchsorted(edges, at - SIGHT_M)) - 1)
    last = min(len(edges) - 1, int(np.searchsorted(edges, at + SIGHT_M)))
    return np.arange(first, last, dtype=np.int64)


def _street_sides(plan: TownPlan, column: IntArray, row: IntArray) -> IntArray:
    x_role = np.pad(plan.across_east.role, 1, constant_values=PLOT)
    y_role = np.pad(plan.across_north.role, 1, constant_values=PLOT)
    west, east = x_role[column] == PAVEMENT, x_role[column + 2] == PAVEMENT
    south, north = y_role[row] == PAVEMENT, y_role[row + 2] == PAVEMENT
    return np.asarray(west * 1 + east * 2 + south * 4 + north * 8, np.int64)


def _steps_from_eye(column: IntArray, row: IntArray, plan: TownPlan, view: View) -> IntArray:
    eye_column = int(np.searchsorted(plan.across_east.edges_m, view.east_m)) - 1
    eye_row = int(np.searchsorted(plan.across_north.edges_m, view.north_m)) - 1
    return np.abs(column - eye_column) + np.abs(row - eye_row)


@dataclass(frozen=True, slots=True)
class _Span:
    """How far to the sides (tangent) and how near and far ahead (metres) rectangles reach in a view."""

    left: FloatArray
    right: FloatArray
    near_m: FloatArray
    far_m: FloatArray


def _span(view: View, xs: tuple[FloatArray, FloatArray], ys: tuple[FloatArray, FloatArray]) -> _Span:
    bearing = math.radians(view.bearing_deg)
    sin, cos = math.sin(bearing), math.cos(bearing)
    x = np.stack([xs[0], xs[1], xs[1], xs[0]]) - view.east_m
    y = np.stack([ys[0], ys[0], ys[1], ys[1]]) - view.north_m
    ahead = x * sin + y * cos
    aside = x * cos - y * sin
    in_front = ahead > 0.3
    tangent = np.where(in_front, aside / np.where(in_front, ahead, 1.0), np.sign(aside) * 1e6)
    return _Span(tangent.min(0), tangent.max(0), np.maximum(ahead.min(0), 0.3), ahead.max(0))


def _span_around(view: View, xs: tuple[FloatArray, FloatArray], ys: tuple[FloatArray, FloatArray]) -> _Span:
    """The span of cells with what hangs over their edges."""
    around = 2.5
    return _span(view, (xs[0] - around, xs[1] + around), (ys[0] - around, ys[1] + around))


def _seen(cells: Cells, view: View) -> npt.NDArray[np.bool_]:
    """Which cells (near first) rise above what stands before them."""
    half = _half_seen(view)
    span = _span_around(view, (cells.x0, cells.x1), (cells.y0, cells.y1))
    core = _span(view, (cells.bx0, cells.bx1), (cells.by0, cells.by1))
    edges = np.linspace(-half, half, _COLUMNS + 1)
    hides = (edges[None, :-1] >= core.left[:, None]) & (edges[None, 1:] <= core.right[:, None])
    hides &= (cells.is_built & (core.near_m > 0.5))[:, None]
    slope = (cells.height_m - view.up_m) / np.maximum(core.far_m, 0.3)
    cover = np.maximum.accumulate(np.where(hides, slope[:, None], -1e9), axis=0)
    cover = np.concatenate([np.full((1, _COLUMNS), -1e9), cover[:-1]])
    touches = (edges[None, :-1] <= span.right[:, None]) & (edges[None, 1:] >= span.left[:, None])
    top = np.where(cells.is_built, cells.height_m + _OVER_EAVES_M[cells.kind], 0.0)
    top = np.maximum(top, np.where(cells.is_plot, _OVER_GROUND_M[cells.kind], _OVER_PAVEMENT_M))
    rise = (top - view.up_m) / span.near_m
    return np.asarray((touches & (rise[:, None] > cover)).any(axis=1))
