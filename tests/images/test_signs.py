import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from machinami.images.decode import PhotoError
from machinami.images.signs import GRID, blur_effect, read_signs, signs_of


def noise(height=120, width=160, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def slow_blur_effect(luma):
    """Down the columns, pixel by pixel, as the paper writes it."""
    height, width = luma.shape
    sharp = lost = 0.0
    for x in range(width):
        column = [float(value) for value in luma[:, x]]
        blurred = {y: sum(column[y - 4 : y + 5]) / 9 for y in range(4, height - 4)}
        for y in range(5, height - 4):
            before = abs(column[y] - column[y - 1])
            after = abs(blurred[y] - blurred[y - 1])
            sharp += before
            lost += max(0.0, before - after)
    return (sharp - lost) / sharp


@given(st.integers(0, 100), st.sampled_from([0, 1, 3]))
def test_the_blur_effect_is_that_of_the_paper(seed, radius):
    picture = Image.fromarray(noise(24, 7, seed)).convert("L").filter(ImageFilter.GaussianBlur(radius))
    luma = np.asarray(picture, np.float32)
    assert blur_effect(luma) == pytest.approx(slow_blur_effect(luma), abs=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (11, 11), (300, 5)])
def test_pictures_of_any_size_have_measures(size):
    signs = signs_of(noise(*size))
    assert len(signs.grid) == GRID * GRID
    assert 0 <= signs.blur <= 1
    assert 0 <= signs.still_share <= 1


def test_levels_are_counted():
    pixels = np.full((100, 200, 3), 255, np.uint8)
    pixels[:, :50] = 10
    signs = signs_of(pixels)
    assert signs.dark_share == pytest.approx(0.25)
    assert signs.bright_share == pytest.approx(0.75)
    assert signs.brightness == pytest.approx(0.25 * 10 + 0.75 * 255, abs=0.01)
    assert signs.light == 255
    assert signs.entropy == pytest.approx(-0.25 * np.log2(0.25) - 0.75 * np.log2(0.75))
    grid = np.frombuffer(signs.grid, np.uint8).reshape(GRID, GRID)
    assert (grid[:, :4] == 10).all()
    assert (grid[:, 4:] == 255).all()


def test_a_flat_picture_is_still_blurred_and_empty():
    signs = signs_of(np.full((64, 64, 3), 128, np.uint8))
    assert (signs.still_share, signs.blur, signs.entropy, signs.seam) == (1.0, 1.0, 0.0, 1.0)


@pytest.mark.parametrize("side", ["below", "left", "right"])
def test_filled_parts_are_measured_from_their_edge(side):
    pixels = noise(120, 120)
    part = {"below": np.s_[72:], "left": np.s_[:, :48], "right": np.s_[:, 72:]}[side]
    pixels[part] = 128
    assert signs_of(pixels).still_share == pytest.approx(0.4)


def test_a_white_sky_is_not_a_filled_part():
    pixels = noise(120, 120)
    pixels[:72] = 255
    assert signs_of(pixels).still_share < 0.02


def test_a_picture_that_closes_a_circle_has_no_seam():
    wave = 128 + 100 * np.sin(np.linspace(0, 2 * np.pi, 200, endpoint=False) + 1)
    pixels = np.repeat(np.repeat(wave[None, :, None], 100, axis=0), 3, axis=2).astype(np.uint8)
    assert signs_of(pixels).seam < 0.1
    assert signs_of(pixels[:, :150]).seam > 0.5


def test_a_file_is_measured_at_a_small_size_and_upright():
    image = Image.fromarray(noise(600, 900))
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(file, "JPEG", exif=exif)
    assert len(read_signs(file.getvalue(), max_pixels=10**6).grid) == GRID * GRID
    with pytest.raises(PhotoError):
        read_signs(b"nothing", max_pixels=10**6)
