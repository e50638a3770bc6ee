import json
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from machinami.catalog import Photo
from machinami.config import Config, RegionsConfig
from machinami.errors import WeightsError
from machinami.explain.inputs import segment_inputs
from machinami.explain.segmenting import segment_photos
from machinami.explain.street_regions import region_numbers
from tests.segformer import save_segformer

CONFIG = Config(regions=RegionsConfig(source="segmenter", model="small", size_px=64))


@pytest.fixture
def ready(project):
    """Nine photos of two sizes, one of them with the user's mask; and a small SegFormer."""
    rng = np.random.default_rng(0)
    project.photos.mkdir()
    project.masks.mkdir()
    with project.catalog() as catalog:
        for number in range(9):
            shape = (70, 96) if number % 2 else (96, 70)
            file = f"photos/{number}.png"
            Image.fromarray(rng.integers(0, 256, (*shape, 3), dtype=np.uint8)).save(project.root / file)
            catalog.add(
                Photo(source="folder", source_id=file, state="fetched", place="ab"[number % 2], file=file,
                      width=shape[1], height=shape[0], sha256=f"{number:02d}" + "e" * 62)
            )  # fmt: skip
        Image.fromarray(np.ones((96, 70), np.uint8)).save(project.masks / "1.png")
        catalog.update(1, mask="masks/1.png", mask_sha256="theirs")
    save_segformer(project.root / "small")
    return project


def rows(project):
    with project.catalog() as catalog:
        return {photo.photo_id: (photo.mask, photo.mask_sha256) for photo in catalog.photos()}


def stamps(project):
    """Finished masks; those half written have names that begin with a dot."""
    return {path: path.stat().st_mtime_ns for path in project.masks.rglob("[!.]*.png")}


def test_every_photo_without_a_mask_gets_one(ready):
    before = (ready.masks / "1.png").read_bytes()
    report = segment_photos(ready, CONFIG, device="cpu")
    assert (report.segmenter, report.made, report.there, report.own) == ("small", 8, 0, 1)
    assert (report.unknown, report.unreadable) == ((), ())
    found = rows(ready)
    assert found[1] == ("masks/1.png", "theirs")
    assert (ready.masks / "1.png").read_bytes() == before
    for photo_id in range(2, 10):
        mask = np.array(Image.open(ready.path_of(found[photo_id][0])))
        assert mask.dtype == np.uint8
        assert mask.shape == ((64, 88) if photo_id % 2 == 0 else (88, 64))
        assert mask.max() <= max(region_numbers())
    folder = found[2][0].split("/")[1]
    with ready.catalog() as catalog:
        facts = json.loads(catalog.fact(folder))
    assert (facts["name"], facts["size_px"]) == ("small", 64)
    assert ready.last_done("masks")["made"] == 8


def test_a_rerun_makes_only_what_is_missing(ready):
    segment_photos(ready, CONFIG, device="cpu")
    before, found = stamps(ready), rows(ready)
    lost = ready.path_of(found[4][0])
    lost.unlink()
    report = segment_photos(ready, CONFIG, device="cpu")
    assert (report.made, report.there) == (1, 7)
    after = stamps(ready)
    assert {path for path in after if after[path] != before[path]} == {lost}
    assert rows(ready) == found


def test_another_segmenter_makes_all_again_and_the_old_masks_go(ready):
    segment_photos(ready, CONFIG, device="cpu")
    first = rows(ready)[2][0].split("/")[1]
    with ready.catalog() as catalog:
        catalog.update(9, state="rejected", rejected_by="user")
    other = replace(CONFIG, regions=replace(CONFIG.regions, size_px=96))
    assert segment_photos(ready, other, device="cpu").made == 7
    folders = [path.name for path in ready.masks.iterdir() if path.is_dir()]
    assert len(folders) == 1
    assert folders != [first]
    assert rows(ready)[9] == (None, None)
    assert rows(ready)[1] == ("masks/1.png", "theirs")
    with ready.catalog() as catalog:
        assert list(catalog.facts("segmenter-")) == folders


def test_masks_that_a_killed_run_had_written_are_taken(ready):
    segment_photos(ready, CONFIG, device="cpu")
    found, before = rows(ready), stamps(ready)
    with ready.catalog() as catalog:
        for photo_id in (3, 4):
            catalog.update(photo_id, mask=None, mask_sha256=None)
    segment_photos(ready, CONFIG, device="cpu")
    assert (rows(ready), stamps(ready)) == (found, before)


def test_a_photo_that_cannot_be_read_is_reported_and_the_rest_done(ready):
    (ready.photos / "4.png").write_bytes(b"broken")
    report = segment_photos(ready, CONFIG, device="cpu")
    assert report.made == 7
    assert [file for file, _ in report.unreadable] == ["photos/4.png"]
    assert rows(ready)[5] == (None, None)


def test_without_the_model_nothing_changes(ready):
    before = rows(ready)
    with pytest.raises(WeightsError):
        segment_photos(ready, replace(CONFIG, regions=RegionsConfig(model="./gone")), device="cpu")
    assert rows(ready) == before


def test_the_digest_follows_settings_photos_and_the_model(ready):
    before = segment_inputs(ready, CONFIG)
    segment_photos(ready, CONFIG, device="cpu")
    assert segment_inputs(ready, CONFIG) == before
    assert segment_inputs(ready, replace(CONFIG, regions=replace(CONFIG.regions, size_px=96))) != before
    with ready.catalog() as catalog:
        catalog.add(Photo(source="folder", source_id="new", state="fetched", place="a", sha256="f" * 64))
    assert segment_inputs(ready, CONFIG) != before


@pytest.mark.slow
def test_a_killed_run_is_gone_on_with(ready):
    with ready.catalog() as catalog:
        for number in range(10, 120):
            file = f"photos/{number % 9}.png"
            catalog.add(Photo(source="folder", source_id=str(number), state="fetched", place="a", file=file,
                              sha256=f"{number:03d}" + "a" * 61))  # fmt: skip
    ready.config_file.write_text('[regions]\nmodel = "small"\nsize_px = 64\n')
    code = (
        "import sys; from machinami.project import Project; from machinami.explain.segmenting import segment_photos\n"
        "project = Project.open(sys.argv[1]); segment_photos(project, project.config(), device='cpu')"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(ready.root)])
    deadline = time.monotonic() + 120
    while len(stamps(ready)) < 12 and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = stamps(ready)
    assert 12 <= len(before) < 119
    for path in before:
        assert np.array(Image.open(path)).ndim == 2
    report = segment_photos(ready, CONFIG, device="cpu")
    after = stamps(ready)
    assert len(after) == 119
    assert all(after[path] == stamp for path, stamp in before.items())
    assert report.made + report.there == 118
    assert not list(ready.masks.rglob(".*"))
