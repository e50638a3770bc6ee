import numpy as np
import pytest

from machinami.geo import LatLon, ground_distance_m
from machinami.split.buffer import nearest_m
from machinami.split.links import chord_m, earth_points_m, link_photos


def same(labels):
    """The partition that labels mean, whatever their numbers."""
    return [np.flatnonzero(np.asarray(labels) == label).tolist() for label in labels]


def test_near_photos_and_equal_pixels_are_linked_in_chains():
    lat = np.array([35.6, 35.6 + 1.5 / 111_195, 35.6 + 3.0 / 111_195, 35.7, np.nan, np.nan])
    lon = np.array([139.7, 139.7, 139.7, 139.7, np.nan, np.nan])
    links = link_photos(earth_points_m(lat, lon), ["x", None, "y", "z", "y", None], link_m=2.0)
    assert same(links.groups) == same([0, 0, 0, 3, 0, 5])
    assert same(links.duplicates) == same([0, 1, 2, 3, 2, 5])


def test_nothing_is_near_at_a_link_of_zero():
    points = earth_points_m(np.array([35.6, 35.6]), np.array([139.7, 139.7]))
    assert len(set(link_photos(points, [None, None], link_m=0.0).groups.tolist())) == 2
    assert len(set(link_photos(points, [None, None], link_m=0.1).groups.tolist())) == 1


def test_many_photos_on_one_spot_are_quick():
    points = earth_points_m(np.full(50_000, 35.6), np.full(50_000, 139.7))
    assert len(set(link_photos(points, [None] * 50_000, link_m=2.0).groups.tolist())) == 1


def test_near_across_the_date_line():
    lat, lon = np.array([0.0, 0.0]), np.array([179.999999, -179.999999])
    assert len(set(link_photos(earth_points_m(lat, lon), [None, None], link_m=2.0).groups.tolist())) == 1


@pytest.mark.parametrize("metres", [0.5, 50.0, 20_000.0, 5_000_000.0])
def test_distances_through_the_earth_are_turned_back_into_ground(metres):
    a, b = LatLon(10.0, 20.0), LatLon(10.0 + np.degrees(metres / 6_371_009.0), 20.0)
    points = earth_points_m(np.array([a.lat, b.lat]), np.array([a.lon, b.lon]))
    assert np.linalg.norm(points[0] - points[1]) == pytest.approx(chord_m(metres))
    assert nearest_m(points[:1], points[1:])[0] == pytest.approx(ground_distance_m(a, b), rel=1e-6)


def test_a_point_without_position_is_near_nothing():
    points = earth_points_m(np.array([np.nan, 35.0]), np.array([np.nan, 139.0]))
    assert np.isinf(nearest_m(points, points[:1])).all()
    assert nearest_m(points, points).tolist() == [np.inf, 0.0]
