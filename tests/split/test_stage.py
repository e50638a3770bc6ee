import csv
import json

import pytest

from machinami.catalog import Photo
from machinami.config import Config, PlaceConfig, SplitConfig
from machinami.errors import NotReady, ProjectError, SplitError
from machinami.project import Project
from machinami.split import SplitPhoto, lay_split, read_split, split_inputs, split_photos
from tests.shared_data import SHARED_DATA

LABELMEFACADE = SHARED_DATA / "labelmefacade" / "photos.csv"


class Listener:
    def __init__(self):
        self.said = []

    def track(self, items, *, total, label, unit="photos"):
        return iter(items)

    def say(self, text):
        self.said.append(text)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "machinami.toml").write_text("seed = 0\n")
    project = Project.open(tmp_path)
    with project.catalog() as catalog, catalog.transaction():
        for place in ("a", "b"):
            for number in range(90):
                name = f"{place}/img_{number:04d}.jpg"
                catalog.add(Photo(source="folder", source_id=name, state="fetched", place=place))
        catalog.add(Photo(source="folder", source_id="c/1.jpg", state="fetched", place="c"))
        catalog.add(Photo(source="folder", source_id="a/bad.jpg", state="rejected", place="a"))
    return project


CONFIG = Config(places=(PlaceConfig(key="a"), PlaceConfig(key="b")))


def test_the_stage_writes_what_can_be_read_back(project):
    listener = Listener()
    split = lay_split(project, CONFIG, progress=listener)
    assert read_split(project) == split
    assert len(split.subset_of()) == 180
    assert project.last_done("split")["split_digest"] == split.digest
    assert project.last_done("split")["inputs"] == split_inputs(project, CONFIG)
    assert any("1 kept photos belong to none" in text for text in listener.said)
    assert any("no buffer lies between" in text for text in listener.said)


def test_the_same_photos_give_the_same_file(project):
    lay_split(project, CONFIG)
    first = project.split_file.read_bytes()
    lay_split(project, CONFIG)
    assert project.split_file.read_bytes() == first


def test_the_inputs_change_with_what_matters_and_with_nothing_else(project):
    before = split_inputs(project, CONFIG)
    with project.catalog() as catalog:
        catalog.update(1, heading_deg=90.0)
    assert split_inputs(project, CONFIG) == before
    with project.catalog() as catalog:
        catalog.update(1, state="rejected", reason="dark")
    assert split_inputs(project, CONFIG) != before
    for change in (
        {"near_group": 2}, {"panorama": "p"}, {"creator": "kay"}, {"captured_at": "2024"}, {"sequence": "s"},
        {"lat": 1.0},
    ):  # fmt: skip
        now = split_inputs(project, CONFIG)
        with project.catalog() as catalog:
            catalog.update(2, **change)
        assert split_inputs(project, CONFIG) != now, change
    other = Config(places=CONFIG.places, split=SplitConfig(fold=1))
    assert split_inputs(project, other) != split_inputs(project, CONFIG)


def test_split_json_has_the_promised_fields(project):
    lay_split(project, CONFIG)
    found = json.loads(project.split_file.read_text())
    promised = (
        "format digest seed strategy block_m buffer_m run_photos folds fold branded blocks dropped counts "
        "test_to_train_m near_duplicates_across cut_chains"
    )
    assert set(promised.split()) <= set(found)
    assert set(found["blocks"][0]) == {"block", "place", "fold", "subset", "photos", "lat", "lon", "corners"}
    assert found["counts"]["a"]["test"].keys() == {"photos", "blocks"}
    assert found["test_to_train_m"] is None


def test_no_split_yet_names_the_command(project):
    with pytest.raises(NotReady, match="machinami split"):
        read_split(project)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:200],
        lambda text: "[]",
        lambda text: text.replace('"train"', '"test"'),
        lambda text: text.replace('"format": 1', '"format": 2'),
        lambda text: text.replace('"digest"', '"diggest"'),
    ],
)
def test_a_damaged_split_is_a_project_error(project, damage):
    lay_split(project, CONFIG)
    project.split_file.write_text(damage(project.split_file.read_text()))
    with pytest.raises(ProjectError, match="is damaged"):
        read_split(project)


def test_a_place_without_photos_is_named(project):
    config = Config(places=(*CONFIG.places, PlaceConfig(key="nowhere")))
    with pytest.raises(SplitError, match="no kept photos of nowhere"):
        lay_split(project, config)
    assert not project.split_file.exists()


def test_an_empty_catalogue_is_not_ready(tmp_path):
    (tmp_path / "machinami.toml").write_text("")
    with pytest.raises(NotReady, match="machinami import"):
        lay_split(Project.open(tmp_path), CONFIG)


@pytest.mark.skipif(not LABELMEFACADE.exists(), reason=f"{LABELMEFACADE} is not here")
@pytest.mark.parametrize("fold", range(5))
def test_real_names_fill_every_fold_with_every_place(fold):
    with LABELMEFACADE.open() as file:
        rows = list(csv.DictReader(file))
    photos = [SplitPhoto(photo_id=i, place=row["place"], name=row["file"]) for i, row in enumerate(rows, start=1)]
    split = split_photos(photos, SplitConfig(fold=fold), seed=0)
    assert set(split.report.counts) == {"boston", "mallorca", "cambridge-uk", "barcelona", "coruna"}
    for subsets in split.report.counts.values():
        assert all(count.photos >= 5 for count in subsets.values())
    assert all(len(block.photos) <= 15 for block in split.blocks)
