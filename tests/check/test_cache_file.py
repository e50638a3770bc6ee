import pytest

from machinami.check.cache_file import CacheFile


class Numbers(CacheFile):
    TABLES = "CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, value INTEGER)"


class LaterNumbers(Numbers):
    FORMAT = 2


def number(file, name="one"):
    return file.first("SELECT value FROM numbers WHERE name = ?", name)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "numbers.sqlite"
    with Numbers(path) as file:
        file.keep("INSERT INTO numbers VALUES (?, ?)", [(f"n{n}", n) for n in range(5_000)] + [("one", 1)])
    return path


def test_rows_stay_and_those_of_another_format_do_not(path):
    with Numbers(path) as file:
        assert number(file) == (1,)
        assert number(file, "two") is None
    with LaterNumbers(path) as file:
        assert number(file) is None


def overwritten(first, count):
    def spoil(path):
        spoilt = bytearray(path.read_bytes())
        spoilt[first : first + count] = b"\xff" * count
        path.write_bytes(spoilt)

    return spoil


def as_folder(path):
    path.unlink()
    path.mkdir()


SPOILT = [
    lambda path: path.write_bytes(b"no database" * 999), lambda path: path.write_bytes(path.read_bytes()[:5_000]),
    overwritten(40, 4_000), overwritten(4_096, 60_000), overwritten(100, 200), as_folder,
]  # fmt: skip


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_damaged_file_is_begun_anew_and_takes_rows_again(path, spoil):
    spoil(path)
    with Numbers(path) as file:
        for name in ("one", "n17", "n4999"):
            number(file, name)  # wherever the damage is met
        file.keep("INSERT OR REPLACE INTO numbers VALUES (?, ?)", [("one", 2)])
        assert number(file) == (2,)
    with Numbers(path) as file:
        assert number(file) == (2,)
