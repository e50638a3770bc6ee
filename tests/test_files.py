import hashlib
import json
import math
import multiprocessing
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machinami.files import (
    digest_file,
    digest_json,
    read_json,
    replacing,
    replacing_folder,
    write_bytes,
    write_json,
    write_text,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "deep" / "down" / "a.json"
    write_text(path, "before")
    with replacing(path) as aside:
        aside.write_text("after")
        assert path.read_text() == "before"
        assert aside.suffix == path.suffix
    assert path.read_text() == "after"
    assert names(path.parent) == ["a.json"]


def test_a_failure_leaves_the_former_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "before")
    with pytest.raises(ZeroDivisionError), replacing(path) as aside:
        aside.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "before"
    assert names(tmp_path) == ["a.txt"]


def test_ctrl_c_leaves_the_former_file_too(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(KeyboardInterrupt), replacing(path) as aside:
        aside.write_text("half")
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_a_200_character_name_works(tmp_path):
    path = tmp_path / ("町" * 60 + ".json")
    write_json(path, {"名": "町田"})
    assert read_json(path) == {"名": "町田"}


@pytest.mark.skipif(os.name != "posix", reason="modes are a matter of POSIX")
def test_files_are_as_readable_as_others(tmp_path):
    former = os.umask(0o022)
    try:
        write_text(tmp_path / "a", "x")
    finally:
        os.umask(former)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o644


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "model"
    with replacing_folder(path) as aside:
        (aside / "one").write_text("1")
    with replacing_folder(path) as aside:
        (aside / "sub").mkdir()
        (aside / "sub" / "two").write_text("2")
        assert names(path) == ["one"]
    assert names(path) == ["sub"]
    assert (path / "sub" / "two").read_text() == "2"
    assert names(tmp_path) == ["model"]


def test_a_failure_leaves_the_former_folder(tmp_path):
    path = tmp_path / "model"
    with replacing_folder(path) as aside:
        (aside / "one").write_text("1")
    with pytest.raises(KeyboardInterrupt), replacing_folder(path) as aside:
        (aside / "two").write_text("2")
        raise KeyboardInterrupt
    assert names(path) == ["one"]
    assert names(tmp_path) == ["model"]


def test_what_a_killed_process_left_goes_and_what_others_own_stays(tmp_path):
    (tmp_path / ".model-123.part").mkdir()
    (tmp_path / ".model-123.old").mkdir()
    (tmp_path / ".models-123.part").mkdir()
    with replacing_folder(tmp_path / "model") as aside:
        (aside / "one").touch()
    assert names(tmp_path) == [".models-123.part", "model"]


def test_a_folder_that_a_killed_process_had_moved_aside_comes_back(tmp_path):
    """Killed between the two renames, the only whole folder is the one that stepped aside."""
    (tmp_path / ".model-123.old").mkdir()
    (tmp_path / ".model-123.old" / "one").write_text("1")
    with pytest.raises(ZeroDivisionError), replacing_folder(tmp_path / "model"):
        raise ZeroDivisionError
    assert names(tmp_path) == ["model"]
    assert names(tmp_path / "model") == ["one"]


def write_often(path, mark):
    for _ in range(200):
        write_json(path, [mark] * 2000)


def test_readers_never_see_half_a_file(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, [0] * 2000)
    context = multiprocessing.get_context("fork" if os.name == "posix" else "spawn")
    writers = [context.Process(target=write_often, args=(path, mark)) for mark in (1, 2)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        value = read_json(path)
        assert len(value) == 2000
        assert len(set(value)) == 1
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert names(tmp_path) == ["a.json"]


def test_nan_is_refused(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"x": math.nan})
    assert names(tmp_path) == []


def test_the_digest_of_a_file_is_its_sha256(tmp_path):
    write_bytes(tmp_path / "a", b"abc" * 100_000)
    assert digest_file(tmp_path / "a") == hashlib.sha256(b"abc" * 100_000).hexdigest()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), JSON))
def test_a_digest_does_not_depend_on_the_order_of_keys(value):
    assert digest_json(value) == digest_json(dict(reversed(value.items())))


@given(JSON, JSON)
def test_different_values_have_different_digests(a, b):
    assert (digest_json(a) == digest_json(b)) == (json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True))
