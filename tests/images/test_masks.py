import numpy as np
import pytest
from PIL import Image

from machinami.images.masks import MaskError, read_mask


@pytest.mark.parametrize("mode", ["L", "P", "1", "I;16"])
def test_a_mask_is_numbers_whatever_its_mode(tmp_path, mode):
    numbers = np.random.default_rng(0).integers(0, 2, (6, 8)).astype(np.uint16 if mode == "I;16" else np.uint8)
    image = Image.fromarray(numbers)
    if mode == "P":
        image.putpalette([255, 0, 0, 0, 255, 0])
    elif mode == "1":
        image = Image.fromarray(numbers.astype(bool))
    image.save(tmp_path / "mask.png")
    mask = read_mask(tmp_path / "mask.png", size=(16, 12), max_pixels=1000)
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, numbers)


def reason_of(path, **options):
    with pytest.raises(MaskError) as caught:
        read_mask(path, **{"size": None, "max_pixels": 1000, **options})
    return caught.value.reason.partition(":")[0]


def test_masks_that_cannot_be_used_say_why(tmp_path):
    path = tmp_path / "mask.png"
    assert reason_of(path) == "mask-missing-file"
    path.write_bytes(b"no picture")
    assert reason_of(path) == "mask-not-an-image"
    Image.new("RGB", (8, 6)).save(path)
    assert reason_of(path) == "mask-not-numbers"
    Image.fromarray(np.full((6, 8), 300, np.uint16)).save(path)
    assert reason_of(path) == "mask-not-numbers"
    Image.new("L", (8, 6)).save(path)
    assert reason_of(path, size=(60, 80)) == "mask-size"
    assert reason_of(path, max_pixels=47) == "mask-too-many-pixels"
    whole = path.read_bytes()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (30, 30), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:200])
    assert reason_of(path) == "mask-undecodable"
    path.write_bytes(whole)
    assert read_mask(path, size=(48, 36), max_pixels=48).shape == (6, 8)
    Image.new("L", (8, 6)).save(path, "BMP")
    assert reason_of(path) == "mask-not-png"


@pytest.mark.parametrize(("size", "fits"), [((80, 60), False), ((64, 48), True), ((48, 40), True), ((48, 60), False)])
def test_the_shape_is_the_photos_to_a_pixel_of_the_mask(tmp_path, size, fits):
    """An eighth of the photo's size at least: what is smaller tells too little."""
    path = tmp_path / "mask.png"
    Image.new("L", (8, 6)).save(path)
    if fits:
        assert read_mask(path, size=size, max_pixels=48).shape == (6, 8)
    else:
        assert reason_of(path, size=size) == "mask-size"
