import io

import numpy as np
import pytest
from PIL import Image

from machinami.explain.colours import AGAINST, FOR, colour_values, even_ramp
from machinami.explain.pictures import common_scale, heatmap_layer, legend, overlay, side_by_side

CELLS = np.random.default_rng(0).normal(0, 0.1, (7, 7)).astype(np.float32)
PHOTO = np.random.default_rng(1).integers(0, 256, (60, 90, 3), np.uint8)

# Red-green blindness at full strength (Machado, Oliveira & Fernandes 2009), for linear RGB.
PROTANOPIA = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)


def linear(colours):
    coded = np.asarray(colours) / 255
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    """CIE L*a*b* (D65) of linear RGB."""
    xyz = rgb @ np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]).T
    f = np.cbrt(np.clip(xyz / [0.9505, 1, 1.089], 1e-6, None))
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


@pytest.mark.parametrize("sight", [np.eye(3), PROTANOPIA, DEUTERANOPIA], ids=["usual", "protanopia", "deuteranopia"])
def test_the_ramp_grows_lighter_in_even_steps_for_all_eyes(sight):
    colours = lab(np.clip(linear(even_ramp(np.linspace(0, 1, 11))) @ sight.T, 0, 1))
    steps = np.diff(colours[:, 0])
    assert (steps > 0).all()
    assert steps.max() < 1.6 * steps.min()
    assert np.linalg.norm(np.diff(colours, axis=0), axis=1).min() > 4  # each step can be seen


@pytest.mark.parametrize("sight", [np.eye(3), PROTANOPIA, DEUTERANOPIA], ids=["usual", "protanopia", "deuteranopia"])
def test_for_and_against_are_told_apart_by_all_eyes(sight):
    ends = lab(np.clip(linear([FOR, AGAINST]) @ sight.T, 0, 1))
    assert np.linalg.norm(ends[0] - ends[1]) > 40


def test_zero_is_transparent_and_sign_is_colour():
    found = colour_values(np.array([-2.0, -1.0, 0.0, 0.5, 1.0]), signed=True)
    assert found[:, 3].tolist() == [199, 199, 0, 99, 199]
    assert found[0, :3].tolist() == list(AGAINST)
    assert found[4, :3].tolist() == list(FOR)
    assert colour_values(np.array([-1.0, 0.0]), signed=False)[:, 3].tolist() == [0, 0]


def test_no_evidence_leaves_the_photo_as_it_is():
    np.testing.assert_array_equal(overlay(PHOTO, np.zeros((7, 7), np.float32), scale=1), PHOTO)
    np.testing.assert_array_equal(overlay(PHOTO, -np.abs(CELLS), scale=1, signed=False), PHOTO)


def test_cells_lie_where_they_are():
    cells = np.zeros((3, 3), np.float32)
    cells[0, 2] = 1
    white = np.full((60, 90, 3), 255, np.uint8)
    sharp = (overlay(white, cells, scale=1, smooth=False) != 255).any(-1)
    assert sharp[:20, 60:].all()
    assert sharp.sum() == 20 * 30
    smooth = 255 - overlay(white, cells, scale=1)[..., 0].astype(int)
    assert np.unravel_index(smooth.argmax(), smooth.shape)[0] < 12
    assert np.unravel_index(smooth.argmax(), smooth.shape)[1] > 72


def test_a_layer_is_small_and_see_through():
    for kind, signature in (("webp", b"WEBP"), ("png", b"PNG")):
        data = heatmap_layer(CELLS, scale=0.2, kind=kind)
        assert signature in data[:16]
        assert len(data) < 12_000
        with Image.open(io.BytesIO(data)) as image:
            assert (image.mode, image.size) == ("RGBA", (112, 112))
            assert np.asarray(image)[..., 3].min() < 20


def test_one_scale_for_all():
    maps = [np.full((2, 2), 0.0432, np.float32), np.full((2, 2), -0.02, np.float32)]
    assert common_scale(maps) == pytest.approx(0.044)
    assert common_scale([100 * m for m in maps]) == pytest.approx(4.4)
    assert common_scale([np.zeros((2, 2), np.float32)]) == 1
    assert common_scale([]) == 1


def test_a_sheet_shows_photo_overlay_and_legend():
    sheet = side_by_side(PHOTO, CELLS, scale=0.2)
    assert sheet.shape == (60 + 8 + 44, 2 * 90 + 8, 3)
    np.testing.assert_array_equal(sheet[:60, :90], PHOTO)
    np.testing.assert_array_equal(sheet[:60, 98:], overlay(PHOTO, CELLS, scale=0.2))
    bar = legend(scale=0.2, width_px=360)[10]
    assert (bar[8].astype(int) - bar[280].astype(int))[1] < 0 < (bar[8].astype(int) - bar[280].astype(int))[2]


def half_for_half_against():
    """What is left speaks for the place, what is right against it."""
    cells = np.full((7, 7), 0.2, np.float32)
    cells[:, 4:] = -0.2
    return cells


@pytest.mark.parametrize("kind", ["webp", "png"])
@pytest.mark.parametrize("smooth", [True, False])
def test_a_layer_is_green_where_the_evidence_is_for_and_purple_where_it_is_against(kind, smooth):
    data = heatmap_layer(half_for_half_against(), scale=0.2, kind=kind, smooth=smooth)
    pixels = np.asarray(Image.open(io.BytesIO(data))).astype(int)
    for columns, colour in ((slice(8, 40), FOR), (slice(-40, -8), AGAINST)):
        assert np.abs(pixels[:, columns, :3].mean((0, 1)) - colour).max() < 12
        assert pixels[:, columns, 3].min() > 180


def test_an_unsigned_layer_shows_what_is_for_alone():
    data = heatmap_layer(half_for_half_against(), scale=0.2, signed=False, kind="png")
    opacity = np.asarray(Image.open(io.BytesIO(data)))[..., 3]
    assert opacity[:, :40].min() > 180
    assert opacity[:, -40:].max() == 0


def test_an_overlay_has_the_colours_of_its_sign():
    white = np.full((70, 70, 3), 255, np.uint8)
    shown = overlay(white, half_for_half_against(), scale=0.2).astype(int)
    assert np.abs(shown[:, :20] - (255 + np.subtract(FOR, 255) * 199 / 255)).max() < 2
    assert np.abs(shown[:, -20:] - (255 + np.subtract(AGAINST, 255) * 199 / 255)).max() < 2
