import numpy as np
import pytest

from machinami.errors import ProjectError
from machinami.explain.heatmap_files import HeatmapBatch, read_heatmaps, write_heatmaps


def batch(start, count, *, seed=0):
    rng = np.random.default_rng(seed)
    return HeatmapBatch(
        photo_id=np.arange(start, start + count),
        places=("machida", "中央"),
        maps=rng.normal(size=(count, 2, 7, 7)).astype(np.float32),
        completeness=rng.uniform(size=count).astype(np.float32),
        logits=rng.normal(size=(count, 2)).astype(np.float32),
    )


def joined(batches, name):
    return np.concatenate([getattr(b, name) for b in batches])


@pytest.mark.parametrize("each", [1, 4, 5, 7, 100])
def test_what_is_written_is_read(tmp_path, each):
    given = [batch(0, 5), batch(5, 5, seed=1), batch(10, 3, seed=2)]
    parts = write_heatmaps(tmp_path / "heatmaps", given, part_bytes=each * 2 * 49 * 2)
    found = list(read_heatmaps(tmp_path / "heatmaps"))
    assert len(found) == parts == -(-13 // each)
    assert all(len(part.photo_id) <= each for part in found)
    for name in ("photo_id", "completeness", "logits"):
        np.testing.assert_array_equal(joined(found, name), joined(given, name))
    np.testing.assert_allclose(joined(found, "maps"), joined(given, "maps"), rtol=1e-3, atol=1e-6)
    assert found[0].places == ("machida", "中央")
    assert found[0].maps.dtype == np.float16
    assert found[0].photo_id.dtype == np.int64


def test_older_parts_go_and_a_failure_leaves_them(tmp_path):
    folder = tmp_path / "heatmaps"
    write_heatmaps(folder, [batch(0, 9)], part_bytes=3 * 196)

    def stops():
        yield batch(0, 1)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_heatmaps(folder, stops())
    assert len(list(folder.glob("*"))) == 3
    write_heatmaps(folder, [batch(20, 2)])
    assert [path.name for path in folder.iterdir()] == ["part-00000.npz"]
    assert [path.name for path in tmp_path.iterdir()] == ["heatmaps"]


def test_a_damaged_part_says_what_to_do(tmp_path):
    write_heatmaps(tmp_path, [batch(0, 2)])
    path = tmp_path / "part-00000.npz"
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ProjectError, match="machinami explain"):
        list(read_heatmaps(tmp_path))
    np.savez(path, photo_id=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ProjectError, match="machinami explain"):
        list(read_heatmaps(tmp_path))
