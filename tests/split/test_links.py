import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from machinami.geo import LatLon, ground_distance_m
from machinami.split.buffer import nearest_m
from machinami.split.links import chord_m, earth_points_m, join, number, same_spot, widths_m


def same(labels):
    """The partition that labels mean, whatever their numbers."""
    return [np.flatnonzero(np.asarray(labels) == label).tolist() for label in labels]


def test_near_photos_are_linked_in_chains():
    lat = np.array([35.6, 35.6 + 1.5 / 111_195, 35.6 + 3.0 / 111_195, 35.7, np.nan, np.nan])
    lon = np.array([139.7, 139.7, 139.7, 139.7, np.nan, np.nan])
    assert same(same_spot(earth_points_m(lat, lon), link_m=2.0)) == same([0, 0, 0, 3, 4, 5])


def test_equal_keys_are_one_and_none_is_alone():
    assert same(number(["x", None, "y", "x", None])) == same([0, 1, 2, 0, 4])
    assert number([]).tolist() == []


def test_labels_are_joined_in_chains():
    assert same(join(np.array([0, 0, 1, 2, 3]), np.array([5, 1, 1, 5, 2]))) == same([0, 0, 0, 0, 4])


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_joining_is_what_a_slow_flood_finds(one, chance):
    other = [chance.randrange(15) for _ in one]
    joined = join(np.array(one), np.array(other))
    reached = list(range(len(one)))
    for _ in one:  # the lowest row that each can reach, a step a round
        reached = [
            min(reached[b] for b in range(len(one)) if one[a] == one[b] or other[a] == other[b])
            for a in range(len(one))
        ]
    assert same(joined) == same(reached)


def test_widths_are_of_the_box_and_none_without_positions():
    points = np.array([[0.0, 0, 0], [3.0, 4.0, 0], [1.0, 1.0, 0], [np.nan] * 3, [np.nan] * 3])
    assert widths_m(np.array([0, 0, 0, 0, 1]), points).tolist() == [5, 5, 5, 5, 0]


def test_nothing_is_near_at_a_link_of_zero():
    points = earth_points_m(np.array([35.6, 35.6]), np.array([139.7, 139.7]))
    assert len(set(same_spot(points, link_m=0.0).tolist())) == 2
    assert len(set(same_spot(points, link_m=0.1).tolist())) == 1


def test_many_photos_on_one_spot_are_quick():
    points = earth_points_m(np.full(50_000, 35.6), np.full(50_000, 139.7))
    assert len(set(same_spot(points, link_m=2.0).tolist())) == 1


def test_chains_go_on_from_part_to_part(monkeypatch):
    monkeypatch.setattr("machinami.split.links._AT_ONCE", 7)
    rng = np.random.default_rng(0)
    lat = 35.6 + rng.permutation(40) * 1.5 / 111_195
    points = earth_points_m(np.r_[lat, lat + 1], np.full(80, 139.7))
    assert same(same_spot(points, link_m=2.0)) == same([0] * 40 + [40] * 40)


def test_near_across_the_date_line():
    lat, lon = np.array([0.0, 0.0]), np.array([179.999999, -179.999999])
    assert len(set(same_spot(earth_points_m(lat, lon), link_m=2.0).tolist())) == 1


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
