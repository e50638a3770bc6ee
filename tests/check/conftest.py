import io

import numpy as np
import pytest
from PIL import Image

from machinami.collect.importing import import_photos


def drawn(picture):
    """The picture itself, or noise from a seed."""
    if not isinstance(picture, int):
        return picture
    return Image.fromarray(np.random.default_rng(picture).integers(0, 256, (120, 160, 3), np.uint8))


@pytest.fixture
def imported(project, tmp_path):
    """Imports pictures {name: seed or picture} and gives {name: photo_id}."""

    def bring(pictures, *, link=False):
        for name, picture in pictures.items():
            path = tmp_path / "photos" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            buffer = io.BytesIO()
            drawn(picture).save(buffer, "PNG")
            path.write_bytes(buffer.getvalue())
        import_photos(project, project.config(), tmp_path / "photos", link=link)
        with project.catalog() as catalog:
            return {photo.source_id: photo.photo_id for photo in catalog.photos()}

    return bring


@pytest.fixture
def reasons(project):
    """{name: reason} of all rows."""

    def read():
        with project.catalog() as catalog:
            return {photo.source_id: photo.reason for photo in catalog.photos()}

    return read
