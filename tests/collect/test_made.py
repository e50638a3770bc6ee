import hashlib
import re
import sys

import numpy as np
import pytest
from PIL import Image

from machinami.collect.made import collect_town
from machinami.errors import ConfigError
from machinami.project import Project
from machinami.sources.town import TownSettings, make_photo

CONFIG = """\
[[places]]
key = "a"

[[places]]
key = "b"

[source]
kind = "town"

[sampling]
per_place = {per_place}

[town]
size_px = 32
"""


def collected(root, per_place, workers=2):
    root.mkdir(exist_ok=True)
    (root / "machinami.toml").write_text(CONFIG.format(per_place=per_place))
    project = Project.open(root)
    report = collect_town(project, project.config(), workers=workers)
    with project.catalog() as catalog:
        return report, {photo.source_id: photo for photo in catalog.photos()}


def test_what_is_there_stays_and_what_is_missing_is_made(tmp_path):
    """In two runs of two processes the same photos come in as in one run of one."""
    first, _ = collected(tmp_path / "grown", 4)
    second, grown = collected(tmp_path / "grown", 11)
    again, _ = collected(tmp_path / "grown", 11)
    assert [(r.added, r.already) for r in (first, second, again)] == [(8, 0), (14, 8), (0, 22)]
    assert second.by_place == {"a": 11, "b": 11}
    _, whole = collected(tmp_path / "whole", 11, workers=1)
    assert {key: (p.sha256, p.mask_sha256) for key, p in grown.items()} == {
        key: (p.sha256, p.mask_sha256) for key, p in whole.items()
    }


def test_files_are_what_the_rows_say(tmp_path):
    _, photos = collected(tmp_path / "town", 2, workers=1)
    for photo in photos.values():
        town, _, index = photo.source_id.split("/")
        made = make_photo(TownSettings(photos_per_town=2, size_px=32), town, int(index))
        jpeg, mask = tmp_path / "town" / photo.file, tmp_path / "town" / photo.mask
        assert hashlib.sha256(jpeg.read_bytes()).hexdigest() == photo.sha256
        assert hashlib.sha256(mask.read_bytes()).hexdigest() == photo.mask_sha256
        assert np.array_equal(np.asarray(Image.open(mask)), made.mask)
        assert np.abs(np.asarray(Image.open(jpeg)).astype(int) - made.image).mean() < 6
        assert (photo.lat, photo.lon, photo.place, photo.camera_model) == (
            made.lat,
            made.lon,
            made.town,
            made.camera_model,
        )


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (
            "size_px = 32",
            "size_px = 32\ndifficulty = 0.9",
            "have town.difficulty = 0.3, and machinami.toml asks for 0.9",
        ),
        ("size_px = 32", "size_px = 48", "have town.size_px = 32"),
        ("size_px = 32", 'size_px = 32\ndecoy = "camera"', "have town.decoy = 'none'"),
        ('[[places]]\nkey = "a"', 'seed = 7\n\n[[places]]\nkey = "a"', "have seed = 0, and machinami.toml asks for 7"),
        (
            "[source]",
            '[[places]]\nkey = "c"\n\n[source]',
            "have [[places]] = ['a', 'b'], and machinami.toml asks for ['a', 'b', 'c']",
        ),
    ],
)
def test_towns_of_two_kinds_are_not_mixed(tmp_path, monkeypatch, before, after, says):
    collected(tmp_path / "town", 2, workers=1)
    monkeypatch.setattr(sys.modules[__name__], "CONFIG", CONFIG.replace(before, after))
    with pytest.raises(ConfigError, match=re.escape(says)):
        collected(tmp_path / "town", 5, workers=1)
