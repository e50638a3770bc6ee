import numpy as np
import pytest

from machinami.catalog import Photo
from machinami.config import Config
from machinami.errors import InputError
from machinami.evaluate.matching import balanced_rows, matched_figures


def test_each_value_comes_equally_often_in_every_place_and_the_unknown_not_at_all():
    values = ["x"] * 9 + ["unknown"] * 5 + ["x"] * 3 + ["y"] * 4
    labels = np.repeat([0, 1], [14, 7])
    rows = balanced_rows(values, labels, places=2, seed=0)
    assert [(labels[rows] == place).sum() for place in (0, 1)] == [3, 3]
    assert {values[row] for row in rows} == {"x"}
    assert (np.diff(rows) > 0).all()
    assert (rows == balanced_rows(values, labels, places=2, seed=0)).all()


def matched(cameras, *, column="camera"):
    labels = np.arange(len(cameras)) % 2
    photos = [
        Photo(source="folder", source_id=str(row), photo_id=row, camera_model=camera, captured_at="2020")
        for row, camera in enumerate(cameras)
    ]
    said = np.where([camera == "old" for camera in cameras], 1 - labels, labels)
    blocks = [f"{label}/{row // 4}" for row, label in enumerate(labels)]
    return matched_figures(column, photos, labels, said, blocks, places=("a", "b"), config=Config())


def test_the_figures_are_those_of_the_balanced_subset():
    cameras = ["new"] * 40 + ["old", None] * 10  # the old one is known in place a alone
    found = matched(cameras)
    assert found["column"] == "camera"
    assert found["photos"] == 40
    assert found["dropped"] == 20
    assert found["values"] == 1
    assert found["accuracy"]["value"] == 1
    assert found["balanced_accuracy"]["low"] < 1


def test_places_that_share_no_value_cannot_be_matched():
    with pytest.raises(InputError, match="nothing to match by"):
        matched(["x", "y"] * 20)
