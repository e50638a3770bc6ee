import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from machinami.geo import EARTH_RADIUS_M, LatLon, LocalPlane, check_lat_lon, ground_distance_m

POINTS = st.builds(LatLon, st.floats(-89.9, 89.9), st.floats(-180, 180))
WGS84 = Geod(ellps="WGS84")


@given(POINTS, POINTS)
def test_distance_is_that_of_the_ellipsoid_but_for_the_flattening(a, b):
    exact = WGS84.inv(a.lon, a.lat, b.lon, b.lat)[2]
    assert ground_distance_m(a, b) == pytest.approx(exact, rel=0.006, abs=1e-3)


@given(POINTS, POINTS)
def test_distance_is_symmetric_and_not_negative(a, b):
    assert ground_distance_m(a, b) == pytest.approx(ground_distance_m(b, a), abs=1e-6)
    assert 0 <= ground_distance_m(a, b) <= math.pi * EARTH_RADIUS_M
    assert ground_distance_m(a, a) == 0


def test_distance_across_the_date_line_is_short():
    assert ground_distance_m(LatLon(0, 179.999), LatLon(0, -179.999)) == pytest.approx(222.39, abs=0.01)


@given(
    st.builds(LatLon, st.floats(-80, 80), st.floats(-180, 180)),
    st.lists(st.tuples(st.floats(-5000, 5000), st.floats(-5000, 5000)), min_size=1, max_size=5),
)
def test_metres_and_degrees_are_inverse(origin, east_north):
    plane = LocalPlane(origin)
    points = plane.to_lat_lon(np.array(east_north))
    back = plane.to_metres(points[:, 0], points[:, 1])
    assert np.allclose(back, east_north, atol=0.01)


@given(
    st.builds(LatLon, st.floats(-80, 80), st.floats(-179, 179)), st.floats(-10_000, 10_000), st.floats(-10_000, 10_000)
)
def test_metres_are_metres(origin, east, north):
    lat, lon = LocalPlane(origin).to_lat_lon(np.array([east, north]))[0]
    exact = WGS84.inv(origin.lon, origin.lat, lon, lat)[2]
    assert math.hypot(east, north) == pytest.approx(exact, rel=1e-4, abs=0.01)


def test_east_is_first_and_north_second():
    plane = LocalPlane(LatLon(35.5, 139.4))
    (east, north), (east_2, north_2) = plane.to_metres(np.array([35.5, 35.51]), np.array([139.41, 139.4]))
    assert (round(east), round(north)) == (907, 0)
    assert (round(east_2), round(north_2)) == (0, 1109)


@pytest.mark.parametrize(
    ("lat", "lon", "word"),
    [
        (91, 0, "latitude 91"),
        (-90.5, 0, "latitude -90.5"),
        (0, 181, "longitude 181"),
        (139.7, 35.6, "latitude 139.7"),  # the two were exchanged
        (math.nan, 0, "not a finite"),
        (1, math.inf, "not a finite"),
        (0, 0, "without a fix"),
    ],
)
def test_a_position_that_cannot_be_is_named(lat, lon, word):
    assert word in check_lat_lon(lat, lon)


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_a_position_on_earth_is_right(lat, lon):
    if (lat, lon) != (0, 0):
        assert check_lat_lon(lat, lon) is None
