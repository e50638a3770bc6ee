import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod
from scipy import stats

from machinami.areas import Area, Street, read_areas
from machinami.config import AreaConfig, PlaceConfig, SamplingConfig
from machinami.errors import InputError
from machinami.geo import LatLon, LocalPlane
from machinami.sampling import draw_samples
from machinami.squares import ground_squares
from tests.shared_data import SHARED_DATA

TOKYO = SHARED_DATA / "tokyo-municipalities.geojson"
ORIGIN = LatLon(35.7, 139.4)
PLANE = LocalPlane(ORIGIN)


def area_of(*rings_m, place="a"):
    """An area from rings in metres around the origin."""
    polygons = [shapely.Polygon(PLANE.to_lat_lon(np.array(ring))[:, ::-1]) for ring in rings_m]
    shape = shapely.union_all(polygons)
    return Area(place=place, source="made", code=None, shape=shape)


def box_m(west, south, east, north):
    return [(west, south), (east, south), (east, north), (west, north)]


SQUARE = area_of(box_m(0, 0, 2000, 2000))
BENT = area_of([(0, 0), (3000, 0), (3000, 500), (500, 500), (500, 3000), (0, 3000)])
ISLANDS = area_of(box_m(0, 0, 1000, 1000), box_m(500_000, -200_000, 501_000, -198_000))
STREETS = [
    Street("1-2", PLANE.to_lat_lon(np.array([[0.0, 100.0], [600.0, 100.0], [600.0, 700.0]]))),
    Street("2-3", PLANE.to_lat_lon(np.array([[100.0, 1900.0], [110.0, 1900.0]]))),
]
METHODS = ["area", "streets", "grid", "blocks"]


def draw(area, method, count=None, *, seed=0, block_m=500.0, streets=STREETS, **settings):
    samples = draw_samples(area, SamplingConfig(method=method, **settings), seed=seed, block_m=block_m, streets=streets)
    return list(itertools.islice(samples, count))


def metres(samples):
    return PLANE.to_metres(*np.array([(sample.lat, sample.lon) for sample in samples]).T)


# --- what holds for every method ------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("area", [SQUARE, BENT, ISLANDS], ids=["square", "bent", "islands"])
def test_points_lie_in_the_area_and_are_numbered(method, area):
    samples = draw(area, method, 500)
    lat, lon = np.array([(sample.lat, sample.lon) for sample in samples]).T
    assert area.contains(lat, lon).all()
    assert [sample.number for sample in samples] == list(range(len(samples)))
    assert len(samples) > 5


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_draws_the_same_and_another_seed_others(method):
    assert draw(SQUARE, method, 50) == draw(SQUARE, method, 50)
    other = draw(SQUARE, method, 50, seed=1)
    assert other != draw(SQUARE, method, 50)
    assert other[0].heading_deg != draw(SQUARE, method, 1)[0].heading_deg


@pytest.mark.parametrize("method", METHODS)
def test_each_place_draws_for_itself(method):
    there = draw(replace(SQUARE, place="b"), method, 50)
    assert [(s.lat, s.lon) for s in there] != [(s.lat, s.lon) for s in draw(SQUARE, method, 50)]


@given(method=st.sampled_from(METHODS), few=st.integers(1, 40), seed=st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_the_first_samples_are_the_same_however_many_are_drawn(method, few, seed):
    many = draw(BENT, method, 300, seed=seed)
    assert draw(BENT, method, few, seed=seed) == many[:few]


def test_headings_do_not_move_points():
    places = [
        [(sample.lat, sample.lon) for sample in draw(SQUARE, "area", 50, headings=headings)]
        for headings in ("stratified", "across", "as-taken")
    ]
    assert places[0] == places[1] == places[2]


coordinates = st.integers(-3000, 3000).map(float)


@given(
    corners=st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=7, unique=True),
    method=st.sampled_from(["area", "grid", "blocks"]),
)
@settings(max_examples=40, deadline=None)
def test_whatever_the_polygon_points_lie_in_it(corners, method):
    shape = shapely.make_valid(shapely.Polygon(PLANE.to_lat_lon(np.array(corners))[:, ::-1]))
    parts = [part for part in shapely.get_parts(shape) if isinstance(part, shapely.Polygon)]
    shape = shapely.union_all(parts)
    if shape.area < 1e-5:  # about 10 ha
        return
    area = Area(place="a", source="made", code=None, shape=shape)
    try:
        samples = draw(area, method, 60)
    except InputError:
        assert method == "grid"  # a sliver between the grid's points
        return
    lat, lon = np.array([(sample.lat, sample.lon) for sample in samples]).T
    assert area.contains(lat, lon).all()


