import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from machinami.geo import LatLon, ground_distance_m
from machinami.squares import Square, ground_squares, squares_within

latitudes = st.floats(-89.5, 89.5)
longitudes = st.floats(-180, 179.999)


@given(latitudes, longitudes, st.floats(50, 5_000))
def test_a_position_lies_inside_its_square(lat, lon, block_m):
    row, column = ground_squares(np.array([lat]), np.array([lon]), block_m=block_m)[0].tolist()
    south_west, _, north_east, _ = Square(row, column, block_m).corners
    assert south_west.lat - 1e-9 <= lat <= north_east.lat + 1e-9
    assert south_west.lon - 1e-6 <= lon <= north_east.lon + 1e-6


@given(st.floats(-70, 70), st.floats(-179, 179))
def test_edges_are_as_long_as_asked_and_the_area_too(lat, lon):
    row, column = ground_squares(np.array([lat]), np.array([lon]), block_m=500.0)[0].tolist()
    a, b, c, d = Square(row, column, 500.0).corners
    assert abs(ground_distance_m(a, d) - 500) < 0.1
    assert abs(ground_distance_m(b, c) - 500) < 0.1
    middle = (ground_distance_m(a, b) + ground_distance_m(d, c)) / 2
    assert abs(middle - 500) < 0.1


def test_the_centre_lies_in_the_square():
    square = Square(7_910, 22_700, 500.0)
    centre = square.centre
    assert ground_squares(np.array([centre.lat]), np.array([centre.lon]), block_m=500.0).tolist() == [[7_910, 22_700]]
    assert ground_distance_m(centre, LatLon(*square.corners[0])) < 500


@given(latitudes, longitudes, st.floats(0.001, 0.05), st.floats(0.001, 0.05), st.floats(100, 1_000))
def test_squares_within_a_box_are_those_that_its_points_lie_in(south, west, height, width, block_m):
    north, east = south + height, min(west + width, 180.0)
    squares = squares_within(south, north, west, east, block_m=block_m)
    lat, lon = (axis.ravel() for axis in np.meshgrid(np.linspace(south, north, 40), np.linspace(west, east, 40)))
    hit = {tuple(square) for square in ground_squares(lat, lon, block_m=block_m).tolist()}
    assert hit <= {(square.row, square.column) for square in squares}
    for square in squares:
        bottom, top, left, right = square.bounds
        assert bottom <= north + 1e-9
        assert top >= south - 1e-9
        assert left <= east + 1e-9
        assert right >= west - 1e-9
