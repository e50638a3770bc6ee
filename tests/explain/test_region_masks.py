import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from machinami.catalog import Catalog, Photo
from machinami.config import Config, RegionsConfig
from machinami.explain.region_masks import open_masks
from machinami.explain.regions import made_by
from machinami.explain.street_regions import region_numbers
from machinami.images.masks import MaskError

OWN = {"regions": {"1": "road", "4": "hedge"}, "unlabelled": [0, 2]}
MADE = {"name": "small", "regions": {str(n): name for n, name in region_numbers().items()}, "unlabelled": [0]}


def with_source(source):
    return Config(regions=RegionsConfig(source=source))


@pytest.fixture
def catalog(tmp_path):
    """A photo with a mask of the user's, one with a segmenter's, one of the town, one with none."""
    photos = {
        "user": {"mask": "masks/1.png"},
        "made": {"mask": "masks/segmenter-0123/ab/ab.png"},
        "town": {"mask": "masks/abc.png", "source": "town"},
        "none": {},
    }
    Image.fromarray(np.full((16, 16, 3), 255, np.uint8)).save(tmp_path / "photo.png")
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        for name, facts in photos.items():
            row = {"source": "folder", "source_id": name, "state": "fetched", "width": 8, "height": 8, **facts}
            catalog.add(Photo(file="photo.png", **row))
            if "mask" in facts:
                path = tmp_path / facts["mask"]
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8) % 13).save(path)
        catalog.set_fact("regions", json.dumps(OWN))
        catalog.set_fact("segmenter-0123", json.dumps(MADE))
        yield catalog


def opened(catalog, source):
    root = catalog.path.parent
    masks = open_masks(catalog, with_source(source), path_of=lambda file: root / file)
    return masks, {photo.source_id: photo for photo in catalog.photos()}


def test_all_masks_are_read_in_one_numbering(catalog):
    masks, photos = opened(catalog, "auto")
    name_of = dict(zip(masks.regions.numbers, masks.regions.names, strict=True))
    assert masks.regions.names[:2] == ("road", "hedge")
    assert masks.regions.numbers[:2] == (1, 4)
    assert len(name_of) == len(region_numbers()) + 1  # both have a road
    assert not {0, 2} & set(masks.regions.numbers)
    raw = np.arange(64).reshape(8, 8) % 13
    assert (masks.read(photos["user"]) == raw).all()
    made = masks.read(photos["made"])
    for number, name in region_numbers().items():
        assert {name_of[found] for found in made[raw == number].tolist()} == {name}
    assert not np.isin(made[raw == 0], masks.regions.numbers).any()


def test_everyone_is_named(catalog):
    masks, photos = opened(catalog, "auto")
    origins = {name: masks.origin(photo) for name, photo in photos.items()}
    assert origins == {"user": "user", "made": "segmenter: small", "town": "town", "none": None}
    with pytest.raises(MaskError, match="none"):
        masks.read(photos["none"])


def test_only_masks_of_ones_own(catalog):
    masks, photos = opened(catalog, "masks")
    assert masks.regions.names == ("road", "hedge")
    with pytest.raises(MaskError, match="none"):
        masks.read(photos["made"])
    assert masks.origin(photos["made"]) is None


def test_a_segmenter_alone_keeps_its_numbers(catalog):
    catalog.drop_fact("regions")
    masks, photos = opened(catalog, "segmenter")
    assert dict(zip(masks.regions.numbers, masks.regions.names, strict=True)) == region_numbers()
    assert masks.origin(photos["user"]) is None


def test_colours_need_no_mask(catalog):
    masks, photos = opened(catalog, "colour")
    assert masks.weak
    assert {masks.origin(photo) for photo in photos.values()} == {"colour"}
    assert (masks.read(photos["none"]) == 2).all()  # a white picture is sky up to its top
    (catalog.path.parent / "photo.png").write_bytes(b"broken")
    with pytest.raises(MaskError, match="not-an-image"):
        masks.read(photos["none"])


def test_auto_takes_colours_where_there_is_no_mask(catalog):
    for photo in list(catalog.photos()):
        catalog.update(photo.photo_id, mask=None)
    assert opened(catalog, "auto")[0].weak
    assert opened(catalog, "none")[0].regions is None


@pytest.mark.parametrize(
    ("mask", "folder"),
    [
        ("masks/segmenter-0123/ab/abc.png", "segmenter-0123"),
        ("masks/17.png", None),
        ("masks/segmenter-1.png", None),
        (str(Path("/home/me/masks/segmenter-1/a.png")), None),
    ],
)
def test_who_made_a_mask_stands_in_its_path(mask, folder):
    assert made_by(mask) == folder
