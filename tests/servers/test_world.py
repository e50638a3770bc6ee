import pytest

from tests.servers.world import BBOX, YEAR_318857_MS, World, distance_m


def test_the_same_arguments_make_the_same_world():
    assert World(photos=200, seed=5).photos == World(photos=200, seed=5).photos
    assert World(photos=200, seed=5).photos != World(photos=200, seed=6).photos


def test_a_larger_world_begins_like_the_smaller_one():
    assert World(photos=300).photos[:100] == World(photos=100).photos


def test_the_photos_are_as_odd_as_real_ones():
    photos = World(photos=10_000).photos
    west, south, east, north = BBOX
    outside = [p for p in photos if not (west <= p.lon <= east and south <= p.lat <= north)]
    assert 0 < len(outside) < 1000
    assert YEAR_318857_MS in {p.captured_ms for p in photos}
    assert {p.spherical for p in photos} == {True, False}
    assert sum(bool(p.absent) for p in photos) / len(photos) == pytest.approx(0.1, abs=0.02)
    assert len({p.creator for p in photos}) > 3
    moved = [distance_m(p.lat, p.lon, p.computed_lat, p.computed_lon) for p in photos]
    assert 1 < sorted(moved)[len(moved) // 2] < 5
    assert max(moved) > 50


def test_boxes_and_circles_find_what_a_slow_search_finds(world):
    west, south, east, north = 139.765, 35.665, 139.774, 35.674
    assert world.within(west, south, east, north) == [
        p for p in world.photos if west <= p.lon <= east and south <= p.lat <= north
    ]
    lat, lon = world.photos[0].lat, world.photos[0].lon
    slow = sorted((distance_m(lat, lon, p.lat, p.lon), p.number) for p in world.photos)
    assert [p.number for p in world.near(lat, lon, 400)] == [number for far, number in slow if far <= 400]
