import hashlib
from datetime import UTC, datetime

import numpy as np
from PIL import Image

from machinami.images.measure import digest_pixels, measure_photo

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_the_same_pixels_in_other_files_measure_the_same(tmp_path):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 50, 3), np.uint8))
    image.save(tmp_path / "a.png")
    image.save(tmp_path / "b.png", compress_level=1)
    image.save(tmp_path / "c.bmp")
    found = [measure_photo(tmp_path / name, max_pixels=10**6, now=NOW) for name in ("a.png", "b.png", "c.bmp")]
    assert len({one.pixels_sha256 for one in found}) == 1
    assert [one.suffix for one in found] == [".png", ".png", ".bmp"]
    assert (found[0].width, found[0].height) == (50, 30)
    assert measure_photo((tmp_path / "a.png").read_bytes(), max_pixels=10**6, now=NOW) == found[0]


def test_the_digest_is_over_size_and_pixels():
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert digest_pixels(pixels) == hashlib.sha256(b"4 2 " + bytes(range(24))).hexdigest()
    assert digest_pixels(pixels) != digest_pixels(pixels.reshape(4, 2, 3))
    turned = np.ascontiguousarray(pixels.transpose(1, 0, 2))
    assert digest_pixels(pixels.transpose(1, 0, 2)) == digest_pixels(turned)
