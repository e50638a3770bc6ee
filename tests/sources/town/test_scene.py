"""The geometry: projection, painting order, and that the ground looks the same to whoever comes by."""

import math
from dataclasses import replace

import numpy as np
import pytest

from machinami.sources.town.camera import View
from machinami.sources.town.canvas import draw_faces, face_planes
from machinami.sources.town.chance import Dice, chances, key_of
from machinami.sources.town.drive import plan_shot
from machinami.sources.town.faces import Box, Faces, Surface
from machinami.sources.town.plan import PAVEMENT, PLOT, ROAD, town_plan
from machinami.sources.town.regions import Region
from machinami.sources.town.settings import TownSettings
from machinami.sources.town.surroundings import cells_around

LEVEL = View(
    east_m=0.0,
    north_m=0.0,
    up_m=1.6,
    bearing_deg=0.0,
    pitch_deg=0.0,
    roll_deg=0.0,
    fov_deg=90.0,
    bend=0.0,
    size_px=100,
)
PLAIN = Surface((0.5, 0.5, 0.5), Region.BUILDING)


def on_canvas(view, *point):
    return view.to_canvas(view.to_camera(np.array([point], float)))[0]


def test_perspective_is_a_pinhole():
    middle = LEVEL.canvas_px / 2
    scale = middle / LEVEL.reach  # a field of view of 90°: half the width at distance 1
    x, y = on_canvas(LEVEL, 3.0, 10.0, 0.0)
    assert x == pytest.approx(middle + scale * 0.3)
    assert y == pytest.approx(middle + scale * 0.16)


@pytest.mark.parametrize(("bearing", "ahead"), [(0, (0, 10)), (90, (10, 0)), (180, (0, -10)), (270, (-10, 0))])
def test_bearings_turn_clockwise_from_north(bearing, ahead):
    view = replace(LEVEL, bearing_deg=float(bearing))
    assert on_canvas(view, *ahead, 1.6) == pytest.approx([view.canvas_px / 2] * 2)


