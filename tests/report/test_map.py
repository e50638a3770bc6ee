"""The map: north up, true to scale, one sheet for neighbours."""

import re
from dataclasses import replace

import numpy as np
import pytest

from machinami.geo import LatLon, ground_distance_m
from machinami.report.data import read_report_data
from machinami.report.map import NARROW_PX, WIDE_PX, _Frame, _round_length, _Sheet, draw_maps, draw_strips


def test_sheet_is_north_up_and_true_to_scale():
    corners = np.array([[35.60, 139.40], [35.63, 139.44]])
    frame = _Frame.around(corners)
    sheet = _Sheet(frame, frame.metres_per_px(400), 400)
    south_west, north_east, north_west = sheet.place([*corners, (35.63, 139.40)])
    assert south_west[0] < north_east[0]
    assert south_west[1] > north_east[1]
    metres = ground_distance_m(LatLon(35.63, 139.40), LatLon(35.63, 139.44))
    assert np.linalg.norm(north_east - north_west) * sheet.metres_per_px == pytest.approx(metres, rel=0.01)
    assert all(0 <= x <= 400 for x, _ in (south_west, north_east))


def test_neighbours_share_a_map(make_project):
    project = make_project()
    data = read_report_data(project, project.config())
    (panel,) = draw_maps(data)
    assert panel.places == (0, 1)
    assert panel.width_px == WIDE_PX
    assert str(panel.drawing).count('class="block test') == 2
    assert str(panel.drawing).count('class="block ') == 10
    assert len(re.findall(r"l6 6m0 -6", str(panel.drawing))) == 2  # wrong test photos


def test_distant_places_get_a_map_each_on_one_scale(make_project):
    project = make_project()
    data = read_report_data(project, project.config())
    far = [
        replace(block, corners=tuple(LatLon(c.lat + 5, c.lon) for c in block.corners))
        if block.place == "chuo"
        else block
        for block in data.split.blocks
    ]
    moved = replace(data, split=replace(data.split, blocks=tuple(far)), holdings=replace(data.holdings, points={}))
    panels = draw_maps(moved)
    assert [panel.places for panel in panels] == [(0,), (1,)]
    assert {panel.width_px for panel in panels} == {NARROW_PX}
    assert panels[0].scale_m == panels[1].scale_m


def test_no_positions_no_map_but_strips(make_project):
    project = make_project(coordinates=False)
    data = read_report_data(project, project.config())
    assert draw_maps(data) == ()
    strips = draw_strips(data)
    assert [strip.place for strip in strips] == [0, 1]
    widths = [float(w) for w in re.findall(r'width="([\d.]+)%" height="30"', str(strips[0].drawing))]
    assert sum(widths) == pytest.approx(100, abs=0.1)


@pytest.mark.parametrize(("metres", "bar"), [(1, 1), (4.9, 2), (5, 5), (730, 500), (1999, 1000), (2000, 2000)])
def test_bar_is_a_round_length(metres, bar):
    assert _round_length(metres) == bar
