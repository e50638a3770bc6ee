import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from machinami.catalog import Photo
from machinami.config import Config, PlaceConfig, RegionsConfig, SplitConfig
from machinami.errors import ProjectError
from machinami.explain.region_shares import region_shares
from machinami.split import lay_split, read_split

CONFIG = Config(places=(PlaceConfig(key="a"), PlaceConfig(key="b")), split=SplitConfig(run_photos=3))


@pytest.fixture
def ready(project):
    """Photo n of 45 shows n rows of 50 of "hedge" (place a), or none (place b); every ninth has no mask."""
    project.masks.mkdir()
    with project.catalog() as catalog, catalog.transaction():
        for place in "ab":
            for number in range(45):
                mask = np.ones((50, 40), np.uint8)
                mask[: number if place == "a" else 0] = 2
                file = f"masks/{place}{number}.png"
                Image.fromarray(mask).save(project.root / file)
                name = f"{place}/img_{number:04d}.png"
                catalog.add(
                    Photo(source="folder", source_id=name, state="fetched", place=place, width=40, height=50,
                          sha256=name, pixels_sha256=name, file=name, mask=file if number % 9 else None)
                )  # fmt: skip
        catalog.set_fact("regions", json.dumps({"regions": {"1": "front", "2": "hedge"}, "unlabelled": [0]}))
    return project


def shares(place):
    """The share of hedge in the photos of a place that have a mask."""
    return {number: (number / 50 if place == "a" else 0.0) for number in range(45) if number % 9}


def test_shares_are_means_over_the_photos_of_a_place(ready):
    found = region_shares(ready, CONFIG)
    assert (found.photos, found.masks_from, found.without, found.blocks) == (80, {"user": 80}, {"none": 10}, None)
    for place in "ab":
        told = list(shares(place).values())
        hedge = found.places[place]["hedge"]
        assert hedge["area_share"] == pytest.approx(np.mean(told), abs=1e-6)
        assert hedge["photos"] == sum(share >= 0.005 for share in told)
        assert sum(row["area_share"] for row in found.places[place].values()) == pytest.approx(1, abs=1e-5)
        assert found.places[place]["unlabelled"]["area_share"] == pytest.approx(0, abs=1e-9)
        assert (hedge["low"], hedge["used"]) == (None, None)
    assert (found.explained, found.stale, found.weak) == (False, False, False)


def test_intervals_are_over_blocks_of_the_split(ready):
    lay_split(ready, CONFIG)
    found = region_shares(ready, CONFIG)
    blocks = read_split(ready).block_of()
    with ready.catalog() as catalog:
        mine = {
            int(photo.source_id[6:10]): blocks[photo.photo_id]
            for photo in catalog.photos(place="a") if photo.mask and photo.photo_id in blocks
        }  # fmt: skip
    told = shares("a")
    names = sorted(set(mine.values()))
    sums = {name: [told[number] for number, block in mine.items() if block == name] for name in names}
    rng = np.random.default_rng(7)
    means = []
    for _ in range(4000):
        drawn = [share for name in rng.choice(names, len(names)) for share in sums[name]]
        means.append(np.mean(drawn))
    hedge = found.places["a"]["hedge"]
    assert len(names) >= 10
    assert hedge["low"] == pytest.approx(np.quantile(means, 0.025), abs=0.02)
    assert hedge["high"] == pytest.approx(np.quantile(means, 0.975), abs=0.02)
    assert hedge["low"] < hedge["area_share"] < hedge["high"]


def test_what_is_used_stands_beside(ready):
    row = {"share": 0.4, "area_share": 0.2, "lift": 2.0, "low": 1.5, "high": 2.5, "against": 0.1, "photos": 12}
    ready.explanations.mkdir()
    file = ready.explanations / "attention.json"
    file.write_text(json.dumps({"places": {"a": {"hedge": row}}}))
    found = region_shares(ready, CONFIG)
    used = {name: row[name] for name in ("share", "lift", "low", "high", "photos")}
    assert found.places["a"]["hedge"]["used"] == used
    assert found.places["a"]["front"]["used"] is None
    assert found.explained
    assert found.stale  # no run of `explain` stands behind it
    for text in ("{", "[]", '{"places": {"a": {"hedge": 3}}}'):
        file.write_text(text)
        with pytest.raises(ProjectError, match="machinami explain"):
            region_shares(ready, CONFIG)


def test_a_mask_that_is_gone_is_counted(ready):
    (ready.masks / "a1.png").unlink()
    found = region_shares(ready, CONFIG)
    assert found.without == {"mask-missing-file": 1, "none": 10}
    assert found.photos == 79


def test_a_mask_says_nothing_of_regions_that_it_does_not_know(ready):
    """Half of b's masks become a segmenter's, half of which are vehicles; those of the user know no vehicle."""
    path = ready.masks / "segmenter-1" / "ab" / "ab.png"
    path.parent.mkdir(parents=True)
    mask = np.zeros((50, 40), np.uint8)
    mask[:25] = 9
    Image.fromarray(mask).save(path)
    with ready.catalog() as catalog:
        names = {"name": "small", "regions": {"9": "vehicle", "7": "sky"}, "unlabelled": [0]}
        catalog.set_fact("segmenter-1", json.dumps(names))
        for photo in list(catalog.photos(place="b"))[1::2]:
            catalog.update(photo.photo_id, mask="masks/segmenter-1/ab/ab.png")
    lay_split(ready, CONFIG)
    found = region_shares(ready, CONFIG)
    assert set(found.masks_from) == {"user", "segmenter: small"}
    vehicle = found.places["b"]["vehicle"]
    assert (vehicle["area_share"], vehicle["low"], vehicle["high"]) == (0.5, 0.5, 0.5)
    assert found.places["b"]["front"]["area_share"] == pytest.approx(1)
    assert found.places["a"]["vehicle"]["area_share"] is None


def test_no_regions_no_shares(ready):
    found = region_shares(ready, replace(CONFIG, regions=RegionsConfig(source="none")))
    assert (found.photos, found.places, found.without) == (0, {"a": {}, "b": {}}, {"none": 90})
