import pytest

from machinami.collect.arrivals import Arrivals
from machinami.config_file import MAX_VIEWS


def test_bytes_outlive_the_run_and_find_their_rows(tmp_path):
    arrivals = Arrivals(tmp_path / ".arrived")
    assert list(arrivals.leftovers()) == []
    arrivals.keep((12,), b"one")
    arrivals.keep((13, 14), b"two")
    assert list(Arrivals(tmp_path / ".arrived").leftovers()) == [(12,), (13, 14)]
    arrivals.give((12,), tmp_path / "photos" / "a.jpg")
    assert (tmp_path / "photos" / "a.jpg").read_bytes() == b"one"
    arrivals.clear((12,))
    assert (tmp_path / "photos" / "a.jpg").read_bytes() == b"one"
    assert list(arrivals.leftovers()) == [(13, 14)]


def test_as_many_views_as_may_be_asked_for_have_a_name(tmp_path):
    rows = tuple(range(9_999_999_999 - MAX_VIEWS, 9_999_999_999))
    arrivals = Arrivals(tmp_path / ".arrived")
    arrivals.keep(rows, b"sphere")
    assert list(arrivals.leftovers()) == [rows]


def test_what_is_half_written_goes(tmp_path):
    arrivals = Arrivals(tmp_path / ".arrived")
    arrivals.keep((1,), b"whole")
    (arrivals.folder / ".2-abc.part").write_bytes(b"ha")
    assert list(arrivals.leftovers()) == [(1,)]
    assert [path.name for path in arrivals.folder.iterdir()] == ["1"]


def test_a_file_system_without_links_gets_a_copy(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr("machinami.collect.arrivals.os.link", refuse)
    arrivals = Arrivals(tmp_path / ".arrived")
    arrivals.keep((1,), b"whole")
    arrivals.give((1,), tmp_path / "a.jpg")
    assert (tmp_path / "a.jpg").read_bytes() == b"whole"


def test_bytes_that_are_flushed_are_not_written_again(tmp_path, monkeypatch):
    arrivals = Arrivals(tmp_path / ".arrived")
    kept = arrivals.keep((1,), b"whole")
    monkeypatch.setattr("machinami.files.os.fsync", lambda _: pytest.fail("a second flush"))
    arrivals.give((1,), tmp_path / "photos" / "a.jpg")
    assert (tmp_path / "photos" / "a.jpg").samefile(kept)
    arrivals.give((1,), tmp_path / "photos" / "a.jpg")  # a run that was stopped does it again
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["a.jpg"]
