import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter

from machinami.check.watermarks import Smallest, find_shared_mark


@pytest.fixture
def photos(tmp_path):
    """Writes so many soft random pictures, the watermark on those that `bears` says; gives their paths."""

    def write(count, bears):
        paths = []
        for number in range(count):
            pixels = np.random.default_rng(number).integers(0, 256, (160, 200, 3), np.uint8)
            image = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(3))
            if bears(number):
                ImageDraw.Draw(image).text((20, 140), "SOMEONE 2019", fill=(255, 255, 255))
            paths.append(tmp_path / f"{number}.jpg")
            image.save(paths[-1], quality=88)
        return paths

    return write


def test_a_name_on_all_photos_is_found_where_it_is(photos):
    mark = find_shared_mark(photos(40, lambda _: True), max_pixels=10**8)
    assert mark is not None
    assert 5 <= mark.left < mark.right <= 60
    assert 85 <= mark.top < mark.bottom <= 98


def test_photos_without_one_share_none(photos):
    assert find_shared_mark(photos(40, lambda _: False), max_pixels=10**8) is None


def test_a_name_on_some_photos_is_not_shared(photos):
    assert find_shared_mark(photos(40, lambda number: number % 4 == 0), max_pixels=10**8) is None


def test_few_photos_say_nothing_and_broken_ones_are_left_out(photos):
    paths = photos(32, lambda _: True)
    assert find_shared_mark(paths, max_pixels=10**8) is not None
    paths[0].write_bytes(b"nothing")
    assert find_shared_mark(paths, max_pixels=10**8) is None


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 8))
def test_the_sample_is_the_smallest_digests_each_once(numbers, size):
    digests = [hashlib.sha256(str(number).encode()).hexdigest() for number in numbers]
    sample = Smallest(size)
    for digest in digests:
        sample.add(digest, f"{digest}.jpg")
    assert sample.items() == [(digest, f"{digest}.jpg") for digest in sorted(set(digests))[:size]]