# --- area -----------------------------------------------------------------------------------------------------


def chi_square_p(counts, expected):
    return stats.chisquare(counts, np.sum(counts) * np.array(expected) / np.sum(expected)).pvalue


def test_area_is_uniform_on_the_ground():
    points = metres(draw(SQUARE, "area", 8000))
    counts = np.histogram2d(*points.T, bins=8, range=[[0, 2000], [0, 2000]])[0]
    assert counts.sum() == 8000
    assert chi_square_p(counts.ravel(), np.ones(64)) > 0.01


def test_area_is_uniform_over_islands_far_apart():
    points = metres(draw(ISLANDS, "area", 6000))
    far = points[:, 0] > 250_000
    assert chi_square_p([far.sum(), (~far).sum()], [2.0, 1.0]) > 0.01


def test_an_area_from_north_to_south_is_uniform_in_square_metres_not_in_degrees():
    tall = Area(place="a", source="made", code=None, shape=shapely.box(139, 31, 140, 45))
    lat = np.array([sample.lat for sample in draw(tall, "area", 40_000)])
    edges = np.linspace(31, 45, 8)
    expected = np.diff(np.sin(np.radians(edges)))  # area of a zone of the sphere
    assert chi_square_p(np.histogram(lat, edges)[0], expected) > 0.01
    assert chi_square_p(np.histogram(lat, edges)[0], np.ones(7)) < 1e-6


def test_a_polygon_without_an_inside_ends_in_an_error(monkeypatch):
    monkeypatch.setattr("machinami.sampling.ground._MOST_MISSES", 10_000)
    thin = shapely.Polygon([(139.0, 35.0), (139.0, 35.0 + 1e-14), (139.5, 35.3)])
    with pytest.raises(InputError, match="too thin"):
        draw(Area(place="a", source="made", code=None, shape=thin), "area", 1)


# --- grid -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spacing_m", [20.0, 50.0, 130.0])
def test_a_grid_has_a_point_for_each_square_of_its_spacing(spacing_m):
    samples = draw(BENT, "grid", spacing_m=spacing_m)
    in_m2 = 3000 * 500 + 500 * 2500
    border_points = 12_000 / spacing_m  # the border's length over the spacing
    assert abs(len(samples) - in_m2 / spacing_m**2) < border_points


def test_grid_points_are_metres_apart_on_the_ground_not_on_a_map():
    """Measured on the ellipsoid: 50 m of EPSG:3857 would be 40.6 m at 35.7° N."""
    lat, lon = np.array([place(sample) for sample in draw(SQUARE, "grid", spacing_m=50)]).T
    azimuth, _, metres_apart = Geod(ellps="WGS84").inv(*np.broadcast_arrays(lon[0], lat[0], lon[1:], lat[1:]))
    nearest = np.argsort(metres_apart)[:4]
    np.testing.assert_allclose(metres_apart[nearest], 50, atol=0.01)
    np.testing.assert_allclose(np.sort(azimuth[nearest] % 360), [0, 90, 180, 270], atol=0.1)


def place(sample):
    return sample.lat, sample.lon


def test_a_seed_changes_only_the_order_of_a_grid():
    first, second = (draw(SQUARE, "grid", seed=seed) for seed in (0, 1))
    assert [place(s) for s in first] != [place(s) for s in second]
    assert sorted(map(place, first)) == sorted(map(place, second))


def test_a_grid_too_wide_for_its_area_says_so():
    tiny = area_of(box_m(10, 10, 30, 20), box_m(1000, 1000, 1020, 1010))
    with pytest.raises(InputError, match=r"sampling\.method = 'grid' finds no point in the area of place 'a'"):
        draw(tiny, "grid", spacing_m=200)


# --- streets --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length_m", "spacing_m", "count"), [(1000, 50, 20), (1000, 333, 3), (74, 50, 1), (76, 50, 2), (5, 50, 1)]
)
def test_points_stand_evenly_along_a_street(length_m, spacing_m, count):
    street = Street("1-2", PLANE.to_lat_lon(np.array([[100.0, 100.0], [100.0 + length_m, 100.0]])))
    samples = draw(SQUARE, "streets", streets=[street], spacing_m=spacing_m)
    along = np.sort(metres(samples)[:, 0]) - 100
    np.testing.assert_allclose(along, (np.arange(count) + 0.5) * length_m / count, atol=1e-3)
    assert {sample.edge for sample in samples} == {"1-2"}


