"""Everything that stands around the camera, as faces in the order in which they are painted."""

import numpy as np
import numpy.typing as npt

from machinami.sources.town.buildings import paint_building
from machinami.sources.town.camera import View
from machinami.sources.town.cars import paint_car
from machinami.sources.town.chance import Dice, key_of
from machinami.sources.town.district import district, district_number
from machinami.sources.town.faces import GRASS, Box, Faces, FaceTable, Surface
from machinami.sources.town.gardens import paint_plot_ground, paint_plot_things
from machinami.sources.town.light import Light
from machinami.sources.town.mix import (
    NEUTRAL_STREET_TREE_CHANCE,
    STREET_TREE_CHANCE,
    Kind,
    flavour_names,
)
from machinami.sources.town.plan import PAVEMENT, PLOT, ROAD, Streets, TownPlan
from machinami.sources.town.regions import Region
from machinami.sources.town.roadside import paint_roadside
from machinami.sources.town.season import Season
from machinami.sources.town.settings import TownSettings
from machinami.sources.town.shadows import building_shadow, crown_shadow
from machinami.sources.town.site import EAST, NORTH, SOUTH, WEST, Site
from machinami.sources.town.skyline import paint_skyline
from machinami.sources.town.street import StreetPainter, paint_pavement
from machinami.sources.town.surroundings import SIGHT_M, Cell, cells_around

_HORIZON_M = 1600.0
_KINDS = tuple(Kind)
_MARKS_M = 110.0  # street marks farther off cannot be told


