import io

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def picture():
    """Makes pictures of noise, another one for each seed."""

    def make(seed=0, size=(160, 120), mode="RGB"):
        rng = np.random.default_rng(seed)
        pixels = rng.integers(0, 256, (size[1], size[0], 3), np.uint8)
        return Image.fromarray(pixels).convert(mode)

    return make


@pytest.fixture
def encoded(picture):
    """The bytes of such a picture in some format."""

    def make(seed=0, kind="JPEG", size=(160, 120), mode="RGB", **options):
        buffer = io.BytesIO()
        picture(seed, size, mode).save(buffer, kind, **options)
        return buffer.getvalue()

    return make


@pytest.fixture
def photos(tmp_path, encoded):
    """A folder of folders: two places with two good photos each."""
    root = tmp_path / "photos"
    for number, name in enumerate(["here/good 1.jpg", "here/good 2.jpg", "there/good 3.jpg", "there/good 4.jpg"]):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(seed=1000 + number))
    return root


@pytest.fixture
def rows():
    """The rows of a project's catalogue by source_id."""

    def read(project):
        with project.catalog() as catalog:
            return {photo.source_id: photo for photo in catalog.photos()}

    return read
