import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machinami.errors import InputError
from machinami.images.panorama import flat_view


def sphere(height, colour_of, *, finer=1):
    """A panorama whose colours depend on direction: `colour_of` takes longitude and latitude in radians."""
    rows, columns = height * finer, 2 * height * finer
    lat = math.pi / 2 - (np.arange(rows) + 0.5) / rows * math.pi
    lon = (np.arange(columns) + 0.5) / columns * 2 * math.pi - math.pi
    picture = colour_of(*np.meshgrid(lon, lat))
    picture = picture.reshape(height, finer, 2 * height, finer, 3).mean((1, 3))
    return np.rint(picture).astype(np.uint8)


def unit_vectors(lon, lat):
    """East, north, up as colours: 0 … 255 is -1 … 1."""
    vectors = np.stack([np.cos(lat) * np.sin(lon), np.cos(lat) * np.cos(lon), np.sin(lat)], -1)
    return (vectors + 1) * 127.5


def inverse_gnomonic(x, y, lat_1, lon_0):
    """Snyder 1987, equations 20-14, 20-15, 20-18, and c = arctan(rho / R) for R = 1."""
    rho = math.hypot(x, y)
    if rho == 0:
        return lon_0, lat_1
    c = math.atan(rho)
    lat = math.asin(math.cos(c) * math.sin(lat_1) + y * math.sin(c) * math.cos(lat_1) / rho)
    lon = lon_0 + math.atan2(x * math.sin(c), rho * math.cos(lat_1) * math.cos(c) - y * math.sin(lat_1) * math.sin(c))
    return lon, lat


DIRECTIONS = sphere(512, unit_vectors)


@settings(max_examples=50, deadline=None)
@given(
    heading_deg=st.floats(-720, 720),
    centre_deg=st.floats(-360, 360),
    field_deg=st.floats(20, 150),
    pitch_deg=st.floats(-90, 90),
    width=st.integers(1, 24),
    height=st.integers(1, 24),
)
def test_every_pixel_shows_its_direction(heading_deg, centre_deg, field_deg, pitch_deg, width, height):
    view = flat_view(
        DIRECTIONS,
        heading_deg=heading_deg,
        centre_heading_deg=centre_deg,
        field_of_view_deg=field_deg,
        pitch_deg=pitch_deg,
        size_px=(width, height),
    )
    assert view.shape == (height, width, 3)
    assert view.dtype == np.uint8
    focal_px = width / 2 / math.tan(math.radians(field_deg) / 2)
    pixel = math.pi / min(512, max(2, math.ceil(math.pi * focal_px)))  # radians on the sphere, once made smaller
    for row in range(height):
        for column in range(width):
            x, y = (column + 0.5 - width / 2) / focal_px, (height / 2 - row - 0.5) / focal_px
            lon, lat = inverse_gnomonic(x, y, math.radians(pitch_deg), math.radians(heading_deg - centre_deg))
            # An average over a pixel shortens vectors by about its square; and beyond a pole there is no row.
            allowed = 2 + 127.5 * pixel**2 + (127.5 * pixel / 2 if abs(lat) > math.pi / 2 - pixel else 0)
            assert np.abs(view[row, column] - unit_vectors(lon, lat)).max() <= allowed, (row, column)