class Scene:
    """The scene of one view of a town."""

    def __init__(self, settings: TownSettings, town: str, plan: TownPlan, view: View, season: Season) -> None:
        self._settings = settings
        self._town = town
        self._plan = plan
        self._view = view
        self._season = season
        # A tilted camera sees a little more to the sides.
        spread = view.tan_half * view.reach * 1.12
        self._faces = Faces((view.east_m, view.north_m, view.up_m), bearing_deg=view.bearing_deg, spread=spread)
        chances = [STREET_TREE_CHANCE.get(name, NEUTRAL_STREET_TREE_CHANCE) for name in flavour_names(settings)]
        self._tree_chances = chances
        self._casters: list[Box] = []

    def faces(self, traffic: Dice) -> FaceTable:
        """All faces, far to near; `traffic` decides what drives by."""
        cells = list(cells_around(self._settings, self._town, self._plan, self._view).each())
        sites = [self._site(cell) for cell in cells]
        self._casters = [s.building for c, s in zip(cells, sites, strict=True) if c.is_built and c.distance_m < 75]
        self._paint_ground([site for cell, site in zip(cells, sites, strict=True) if cell.is_plot])
        paint_skyline(self._settings, self._town, self._plan, self._view, self._faces)
        moving = self._moving_cars(traffic)
        for cell, site in zip(cells, sites, strict=True):
            if cell.is_plot:
                paint_plot_things(site, paint_building)
            elif ROAD in (cell.role_x, cell.role_y):
                self._paint_traffic(cell, site, moving)
            else:
                self._paint_pavement(cell, site)
        return self._faces.table()

    def shadows(self, light: Light) -> list[npt.NDArray[np.float64]]:
        """Outlines on the ground of the shadows of what `faces` painted near by."""
        crowns = [crown_shadow(crown, light) for crown in self._faces.crowns]
        return crowns + [building_shadow(box, light) for box in self._casters]

    def _site(self, cell: Cell) -> Site:
        numbers = district_number(cell.block_x), district_number(cell.block_y)
        return Site(
            kind=_KINDS[cell.kind],
            ground=Box(cell.x0, cell.x1, cell.y0, cell.y1, 0.0, 0.0),
            building=Box(cell.bx0, cell.bx1, cell.by0, cell.by1, 0.0, cell.height_m),
            street_sides=cell.street_sides,
            distance_m=cell.distance_m,
            style=district(self._plan.style_key, self._plan.key, *numbers),
            season=self._season,
            dice=Dice(cell.key),
            faces=self._faces,
        )

    def _paint_ground(self, plots: list[Site]) -> None:
        view, faces = self._view, self._faces
        x, y, far = view.east_m, view.north_m, _HORIZON_M
        faces.level((x - far, x + far), (y - far, y + far), 0.0, Surface((0.45, 0.46, 0.38), Region.VARIOUS, GRASS))
        for site in plots:
            paint_plot_ground(site)
        for runs_north in (True, False):
            self._paint_streets(runs_north=runs_north)

    def _paint_streets(self, *, runs_north: bool) -> None:
        plan, view = self._plan, self._view
        streets, crossing = plan.across_east, plan.across_north
        at, along = view.east_m, view.north_m
        if not runs_north:
            streets, crossing, at, along = crossing, streets, along, at
        painter = StreetPainter(self._faces, runs_north=runs_north, reach=(along - 600.0, along + 600.0))
        for k in np.flatnonzero(np.abs(streets.centre_m - at) < SIGHT_M):
            grey = Dice(key_of(plan.key, "asphalt", int(runs_north), int(k))).between(0.30, 0.42)
            painter.road(streets, int(k), (grey, grey, grey + 0.01))
        for k in np.flatnonzero(np.abs(streets.centre_m - at) < _MARKS_M):
            for start, end in _stretches(crossing, along):
                painter.marks(streets, int(k), (start, end))
            for spans, m in _crossings(crossing, along):
                if crossing.pavement_m[m] >= 1.9 and streets.half_road_m[k] > 2.9:
                    for span in spans:
                        painter.zebra(streets, int(k), span)

    def _paint_pavement(self, cell: Cell, site: Site) -> None:
        sides = self._road_sides(cell.column, cell.row)
        paint_pavement(self._faces, site.ground, site.style.pavement, road_sides=sides)
        if PLOT not in (cell.role_x, cell.role_y) or sides not in (WEST, EAST, SOUTH, NORTH):
            return
        runs_north = sides in (WEST, EAST)
        strip = cell.row if runs_north else cell.column
        edges = self._plan.across_north.edges_m if runs_north else self._plan.across_east.edges_m
        first = strip - strip % 2
        poles = (float(edges[first]), float(edges[min(first + 2, len(edges) - 1)]))
        paint_roadside(
            site,
            road_side=sides,
            is_second=strip % 2 == 0,
            poles=poles,
            tree_chance=self._tree_chances[cell.flavour],
        )

    def _road_sides(self, column: int, row: int) -> int:
        x_role, y_role = self._plan.across_east.role, self._plan.across_north.role
        sides = 0
        if x_role[column] == PAVEMENT:
            sides |= EAST if column + 1 < len(x_role) and x_role[column + 1] == ROAD else WEST
        if y_role[row] == PAVEMENT:
            sides |= NORTH if row + 1 < len(y_role) and y_role[row + 1] == ROAD else SOUTH
        return sides

    def _paint_traffic(self, cell: Cell, site: Site, moving: list[tuple[float, float, bool]]) -> None:
        ground, dice = site.ground, site.dice
        runs_north = cell.role_x == ROAD
        half = (ground.x1 - ground.x0 if runs_north else ground.y1 - ground.y0) / 2
        if PLOT in (cell.role_x, cell.role_y) and site.distance_m > 7.0 and dice.unit() < 0.13:
            side = 1.0 if dice.unit() < 0.5 else -1.0
            offset = side * (half - 1.05)
            x, y = (ground.x0 + ground.x1) / 2, (ground.y0 + ground.y1) / 2
            spot = (x + offset, y) if runs_north else (x, y + offset)
            paint_car(self._faces, dice, spot, runs_north=runs_north, reverse=side > 0)
        for x, y, reverse in moving:
            if ground.x0 <= x < ground.x1 and ground.y0 <= y < ground.y1:
                own = Dice(key_of(int(x * 7), int(y * 7)))
                paint_car(self._faces, own, (x, y), runs_north=runs_north, reverse=reverse)

    def _moving_cars(self, traffic: Dice) -> list[tuple[float, float, bool]]:
        """Cars that drive along the camera's street: east, north, and whether they come the other way."""
        view, cars = self._view, []
        at_x = int(np.argmin(np.abs(self._plan.across_east.centre_m - view.east_m)))
        at_y = int(np.argmin(np.abs(self._plan.across_north.centre_m - view.north_m)))
        x, y = float(self._plan.across_east.centre_m[at_x]), float(self._plan.across_north.centre_m[at_y])
        runs_north = abs(x - view.east_m) < abs(y - view.north_m)
        half = self._plan.across_east.half_road_m[at_x] if runs_north else self._plan.across_north.half_road_m[at_y]
        for _ in range(2):
            gap = traffic.between(12.0, 90.0) * (1.0 if traffic.unit() < 0.5 else -1.0)
            reverse = traffic.unit() < 0.5
            lane = float(half) * 0.48 * (1.0 if reverse else -1.0)
            if traffic.unit() < 0.55:
                cars.append(
                    (x + lane, view.north_m + gap, reverse) if runs_north else (view.east_m + gap, y + lane, reverse)
                )
        return cars


def _crossings(streets: Streets, along: float) -> list[tuple[list[tuple[float, float]], int]]:
    """The pavement strips of the streets crossed within reach: where zebra crossings lie."""
    found = []
    for m in np.flatnonzero(np.abs(streets.centre_m - along) < _MARKS_M):
        centre, half, width = (float(a[m]) for a in (streets.centre_m, streets.half_road_m, streets.pavement_m))
        found.append(([(centre - half - width, centre - half), (centre + half, centre + half + width)], int(m)))
    return found


def _stretches(streets: Streets, along: float) -> list[tuple[float, float]]:
    """From one crossing to the next, within reach."""
    outer = streets.half_road_m + streets.pavement_m
    starts, ends = (streets.centre_m + outer)[:-1], (streets.centre_m - outer)[1:]
    near = (ends > along - _MARKS_M) & (starts < along + _MARKS_M)
    return [(float(a), float(b)) for a, b in zip(starts[near], ends[near], strict=True)]