def test_points_follow_a_bend_and_know_the_bearing():
    samples = [sample for sample in draw(SQUARE, "streets", spacing_m=100) if sample.edge == "1-2"]
    points = sorted(zip(metres(samples).round(2).tolist(), [round(s.street_deg, 1) for s in samples], strict=True))
    east = [([50.0 + 100 * k, 100.0], 90.0) for k in range(6)]
    north = [([600.0, 150.0 + 100 * k], 0.0) for k in range(6)]
    assert [(p, deg % 360) for p, deg in points] == sorted(east + north)


def test_where_points_stand_does_not_depend_on_the_border():
    west = area_of(box_m(0, 0, 250, 2000))
    whole, part = ({place(s) for s in draw(area, "streets", spacing_m=50)} for area in (SQUARE, west))
    np.testing.assert_allclose(sorted(part), sorted(p for p in whole if west.contains(*np.array([p]).T)[0]), atol=1e-9)
    assert 0 < len(part) < len(whole)


def test_a_point_twice_in_a_line_does_no_harm():
    line = np.array([[0.0, 100.0], [0.0, 100.0], [300.0, 100.0], [300.0, 100.0], [600.0, 100.0], [600.0, 100.0]])
    samples = draw(SQUARE, "streets", streets=[Street("1-2", PLANE.to_lat_lon(line))], spacing_m=100)
    np.testing.assert_allclose(np.sort(metres(samples)[:, 0]), np.arange(50, 600, 100), atol=1e-2)


@pytest.mark.parametrize("streets", [[], [Street("8-9", PLANE.to_lat_lon(np.array([[9e3, 9e3], [9e3, 9.5e3]])))]])
def test_no_street_in_the_area_says_so(streets):
    with pytest.raises(InputError, match="'streets' finds no point"):
        draw(SQUARE, "streets", streets=streets)


# --- blocks ---------------------------------------------------------------------------------------------------


def test_every_block_gets_its_quota():
    samples = draw(BENT, "blocks", 2000)
    counts = Counter(sample.block for sample in samples)
    assert max(counts.values()) - min(counts.values()) <= 1
    blocks = len(counts)
    for start in range(0, 1500, blocks):
        assert len({sample.block for sample in samples[start : start + blocks]}) == blocks


def test_blocks_are_the_squares_of_the_split():
    samples = draw(BENT, "blocks", 400, block_m=300)
    lat, lon = np.array([place(s) for s in samples]).T
    squares = [f"{row}/{column}" for row, column in ground_squares(lat, lon, block_m=300).tolist()]
    assert squares == [sample.block for sample in samples]


def test_no_block_with_ground_is_left_out():
    seen = {sample.block for sample in draw(BENT, "blocks", 500, block_m=700)}
    lat, lon = np.array([place(s) for s in draw(BENT, "area", 20_000)]).T
    hit = Counter(f"{row}/{column}" for row, column in ground_squares(lat, lon, block_m=700).tolist())
    assert set(hit) <= seen


def test_within_a_block_points_are_uniform():
    samples = draw(SQUARE, "blocks", 4000, block_m=5000)
    (one_block, count), *_ = Counter(sample.block for sample in samples).most_common()
    points = metres([sample for sample in samples if sample.block == one_block])
    low, high = points.min(axis=0), points.max(axis=0)
    counts = np.histogram2d(*points.T, bins=4, range=list(zip(low, high, strict=True)))[0]
    assert count >= 900
    assert chi_square_p(counts.ravel(), np.ones(16)) > 0.01


# --- real ground ----------------------------------------------------------------------------------------------


@pytest.mark.skipif(not TOKYO.exists(), reason="the municipalities of Tokyo are not on this machine")
@pytest.mark.parametrize("method", ["area", "grid", "blocks"])
def test_a_real_city(method):
    config = AreaConfig(file=TOKYO.name, where={"N03_004": "町田市"})
    area = read_areas([PlaceConfig(key="machida", area=config)], TOKYO.parent)["machida"]
    samples = draw(area, method, spacing_m=50) if method == "grid" else draw(area, method, 2000)
    lat, lon = np.array([place(s) for s in samples]).T
    assert area.contains(lat, lon).all()
    if method == "grid":
        assert abs(len(samples) / 28_600 - 1) < 0.01  # 71.6 km² in squares of 50 m
    if method == "blocks":
        counts = Counter(sample.block for sample in samples)
        assert 71.6 / 0.25 < len(counts) < 2 * 71.6 / 0.25
        assert max(counts.values()) - min(counts.values()) <= 1
