"""Photos whose truth is known: a camera that was planted is called a confound, one that was not is not."""

from dataclasses import replace

import numpy as np
import pytest

from machinami.catalog import Photo
from machinami.check import check_photos
from machinami.collect.made import collect_town
from machinami.config import Config, EvaluateConfig
from machinami.evaluate.simpler import simpler_figures
from machinami.images.cache import PixelCache, Stacked
from machinami.project import Project
from machinami.split import lay_split
from machinami.train.photos import SplitPixels, read_learning, read_rest

CONFIG = Config(evaluate=EvaluateConfig(draws=200))
TOWN = """\
seed = {seed}

[[places]]
key = "a"

[[places]]
key = "b"

[source]
kind = "town"

[sampling]
per_place = 300

[town]
size_px = 32
decoy = "{decoy}"

[check]
min_side_px = 16

[train]
image_size = 32
whole_size = 32
"""


def drives(rng, *, planted, blocks):
    """Photos of drives in five folds, a drive a block: one camera, day and street each; with the names of blocks.

    `planted`: share of the drives whose camera is that of their place.
    """
    photos, subsets, names = [], [], []
    for block in range(blocks):
        place = block % 2
        camera = "XY"[place] if rng.random() < planted else "XYZ"[rng.integers(3)]
        day = f"{rng.integers(2015, 2020)}-{rng.integers(1, 13):02d}-{rng.integers(1, 29):02d}"
        hour, street_deg = rng.integers(7, 18), rng.uniform(0, 360)
        for _ in range(rng.integers(4, 16)):
            number = len(photos) + 1
            photos.append(
                Photo(
                    photo_id=number,
                    source="made",
                    source_id=str(number),
                    place="ab"[place],
                    camera_model=camera,
                    captured_at=f"{day}T{hour:02d}:00:00Z",
                    captured_precision="second",
                    heading_deg=float(street_deg + rng.choice([0, 180])) % 360,
                    sequence=f"drive {block}",
                )
            )
            subsets.append(("test", "validation", "train", "train", "train")[block // 2 % 5])
            names.append(f"block {block}")
    squares = rng.integers(0, 256, (len(photos), 8, 8, 3)).astype(np.uint8)
    pixels = PixelCache(Stacked((squares,)), ("made",))
    return SplitPixels(photos=tuple(photos), subsets=tuple(subsets), pixels=pixels), names


def judged(seed, *, planted, blocks=60, config=CONFIG):
    """The baselines beside a network that is right in 88 of 100, some blocks being harder than others."""
    rng = np.random.default_rng(seed)
    photos, names = drives(rng, planted=planted, blocks=blocks)
    test = photos.rows("test")
    skill = {name: rng.beta(7, 1) for name in dict.fromkeys(names)}
    right = rng.random(len(test)) < [skill[names[row]] for row in test]
    labels = photos.labels("ab")[test]
    return simpler_figures(photos, np.where(right, labels, 1 - labels), names, places=("a", "b"), config=config)


def verdicts(simpler):
    return {row["column"]: row["verdict"] for row in simpler.confounds}


@pytest.mark.parametrize("planted", [1.0, 0.0])
def test_a_fitted_baseline_finds_a_planted_camera_and_no_other(planted):
    for seed in range(2):
        found = judged(seed, planted=planted)
        assert found.metadata_near == (planted > 0)
        assert (verdicts(found)["camera"] == "confounded") == (planted > 0)


@pytest.mark.slow
def test_a_planted_camera_is_called_confounded_and_an_unplanted_one_is_not_in_a_hundred_towns():
    """All of it: columns, fits on training blocks, answers to twelve test blocks; one drive in twenty goes its own way.

    Where such a drive is in the test, metadata reads less than the network, and rightly it is not called near.
    """
    rates = {}
    for planted in (0.95, 0.0):
        found = [judged(seed, planted=planted) for seed in range(100)]
        rates[planted] = sum(one.metadata_near for one in found)
        camera = sum(verdicts(one)["camera"] == "confounded" for one in found)
        print(f"planted in {planted:.0%}: figure confounded {rates[planted]}, camera {camera} of 100")  # noqa: T201
        assert camera >= 95 if planted else camera <= 5
    assert rates[0.95] >= 85
    assert rates[0.0] <= 5


def test_what_was_left_out_is_said_and_tells_nothing():
    left_out = replace(CONFIG, evaluate=EvaluateConfig(draws=200, leave_out=("camera", "month")))
    found = judged(0, planted=1.0, config=left_out)
    assert not found.metadata_near
    assert found.baselines["metadata"]["left_out"] == ["camera", "month"]
    assert not {"camera", "month"} & set(found.baselines["metadata"]["columns"])


@pytest.mark.slow
@pytest.mark.parametrize("decoy", ["none", "camera"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_made_town_is_confounded_where_its_camera_is_a_decoy_and_only_there(tmp_path, decoy, seed):
    """The network stands aside: its answers are right nineteen times in twenty."""
    (tmp_path / "machinami.toml").write_text(TOWN.format(seed=seed, decoy=decoy))
    project = Project.open(tmp_path)
    config = project.config()
    collect_town(project, config)
    check_photos(project, config)
    split = lay_split(project, config)
    photos = read_learning(project, config, split) + read_rest(project, config, split)
    answers = photos.labels("ab")[photos.rows("test")].copy()
    answers[::20] = 1 - answers[::20]
    block_of = split.block_of()
    blocks = [block_of[photo_id] for photo_id in photos.photo_ids()]
    found = simpler_figures(photos, answers, blocks, places=("a", "b"), config=config)
    assert found.metadata_near == (decoy == "camera")
    assert (verdicts(found)["camera"] == "confounded") == (decoy == "camera")
    assert "confounded" not in {verdict for column, verdict in verdicts(found).items() if column != "camera"}
