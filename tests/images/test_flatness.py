import numpy as np
import pytest
from PIL import Image, ImageDraw

from machinami.images.flatness import grey_share


def card(colour=(228, 227, 223), size=(640, 640)):
    """A drawn stand-in for Street View's card: its colour, and a line of dark text."""
    image = Image.new("RGB", size, colour)
    ImageDraw.Draw(image).text((180, 310), "Sorry, we have no imagery here.", fill=(90, 90, 90), font_size=20)
    return np.asarray(image)


@pytest.mark.parametrize("colour", [(228, 227, 223), (224, 222, 216), (0, 0, 0), (255, 255, 255)])
def test_cards_are_nearly_all_grey(colour):
    assert grey_share(card(colour)) > 0.97


def test_jpeg_noise_does_not_hide_a_card():
    noisy = card().astype(int) + np.random.default_rng(0).integers(-1, 2, (640, 640, 3))
    assert grey_share(noisy.clip(0, 255).astype(np.uint8)) > 0.95


def test_a_flat_colour_is_no_grey():
    assert grey_share(card((40, 120, 40))) == 0


def test_a_street_under_a_white_sky_is_far_from_it():
    street = np.random.default_rng(0).integers(0, 200, (300, 400, 3), np.uint8)
    street[:150] = 250
    assert grey_share(street) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 5000, 3), (5000, 1, 3)])
def test_odd_shapes(shape):
    assert grey_share(np.full(shape, 128, np.uint8)) == 1
