"""Real photos whose cameras and dates are known to go with their places."""

from dataclasses import replace

import numpy as np
import pytest

from machinami.collect.importing import import_photos
from machinami.config import EvaluateConfig, PlaceConfig
from machinami.config_file import render_config
from machinami.evaluate.simpler import simpler_figures
from machinami.project import Project
from machinami.split import lay_split
from machinami.train.photos import read_learning, read_rest
from tests.shared_data import SHARED_DATA

PHOTOS = SHARED_DATA / "labelmefacade" / "photos"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PHOTOS.is_dir(), reason=f"no photos in {PHOTOS}"),
]


@pytest.fixture(scope="module")
def simpler_of(tmp_path_factory):
    """Gives the baselines and confounds of two places, beside a network that is right nineteen times in twenty."""

    def find(*places, leave_out=()):
        root = tmp_path_factory.mktemp("project")
        chosen = root / "photos"
        chosen.mkdir()
        for place in places:
            (chosen / place).symlink_to(PHOTOS / place)
        (root / "project").mkdir()
        asked = render_config(tuple(PlaceConfig(key=place) for place in places), {})
        (root / "project" / "machinami.toml").write_text(asked, encoding="utf-8")
        project = Project.open(root / "project")
        config = replace(project.config(), evaluate=EvaluateConfig(draws=300, leave_out=leave_out))
        import_photos(project, config, chosen)
        split = lay_split(project, config)
        photos = read_learning(project, config, split) + read_rest(project, config, split)
        block_of, test = split.block_of(), photos.rows("test")
        network = photos.labels(places)[test].copy()
        network[::20] = 1 - network[::20]
        blocks = [block_of[photo_id] for photo_id in photos.photo_ids()]
        return simpler_figures(photos, network, blocks, places=places, config=config)

    return find


def verdicts(simpler):
    return {row["column"]: row["verdict"] for row in simpler.confounds}


def test_boston_against_mallorca_is_confounded_by_the_camera(simpler_of):
    found = simpler_of("boston", "mallorca")
    print(found.baselines)  # noqa: T201
    assert found.metadata_near
    assert verdicts(found)["camera"] == "confounded"
    assert found.baselines["balanced_accuracy"]["metadata"] > 0.9


def test_mallorca_against_cambridge_is_confounded_by_the_month_and_by_no_camera(simpler_of):
    found = simpler_of("mallorca", "cambridge-uk")
    assert found.metadata_near
    assert verdicts(found)["month"] == "confounded"
    assert verdicts(found).get("camera", "none") == "none"


def test_mallorca_against_cambridge_is_clean_without_the_dates(simpler_of):
    found = simpler_of("mallorca", "cambridge-uk", leave_out=("year", "month", "hour"))
    print(found.baselines)  # noqa: T201
    assert not found.metadata_near
    assert "confounded" not in verdicts(found).values()
    assert not set(found.baselines["metadata"]["columns"]) & {"year", "month", "hour"}
    assert np.isfinite(found.baselines["colour"])
