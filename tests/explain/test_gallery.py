import json

import numpy as np
import pytest
from PIL import Image

from machinami.catalog import Photo
from machinami.explain.choice import Candidate, Choice
from machinami.explain.gallery import GALLERY_FILE, has_gallery, write_gallery
from machinami.explain.heatmap_files import HeatmapBatch, write_heatmaps

PLACES = ("a", "b")


@pytest.fixture
def gallery(tmp_path):
    """Writes the gallery of one photo of that (height, width); gives its folder."""

    def write(height, width):
        zeros = np.zeros((1, 2, 3, 3), np.float32)
        batch = HeatmapBatch(
            photo_id=np.array([7]), places=PLACES, maps=zeros, completeness=zeros[:, 0, 0, 0], logits=zeros[:, :, 0, 0]
        )
        write_heatmaps(tmp_path / "heatmaps", [batch])
        chosen = Candidate(photo_id=7, block="a/1", place=0, predicted=0, margin=1.0)
        count = write_gallery(
            tmp_path / "pictures",
            [Choice(kind="typical", photo=chosen)],
            heatmaps=tmp_path / "heatmaps",
            photos={7: Photo(source="folder", source_id="7", photo_id=7)},
            read_photo=lambda photo, side_px: np.zeros((height, width, 3), np.uint8),
            places=PLACES,
        )
        assert count == 1
        return tmp_path / "pictures"

    return write


@pytest.mark.parametrize(("size", "sheet"), [((60, 90), (188, 112)), ((20_000, 4), (98, 16_383))])
def test_a_picture_longer_than_the_format_has_is_made_smaller(gallery, size, sheet):
    with Image.open(gallery(*size) / "000-typical-7.webp") as image:
        assert image.size == sheet


def test_a_gallery_is_there_with_all_its_pictures(gallery):
    folder = gallery(60, 90)
    assert has_gallery(folder, PLACES)
    assert not has_gallery(folder, ("b", "c"))
    index = (folder / GALLERY_FILE).read_text()
    for wrong in ("{", "[]", json.dumps({"pictures": [{}]})):
        (folder / GALLERY_FILE).write_text(wrong)
        assert not has_gallery(folder, PLACES)
    (folder / GALLERY_FILE).write_text(index)
    (folder / "000-typical-7-layer.webp").unlink()
    assert not has_gallery(folder, PLACES)
