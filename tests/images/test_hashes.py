import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from machinami.images.hashes import hash_pixels


def test_dhash_says_where_it_gets_lighter_to_the_right():
    ramp = np.repeat(np.linspace(0, 255, 90).astype(np.uint8)[None, :, None], 80, axis=0).repeat(3, axis=2)
    assert hash_pixels(ramp)[0] == 2**64 - 1
    assert hash_pixels(ramp[:, ::-1].copy())[0] == 0


@given(st.integers(0, 2**32), st.integers(1, 60))
def test_light_moves_few_bits_and_another_picture_many(seed, light):
    coarse = np.random.default_rng(seed).integers(0, 190, (2, 12, 16, 3), np.uint8)
    first, second = coarse.repeat(10, axis=1).repeat(10, axis=2)
    brighter = first + np.uint8(light)
    for a, b, c in zip(hash_pixels(first), hash_pixels(brighter), hash_pixels(second), strict=True):
        assert (a ^ b).bit_count() <= 3
        assert (a ^ c).bit_count() > 8
