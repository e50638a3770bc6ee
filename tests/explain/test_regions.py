import json

import numpy as np
import pytest
from PIL import Image

from machinami.catalog import Catalog
from machinami.errors import InputError
from machinami.explain.regions import MaskError, parse_regions, read_mask, read_regions

TABLE = {"regions": {"0": "various", "2": "road", "1": "building"}, "unlabelled": [0]}


def test_names_come_from_the_catalogue(tmp_path):
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        assert read_regions(catalog) is None
        catalog.set_fact("regions", json.dumps(TABLE))
        regions = read_regions(catalog)
    assert regions.numbers == (1, 2)
    assert regions.names == ("building", "road")


@pytest.mark.parametrize(
    "table", [[], {}, {"regions": ["a"]}, {"regions": {"one": "a"}}, {"regions": {"1": "a", "2": "a"}}]
)
def test_other_tables_are_refused(table):
    with pytest.raises(InputError, match="import the masks again"):
        parse_regions(table)


@pytest.mark.parametrize("mode", ["L", "P", "1", "I;16"])
def test_a_mask_is_numbers_whatever_its_mode(tmp_path, mode):
    numbers = np.random.default_rng(0).integers(0, 2, (6, 8)).astype(np.uint16 if mode == "I;16" else np.uint8)
    image = Image.fromarray(numbers)
    if mode == "P":
        image.putpalette([255, 0, 0, 0, 255, 0])
    elif mode == "1":
        image = Image.fromarray(numbers.astype(bool))
    image.save(tmp_path / "mask.png")
    mask = read_mask(tmp_path / "mask.png", photo_size=(80, 60), max_pixels=1000)
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, numbers)


def reason_of(path, **options):
    with pytest.raises(MaskError) as caught:
        read_mask(path, **{"photo_size": None, "max_pixels": 1000, **options})
    return caught.value.reason


def test_masks_that_cannot_be_used_say_why(tmp_path):
    path = tmp_path / "mask.png"
    assert reason_of(path) == "missing-file"
    path.write_bytes(b"no picture")
    assert reason_of(path) == "undecodable"
    Image.new("RGB", (8, 6)).save(path)
    assert reason_of(path) == "not-numbers: RGB pixels"
    Image.fromarray(np.full((6, 8), 300, np.uint16)).save(path)
    assert reason_of(path) == "numbers-above-255"
    Image.new("L", (8, 6)).save(path)
    assert reason_of(path, photo_size=(60, 80)) == "other-proportions"
    assert reason_of(path, max_pixels=47) == "too-many-pixels"
    whole = path.read_bytes()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (30, 30), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:200])
    assert reason_of(path) == "undecodable"
    path.write_bytes(whole)
    assert read_mask(path, photo_size=(800, 600), max_pixels=48).shape == (6, 8)