@pytest.mark.parametrize("field_deg", [60, 90, 120])
@pytest.mark.parametrize("size_px", [(300, 200), (200, 300), (257, 257)])
def test_the_field_of_view_is_that_between_the_outer_edges(field_deg, size_px):
    """The sides of a wall that takes nine tenths of the field stand where the tangents say."""
    half = math.radians(field_deg) / 2

    def wall(lon, lat):
        return np.repeat((np.abs(lon) < 0.9 * half)[..., None] * 255.0, 3, -1)

    panorama = sphere(720, wall, finer=2)
    view = flat_view(
        panorama, heading_deg=0, centre_heading_deg=0, field_of_view_deg=field_deg, size_px=size_px
    ).astype(float)
    width = size_px[0]
    for row in (0, size_px[1] // 2, -1):
        white = view[row, :, 0].sum() / 255
        assert white == pytest.approx(width * math.tan(0.9 * half) / math.tan(half), abs=0.6)
        assert abs(view[row, :, 0] - view[row, ::-1, 0]).max() <= 2


def test_headings_are_those_of_a_compass():
    """A red post 30° clockwise from the centre, a green one above the horizon 30° anticlockwise."""

    def posts(lon, lat):
        red = np.abs(lon - math.radians(30)) < 0.03
        green = (np.abs(lon + math.radians(30)) < 0.03) & (lat > 0)
        return np.stack([red, green, np.zeros_like(red)], -1) * 255.0

    panorama = sphere(400, posts)
    view = flat_view(panorama, heading_deg=200, centre_heading_deg=200, size_px=(201, 201))
    step = math.tan(math.radians(30)) * 100.5
    assert view[:, round(100 + step)].tolist() == [[255, 0, 0]] * 201
    assert view[:95, round(100 - step)].tolist() == [[0, 255, 0]] * 95
    assert view[106:, round(100 - step)].max() == 0
    middle = flat_view(panorama, heading_deg=230, centre_heading_deg=200, size_px=(201, 201))
    assert middle[:, 100].tolist() == [[255, 0, 0]] * 201


def test_looking_up_shows_what_is_above():
    def ladder(lon, lat):
        return np.repeat((np.degrees(lat)[..., None] + 90) / 180 * 255, 3, -1)

    panorama = sphere(400, ladder)
    options = {"heading_deg": 0, "centre_heading_deg": 0, "size_px": (101, 101)}
    for pitch_deg in (-60, 0, 60):
        view = flat_view(panorama, pitch_deg=pitch_deg, **options)
        assert abs(float(view[50, 50, 0]) - (pitch_deg + 90) / 180 * 255) <= 1
        assert view[0, 50, 0] > view[100, 50, 0]


@pytest.mark.parametrize(("heading_deg", "pitch_deg"), [(20, 0), (185, 12), (90, -25)])
def test_straight_lines_of_the_world_stay_straight(heading_deg, pitch_deg):
    """A straight line and the eye span a plane: white on one side of it, black on the other."""
    heading, pitch = math.radians(heading_deg), math.radians(pitch_deg)
    ahead = np.array([math.sin(heading) * math.cos(pitch), math.cos(heading) * math.cos(pitch), math.sin(pitch)])
    aside = np.array([math.cos(heading), -math.sin(heading), 0.0])
    normal = np.cross(ahead + 0.1 * aside, aside * 0.5 + np.array([0, 0, 1.0]))

    def half(lon, lat):
        white = (unit_vectors(lon, lat) / 127.5 - 1) @ normal > 0
        return np.repeat(white[..., None] * 255.0, 3, -1)

    panorama = sphere(600, half, finer=2)
    view = flat_view(
        panorama, heading_deg=heading_deg, centre_heading_deg=0, pitch_deg=pitch_deg, size_px=(200, 200)
    ).astype(float)[..., 0]
    rows = np.arange(200)
    white = view[:, 0] > 127
    edge = np.where(white, view.sum(1), (255 - view).sum(1)) / 255  # where each row changes, to a part of a pixel
    crossed = (edge > 2) & (edge < 198)
    assert crossed.sum() > 100
    line = np.polyfit(rows[crossed], edge[crossed], 1)
    assert np.abs(np.polyval(line, rows[crossed]) - edge[crossed]).max() < 0.75


def test_the_seam_is_not_seen():
    """The same world, once with the seam in the middle of the view and once behind the camera."""
    rng = np.random.default_rng(0)
    panorama = rng.integers(0, 256, (128, 256, 3), np.uint8)
    turned = np.roll(panorama, 128, axis=1)
    for size_px in ((90, 60), (300, 300)):  # reduced, and enlarged
        options = {"heading_deg": 180, "size_px": size_px, "field_of_view_deg": 100}
        ahead = flat_view(panorama, centre_heading_deg=0, **options)
        behind = flat_view(turned, centre_heading_deg=180, **options)
        assert np.abs(ahead.astype(int) - behind).max() <= 1


def test_a_whole_turn_changes_nothing():
    panorama = np.random.default_rng(1).integers(0, 256, (64, 128, 3), np.uint8)
    views = [
        flat_view(panorama, heading_deg=33 + turn, centre_heading_deg=200, size_px=(50, 40))
        for turn in (0, 360, -360, 3600)
    ]
    assert all((view == views[0]).all() for view in views[1:])


def test_fine_patterns_turn_grey_and_not_coarse():
    """Columns of black and white, finer than the view can show."""
    panorama = np.zeros((1024, 2048, 3), np.uint8)
    panorama[:, ::2] = 255
    view = flat_view(panorama, heading_deg=10, centre_heading_deg=0, size_px=(64, 64))
    assert np.abs(view.astype(int) - 127).max() <= 16


def test_a_sharp_panorama_stays_sharp():
    """Enlarged, it is interpolated and not blurred: black and white are still there."""
    panorama = np.zeros((64, 128, 3), np.uint8)
    panorama[:, ::2] = 255
    view = flat_view(panorama, heading_deg=0, centre_heading_deg=0, field_of_view_deg=40, size_px=(200, 200))
    assert view.min() < 10
    assert view.max() > 245


@pytest.mark.parametrize(("height", "width"), [(100, 300), (100, 199), (60, 200), (100, 100), (1, 2), (0, 0)])
def test_parts_of_a_sphere_are_refused(height, width):
    with pytest.raises(InputError, match="twice as wide as high"):
        flat_view(np.zeros((height, width, 3), np.uint8), heading_deg=0, centre_heading_deg=0, size_px=(9, 9))


@pytest.mark.parametrize(
    ("panorama", "options", "text"),
    [
        (np.zeros((4, 8), np.uint8), {}, "uint8"),
        (np.zeros((4, 8, 3), float), {}, "uint8"),
        (None, {"field_of_view_deg": 0}, "field of view"),
        (None, {"field_of_view_deg": 171}, "field of view"),
        (None, {"field_of_view_deg": math.nan}, "field of view"),
        (None, {"pitch_deg": 91}, "pitch"),
        (None, {"size_px": (0, 5)}, "at least one pixel"),
        (None, {"heading_deg": math.nan}, "heading"),
        (None, {"centre_heading_deg": math.inf}, "heading"),
    ],
)
def test_views_that_cannot_be(panorama, options, text):
    panorama = np.zeros((4, 8, 3), np.uint8) if panorama is None else panorama
    with pytest.raises(InputError, match=text):
        flat_view(panorama, **{"heading_deg": 0, "centre_heading_deg": 0, "size_px": (9, 9)} | options)