def test_rays_and_projection_are_inverse():
    view = replace(LEVEL, bearing_deg=33.0, pitch_deg=5.0, roll_deg=2.0)
    pixels = np.array([0, 777, 20_100, 39_999])
    rays = view.rays(pixels).T.astype(float)
    found = view.to_canvas(view.to_camera(rays * 7.0 + np.array([0.0, 0.0, 1.6])))
    count = 2 * view.size_px
    expected = np.column_stack([pixels % count, pixels // count]) + 0.5
    margin = (view.canvas_px - count * view.reach) / 2
    assert np.abs((found - view.canvas_px / 2) - (expected - count / 2)).max() < 0.05 + abs(margin) + 1.5


def test_a_later_face_hides_an_earlier_one():
    faces = Faces((0.0, 0.0, 1.6))
    faces.wall_y(10.0, (-5.0, 5.0), (0.0, 5.0), PLAIN)
    faces.wall_y(5.0, (-1.0, 1.0), (0.0, 5.0), PLAIN)
    canvas = draw_faces(faces.table(), LEVEL)
    middle = LEVEL.canvas_px // 2
    assert canvas[middle, middle] == 2
    assert canvas[middle, middle + 40] == 1
    assert canvas[middle - 50, middle] == 2
    assert canvas[middle - 50, middle + 40] == 0
    assert canvas[middle, 2] == 0


def test_ground_that_passes_under_the_camera_fills_the_lower_half():
    faces = Faces((0.0, 0.0, 1.6))
    faces.level((-800.0, 800.0), (-800.0, 800.0), 0.0, PLAIN)
    canvas = draw_faces(faces.table(), replace(LEVEL, bearing_deg=33.0))
    half = LEVEL.canvas_px // 2
    assert (canvas[half + 3 :] == 1).all()
    assert (canvas[: half - 3] == 0).all()


def test_only_the_sides_of_a_box_that_face_the_eye_are_painted():
    faces = Faces((0.0, 0.0, 1.6))
    faces.box(Box(3.0, 5.0, 3.0, 5.0, 0.0, 1.0), PLAIN, PLAIN)
    assert len(faces) == 3
    planes = face_planes(faces.table(), LEVEL)
    assert np.allclose(planes[1:, :3], [[0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    assert np.allclose(planes[1:, 3], [-0.6, -3.0, -3.0])


def test_no_cell_is_painted_over_by_one_behind_it():
    """Along any line of sight, nearer cells come later: checked by walking rays through the grid."""
    settings, town = TownSettings(), "a"
    plan = town_plan(0, town)
    view = plan_shot(settings, town, plan, 11).view
    cells = cells_around(settings, town, plan, view)
    order = {(int(c), int(r)): k for k, (c, r) in enumerate(zip(cells.column, cells.row, strict=True))}
    for aside in np.linspace(-30, 30, 25):
        angle = math.radians(view.bearing_deg + aside)
        met = []
        for reach in np.arange(0.5, 200.0, 0.25):
            x, y = view.east_m + math.sin(angle) * reach, view.north_m + math.cos(angle) * reach
            cell = (
                int(np.searchsorted(plan.across_east.edges_m, x)) - 1,
                int(np.searchsorted(plan.across_north.edges_m, y)) - 1,
            )
            if cell in order and (not met or met[-1] != order[cell]):
                met.append(order[cell])
        assert met == sorted(met, reverse=True)


def test_the_same_plot_looks_the_same_from_two_places():
    settings, town = TownSettings(), "b"
    plan = town_plan(0, town)
    first = plan_shot(settings, town, plan, 12).view
    second = replace(first, east_m=first.east_m + 9.0, north_m=first.north_m + 9.0)
    both = [cells_around(settings, town, plan, view) for view in (first, second)]
    known = [
        {
            (int(c.column[k]), int(c.row[k])): (int(c.kind[k]), float(c.height_m[k]), float(c.bx0[k]))
            for k in range(len(c.column))
        }
        for c in both
    ]
    shared = known[0].keys() & known[1].keys()
    assert len(shared) > 20
    assert all(known[0][cell] == known[1][cell] for cell in shared)


@pytest.mark.parametrize("town", ["a", "b", "c", "d", "e", "f"])
def test_streets_cut_the_whole_town(town):
    plan = town_plan(3, town)
    for streets in (plan.across_east, plan.across_north):
        assert (np.diff(streets.edges_m) > 0).all()
        assert (streets.edges_m[0], streets.edges_m[-1]) == (0.0, 3000.0)
        roads = np.flatnonzero(streets.role == ROAD)
        assert len(roads) == len(streets.centre_m)
        assert (streets.role[roads - 1] == PAVEMENT).all()
        assert (streets.role[roads + 1] == PAVEMENT).all()
        middles = (streets.edges_m[roads] + streets.edges_m[roads + 1]) / 2
        assert np.allclose(middles, streets.centre_m)
        plots = np.diff(streets.edges_m)[streets.role == PLOT]
        assert plots.min() > 6


def test_chance_is_even_and_depends_on_place_alone():
    x, y = np.meshgrid(np.arange(200), np.arange(200))
    luck = chances(key_of(1, "kind"), x.astype(np.int64), y.astype(np.int64))
    assert luck.min() >= 0
    assert luck.max() < 1
    counts, _ = np.histogram(luck, bins=10, range=(0, 1))
    assert abs(counts - 4000).max() < 300
    assert abs(np.corrcoef(luck[:, 1:].ravel(), luck[:, :-1].ravel())[0, 1]) < 0.02
    alone = chances(key_of(1, "kind"), np.array([7]), np.array([9]))
    assert alone[0] == luck[9, 7]


def test_dice_are_even():
    dice = Dice(key_of("dice"))
    rolls = np.array([dice.unit() for _ in range(4000)])
    assert abs(rolls.mean() - 0.5) < 0.02
    assert abs(rolls.std() - math.sqrt(1 / 12)) < 0.01
    assert {dice.pick((1, 2, 3)) for _ in range(50)} == {1, 2, 3}
