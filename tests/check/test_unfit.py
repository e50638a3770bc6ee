"""Planted defects on real and on made photos are found, each under its name; the same photos as they are, not."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from machinami.catalog import Photo
from machinami.check.placeholders import judge_flatness
from machinami.check.unfit import judge_facts, judge_shape, judge_signs
from machinami.config import CheckConfig
from machinami.images.flatness import grey_share
from machinami.images.signs import read_signs, signs_of
from tests.shared_data import SHARED_DATA

CONFIG = CheckConfig()
REAL = sorted((SHARED_DATA / "labelmefacade" / "photos").rglob("*.jpg"))
OTHER = sorted((SHARED_DATA / "global-streetscapes" / "photos").rglob("*.jpg"))
needs_photos = pytest.mark.skipif(not REAL or not OTHER, reason=f"no real photos in {SHARED_DATA}")


def scaled(image, factor, offset=0.0):
    levels = np.asarray(image, np.float32) * factor + offset
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))


def cut(image):
    pixels = np.array(image)
    pixels[len(pixels) // 2 :] = 128
    return Image.fromarray(pixels)


def moved(image, share=0.1):
    pixels = np.asarray(image, np.float64)
    steps = int(share * min(image.size))
    sums = np.cumsum(pixels, axis=1)
    return Image.fromarray(((sums[:, steps:] - sums[:, :-steps]) / steps).astype(np.uint8))


DEFECTS = {
    "blurred": [lambda im: im.filter(ImageFilter.GaussianBlur(0.012 * min(im.size))), moved],
    "dark": [lambda im: scaled(im, 0.1)],
    "overexposed": [lambda im: scaled(im, 8, 220)],
    "cut-short": [cut],
    "little-information": [lambda im: scaled(im, 0.08, 100)],
}


def saved(image, quality=85):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def code(image):
    mark = judge_signs(read_signs(saved(image), max_pixels=10**8), CONFIG)
    return mark and mark.reason.partition(":")[0]


@needs_photos
@pytest.mark.parametrize("defect", DEFECTS)
def test_planted_defects_on_real_photos_are_found(defect):
    for path in REAL[::60]:
        for spoil in DEFECTS[defect]:
            assert code(spoil(Image.open(path).convert("RGB"))) == defect, path


@pytest.mark.parametrize("defect", DEFECTS)
def test_planted_defects_on_made_photos_are_found(defect, laid_town):
    for path in sorted((laid_town / "photos").rglob("*.jpg"))[::20]:
        image = Image.open(path).convert("RGB").resize((256, 256))
        for spoil in DEFECTS[defect]:
            assert code(spoil(image)) == defect, path


@pytest.mark.parametrize("path", [pytest.param(REAL[::12] + OTHER, marks=needs_photos, id="a part")])
def test_sound_real_photos_are_not_marked(path):
    judge_all(path)


@needs_photos
@pytest.mark.slow
def test_no_sound_real_photo_is_marked():
    judge_all(REAL + OTHER)


def judge_all(paths):
    spheres = 0
    for path in paths:
        signs = read_signs(path, max_pixels=10**8)
        assert judge_signs(signs, CONFIG) is None, path
        with Image.open(path) as image:
            photo = Photo(source="folder", source_id=path.name, width=image.width, height=image.height)
        mark = judge_shape(photo, signs, CONFIG)
        spheres += mark is not None and mark.reason.startswith("uncut-sphere")
        assert (mark is not None) == (photo.width == 2 * photo.height), path
    assert spheres == 9


def card(size, text, colour):
    """As https://…/streetview answers where it has nothing: a flat card with one line of dark text."""
    image = Image.new("RGB", (size, size), colour)
    font = ImageFont.load_default(max(8, size // 24))
    ImageDraw.Draw(image).text((size / 2, size / 2), text, fill=(85, 85, 85), font=font, anchor="mm")
    return image


@pytest.mark.parametrize("size", [200, 256, 320, 400, 512, 640])
@pytest.mark.parametrize("quality", [60, 75, 85, 95])
@pytest.mark.parametrize("colour", [(228, 227, 223), (224, 222, 216)], ids=["E4E3DF", "E0DED8"])
def test_every_drawn_card_is_found(size, quality, colour):
    image = card(size, "Sorry, we have no imagery here.", colour)
    pixels = np.asarray(Image.open(io.BytesIO(saved(image, quality))))
    photo = Photo(source="google", source_id="1", grey_share=grey_share(pixels))
    assert judge_flatness(photo, placeholder_share=CONFIG.placeholder_share)


@pytest.mark.parametrize("size", [256, 512])
def test_black_tiles_are_found(size):
    pixels = np.asarray(Image.open(io.BytesIO(saved(Image.new("RGB", (size, size))))))
    assert judge_flatness(Photo(source="s", source_id="1", grey_share=grey_share(pixels)), placeholder_share=0.9)


@needs_photos
def test_no_real_photo_is_a_card():
    for path in REAL[::12] + OTHER:
        with Image.open(path) as image:
            assert grey_share(np.asarray(image.convert("RGB"))) < CONFIG.placeholder_share / 2, path


@needs_photos
@pytest.mark.slow
def test_none_of_all_real_photos_is_a_card():
    shares = [grey_share(np.asarray(Image.open(path).convert("RGB"))) for path in REAL + OTHER]
    assert max(shares) < CONFIG.placeholder_share / 2


def shaped(width, height, **facts):
    signs = signs_of(np.random.default_rng(0).integers(0, 256, (height // 4, width // 4, 3), np.uint8))
    mark = judge_shape(Photo(source="s", source_id="1", width=width, height=height, **facts), signs, CONFIG)
    return mark and mark.reason.partition(":")[0]


def test_phone_portraits_stay_and_slices_do_not():
    assert [shaped(300, height) for height in (300, 400, 450, 534)] == [None, None, None, "portrait"]


def test_a_wide_picture_is_a_sphere_only_with_evidence():
    assert shaped(800, 400) is None
    assert shaped(800, 400, projection="spherical") == "uncut-sphere"
    assert shaped(800, 400, projection="spherical", panorama="x") is None
    assert shaped(800, 600, projection="spherical") is None


OWN = "a" * 22


@pytest.mark.parametrize(
    ("source", "source_id", "credit", "marked"),
    [
        ("google", OWN, "© Google", False),
        ("google", OWN, None, False),
        ("google", "stuttgart/photo-number-000000017.jpg", "© Google", False),
        ("google", "a" * 40, "© Google", True),
        ("google", OWN, "© Google fan", True),
        ("folder", OWN, "© A. Nyone", False),
    ],
)
def test_what_is_not_street_views_own_is_marked(source, source_id, credit, marked):
    mark = judge_facts(Photo(source=source, source_id=source_id, attribution=credit))
    assert (mark is not None) == marked
    assert mark is None or mark.reason.startswith("third-party: ")


def test_thresholds_are_the_configs():
    signs = signs_of(np.full((64, 64, 3), 128, np.uint8))
    lenient = CheckConfig(min_light=0, max_bright_share=1, max_still_share=1, min_entropy=0, max_blur=1)
    assert judge_signs(signs, lenient) is None
    assert judge_signs(signs, CONFIG).reason.startswith("cut-short")
