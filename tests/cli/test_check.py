import json

import numpy as np
import pytest
from PIL import Image

from machinami.cli.main import run
from machinami.collect.importing import import_photos


@pytest.fixture
def doubled(project, tmp_path):
    """A project of two photos that are the same, checked: the second bears a mark."""
    (tmp_path / "photos/a").mkdir(parents=True)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8))
    for name in ("1.png", "2.png"):
        picture.save(tmp_path / "photos/a" / name)
    import_photos(project, project.config(), tmp_path / "photos")
    assert run(["check", str(project.root), "-q"]) == 0
    return str(project.root)


def test_marks_taken_back_are_counted(doubled, capsys):
    capsys.readouterr()
    assert run(["check", doubled, "--restore", "2", "--restore", "1", "-q"]) == 0
    assert "1 mark was taken back" in capsys.readouterr().out
    assert run(["check", doubled, "-q", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["restored"] == 0


def test_nothing_to_take_back_is_an_error(doubled, capsys):
    assert run(["check", doubled, "--restore", "1", "-q"]) == 6
    assert "none of photos 1 bears one" in capsys.readouterr().err


def test_the_table_has_a_row_a_reason_and_a_column_a_place(doubled, capsys):
    capsys.readouterr()
    assert run(["check", doubled, "-q"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["reason", "a", "all"],
        ["kept", "1", "1"],
        ["exact-duplicate", "1", "1"],
    ]
    assert lines[-1].endswith("rejected.html")
    assert run(["check", doubled, "-q", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["marked_by_place"] == {"a": {"exact-duplicate": 1}}
    assert told["notes"] == []
