from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from machinami.errors import NotReady, ProjectError
from machinami.evaluate.predictions import Predictions, read_predictions, write_predictions


def some(count, *, first=1, seed=0):
    chances = np.random.default_rng(seed).dirichlet(np.ones(2), count).astype(np.float32)
    return Predictions(
        places=("machida", "中央"),
        photo_id=np.arange(first, first + count),
        place=["machida" if row % 2 else "中央" for row in range(count)],
        probabilities=chances,
        split=["test"] * count,
        block=[f"machida/{row // 10:04d}" for row in range(count)],
    )


def assert_same(a, b):
    for field in fields(Predictions):
        left, right = getattr(a, field.name), getattr(b, field.name)
        assert np.array_equal(left, right), field.name


def test_what_is_written_can_be_read(tmp_path):
    assert write_predictions(tmp_path / "predictions", [some(30)]) == 30
    assert_same(read_predictions(tmp_path / "predictions"), some(30))


def test_the_columns_are_the_promised_ones(tmp_path):
    write_predictions(tmp_path / "predictions", [some(3)])
    table = pq.read_table(tmp_path / "predictions" / "part-00000.parquet")
    assert table.column_names == ["photo_id", "place", "predicted", "p_machida", "p_中央", "split", "block"]
    assert table.schema.field("photo_id").type == pa.int64()
    assert table.schema.field("p_machida").type == pa.float32()
    likeliest = np.array(["machida", "中央"])[some(3).probabilities.argmax(axis=1)]
    assert table["predicted"].to_pylist() == likeliest.tolist()


def test_parts_are_bounded_and_old_ones_go(tmp_path):
    folder = tmp_path / "predictions"
    assert write_predictions(folder, [some(25), some(7, first=100)], part_rows=10) == 32
    assert [pq.read_metadata(part).num_rows for part in sorted(folder.iterdir())] == [10, 10, 5, 7]
    assert read_predictions(folder).photo_id.tolist() == [*range(1, 26), *range(100, 107)]
    write_predictions(folder, [some(4)], part_rows=10)
    assert [path.name for path in folder.iterdir()] == ["part-00000.parquet"]
    assert [path.name for path in tmp_path.iterdir()] == ["predictions"]


def test_a_failure_on_the_way_leaves_what_was_there(tmp_path):
    folder = tmp_path / "predictions"
    write_predictions(folder, [some(5)])

    def broken():
        yield some(9)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_predictions(folder, broken())
    assert_same(read_predictions(folder), some(5))
    assert [path.name for path in tmp_path.iterdir()] == ["predictions"]


def test_a_failure_in_the_last_step_leaves_what_was_there(tmp_path, monkeypatch):
    folder = tmp_path / "predictions"
    write_predictions(folder, [some(5)])
    rename = Path.replace

    def refuse(path, target):
        if path.suffix == ".part":
            raise OSError("no")
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="no"):
        write_predictions(folder, [some(9)])
    assert_same(read_predictions(folder), some(5))


def test_what_a_killed_run_had_set_aside_comes_back(tmp_path):
    folder = tmp_path / "predictions"
    write_predictions(folder, [some(5)])
    folder.replace(tmp_path / ".predictions-abc.old")  # killed between the two renames

    def broken():
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        write_predictions(folder, broken())
    assert_same(read_predictions(folder), some(5))


def test_one_subset_can_be_read(tmp_path):
    rows = replace(some(6), split=["test", "train"] * 3)
    write_predictions(tmp_path / "predictions", [rows], part_rows=4)
    assert read_predictions(tmp_path / "predictions", split="test").photo_id.tolist() == [1, 3, 5]


def test_a_changed_byte_is_found(tmp_path):
    write_predictions(tmp_path / "predictions", [some(300)])
    part = tmp_path / "predictions" / "part-00000.parquet"
    data = bytearray(part.read_bytes())
    at = data.index(some(300).probabilities[100].tobytes()[:4])
    data[at] ^= 1
    part.write_bytes(data)
    with pytest.raises(ProjectError, match="is damaged"):
        read_predictions(tmp_path / "predictions")


def test_leftovers_of_a_killed_run_are_cleared_away(tmp_path):
    (tmp_path / ".predictions-abc.part").mkdir()
    write_predictions(tmp_path / "predictions", [some(2)])
    assert [path.name for path in tmp_path.iterdir()] == ["predictions"]


def test_none_yet_and_damaged_ones_are_told_apart(tmp_path):
    folder = tmp_path / "predictions"
    with pytest.raises(NotReady, match="machinami evaluate"):
        read_predictions(folder)
    write_predictions(folder, [some(3)])
    part = folder / "part-00000.parquet"
    part.write_bytes(part.read_bytes()[:40])
    with pytest.raises(ProjectError, match="is damaged"):
        read_predictions(folder)
    pq.write_table(pa.table({"photo_id": [1]}), part)
    with pytest.raises(ProjectError, match="is damaged"):
        read_predictions(folder)
