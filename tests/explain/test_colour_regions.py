import json

import numpy as np
import pytest
from PIL import Image

from machinami.explain.colour_regions import COLOUR_REGIONS, COLOUR_SIDE_PX, GREEN, SKY, colour_mask
from machinami.images.decode import decode_photo
from machinami.sources.town import REGIONS
from tests.shared_data import SHARED_DATA

STREET_PHOTOS = SHARED_DATA / "labelmefacade"


def street(sky=(150, 180, 230)):
    """Sky over a grey front, a hedge at the foot of it."""
    photo = np.full((60, 80, 3), 90, np.uint8)
    photo[:20] = sky
    photo[45:55, 10:40] = (50, 110, 40)
    return photo


def test_the_hedge_is_green_and_the_top_is_sky():
    mask = colour_mask(street())
    assert mask.shape == (60, 80)
    assert (mask[2:18] == SKY).all()
    assert (mask[48:52, 14:36] == GREEN).all()
    assert (mask[25:40] == 0).all()


@pytest.mark.parametrize("sky", [(240, 240, 240), (200, 205, 215), (70, 110, 200)])
def test_bright_and_blue_skies_are_found(sky):
    assert (colour_mask(street(sky))[2:18] == SKY).all()


def test_what_does_not_reach_the_top_edge_is_no_sky():
    photo = street()
    photo[:4] = 60
    assert not (colour_mask(photo) == SKY).any()


def test_a_warm_wall_is_no_sky():
    assert not (colour_mask(street((240, 220, 190))) == SKY).any()


def test_black_and_tiny_photos_have_no_regions():
    assert not colour_mask(np.zeros((40, 40, 3), np.uint8)).any()
    assert colour_mask(np.full((1, 1, 3), 255, np.uint8)).shape == (1, 1)


def test_the_names_say_that_they_are_weak():
    assert all("by colour" in name for name in COLOUR_REGIONS.names)


def agreement(pairs, green, sky):
    """Precision and recall of green and of sky, over the pixels of all (found, true) whose true region is known."""
    counts = np.zeros((2, 3))
    for found, true in pairs:
        for row, (number, wanted) in enumerate(((GREEN, green), (SKY, sky))):
            told, truth = found == number, np.isin(true, wanted)
            counts[row] += (told & truth).sum(), told.sum(), truth.sum()
    return counts[:, 0] / counts[:, 1], counts[:, 0] / counts[:, 2]


@pytest.mark.skipif(not STREET_PHOTOS.is_dir(), reason="the photos of shared/data are not here")
def test_real_masks_agree_as_the_comment_says():
    """Every fourth photo; the figures of all 548 stand beside the thresholds."""
    names = {name: int(n) for n, name in json.loads((STREET_PHOTOS / "regions.json").read_text())["regions"].items()}
    pairs = []
    for file in sorted((STREET_PHOTOS / "photos").rglob("*.jpg"))[::4]:
        pixels = decode_photo(file, max_pixels=10**8, shorter_side_px=COLOUR_SIDE_PX)
        path = STREET_PHOTOS / "masks" / file.relative_to(STREET_PHOTOS / "photos").with_suffix(".png")
        true = np.array(Image.open(path).resize(pixels.shape[1::-1], Image.Resampling.NEAREST))
        pairs.append((np.where(true > 0, colour_mask(pixels), 0), true))
    precision, recall = agreement(pairs, [names["vegetation"]], [names["sky"]])
    assert precision[0] > 0.5
    assert recall[0] > 0.4
    assert precision[1] > 0.8
    assert recall[1] > 0.75


def test_the_made_town_agrees(laid_town):
    names = {name: number for number, name in REGIONS.items()}
    pairs = []
    for file in sorted((laid_town / "photos").rglob("*.jpg"))[::6]:
        true = np.array(Image.open(laid_town / "masks" / f"{file.stem}.png"))
        pairs.append((colour_mask(decode_photo(file, max_pixels=10**8)), true))
    precision, recall = agreement(pairs, [names["vegetation"], names["field"]], [names["sky"]])
    assert precision.min() > 0.9
    assert recall.min() > 0.7
