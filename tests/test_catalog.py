import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machinami.catalog import MIGRATIONS, Catalog, Photo
from machinami.errors import ProjectError


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        yield catalog


def photo(name="a", **facts):
    return Photo(source="folder", source_id=name, **facts)


def test_a_row_comes_back_as_it_went_in(catalog):
    given = photo(
        "町田/ß #1.jpg", state="rejected", reason="too-small: 3 px", rejected_by="check", score=3.0, place="machida",
        lat=35.5, lon=139.25, heading_deg=271.5, captured_at="2014-07", captured_precision="month", camera_make="M",
        camera_model="X", sequence="s", creator="c", licence="l", attribution="a", page_url="p", width=3, height=4,
        sha256="00", pixels_sha256="11", file="photos/00.jpg", mask="masks/1.png", mask_sha256="22", grey_share=0.5,
        kept_by_user=1,
    )  # fmt: skip
    number = catalog.add(given)
    assert catalog.photo(number) == replace(given, photo_id=number)
    assert catalog.find("folder", "町田/ß #1.jpg") == replace(given, photo_id=number)


def test_one_row_for_each_source_and_id(catalog):
    assert catalog.add(photo()) == 1
    assert catalog.add(photo(place="other")) is None
    assert catalog.photo(1).place is None
    assert catalog.add(Photo(source="mapillary", source_id="a")) is not None


def test_a_photo_id_is_never_given_twice(catalog, tmp_path):
    first = catalog.add(photo())
    with sqlite3.connect(catalog.path) as other:
        other.execute("DELETE FROM photos")
    other.close()
    assert catalog.add(photo("b")) > first


@pytest.mark.parametrize("facts", [{"lat": 91.0}, {"lon": -181.0}, {"state": "lost"}, {"rejected_by": "me"}])
def test_what_cannot_be_is_refused(catalog, facts):
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        catalog.add(photo(**facts))


def test_updates_touch_one_row(catalog):
    catalog.add(photo("a"))
    catalog.add(photo("b"))
    catalog.update(1, place="x", state="fetched")
    assert [p.place for p in catalog.photos()] == ["x", None]
    assert [p.photo_id for p in catalog.photos(state="fetched", place="x")] == [1]
    with pytest.raises(KeyError, match="plaice"):
        catalog.update(1, plaice="x")


def test_ids_keep_their_order(catalog):
    for name in "abc":
        catalog.add(photo(name))
    assert [p.photo_id for p in catalog.photos(ids=[3, 1])] == [3, 1]
    with pytest.raises(KeyError):
        list(catalog.photos(ids=[4]))


def test_a_transaction_is_all_or_nothing(catalog):
    def add_two():
        with catalog.transaction():
            catalog.add(photo())
            catalog.add(photo("b", lat=91.0))

    with pytest.raises(sqlite3.IntegrityError):
        add_two()
    assert list(catalog.photos()) == []


def test_counts_leave_details_aside(catalog):
    for number, reason in enumerate(["exact-duplicate: 1", "exact-duplicate: 2", "no-position", None]):
        state = "rejected" if reason else "fetched"
        catalog.add(photo(str(number), state=state, reason=reason, place="x", rejected_by=reason and "check"))
    assert catalog.counts() == [
        ("x", "fetched", None, 1),
        ("x", "rejected", "exact-duplicate", 2),
        ("x", "rejected", "no-position", 1),
    ]
    assert catalog.marks("check") == {"exact-duplicate": 2, "no-position": 1}


def test_rows_of_the_same_pixels_come_together(catalog):
    for name, pixels in zip("abcde", ["2", "1", "2", None, "1"], strict=True):
        catalog.add(photo(name, pixels_sha256=pixels))
    assert [p.source_id for p in catalog.by_pixels()] == ["b", "e", "a", "c"]


def test_areas_and_facts(catalog):
    catalog.set_area("x", source="f", code=None, geojson="{}")
    catalog.set_area("x", source="g", code="1", geojson="[]")
    assert catalog.areas()["x"]["source"] == "g"
    assert catalog.fact("regions") is None
    catalog.set_fact("regions", "1")
    catalog.set_fact("regions", "2")
    assert catalog.fact("regions") == "2"


# --- rights and damage ---------------------------------------------------------------------------------------


@pytest.fixture
def locked(tmp_path):
    """Takes all writing rights from a catalogue and its folder, and from root its power over them."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    is_root = os.geteuid() == 0

    def lock():
        for path in [*folder.iterdir(), folder]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        if is_root:
            os.seteuid(65534)
        return folder / "catalog.sqlite"

    with Catalog(folder / "catalog.sqlite") as catalog:
        catalog.add(photo("a"))
    yield lock
    if is_root:
        os.seteuid(0)
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_catalogue_without_writing_rights_can_be_read(locked):
    path = locked()
    with Catalog(path) as catalog:
        assert [p.source_id for p in catalog.photos()] == ["a"]
    assert [file.name for file in path.parent.iterdir()] == ["catalog.sqlite"]
    with pytest.raises(ProjectError, match="readonly"), Catalog(path) as catalog:
        catalog.add(photo("b"))


def test_damaged_pages_are_told_wherever_they_are_read(tmp_path):
    path = tmp_path / "catalog.sqlite"
    with Catalog(path) as catalog, catalog.transaction():
        for number in range(2000):
            catalog.add(photo(str(number)))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :] = bytes(0x5A for _ in data[len(data) // 2 :])
    path.write_bytes(data)
    with pytest.raises(ProjectError, match=r"catalog\.sqlite: the catalogue cannot be read"), Catalog(path) as catalog:
        list(catalog.photos())
    with pytest.raises(ProjectError, match="cannot be read"), Catalog(path) as catalog, catalog.transaction():
        catalog.update(1, place="x")
        list(catalog.photos())


# --- digests -------------------------------------------------------------------------------------------------


def test_the_digest_sees_its_columns_and_states_alone(catalog):
    catalog.add(photo(state="fetched", place="x"))
    before = catalog.digest("photo_id", "place")
    catalog.update(1, camera_make="M")
    catalog.add(photo("b", state="failed"))
    assert catalog.digest("photo_id", "place") == before
    catalog.update(1, place="y")
    assert catalog.digest("photo_id", "place") != before
    assert catalog.digest("photo_id") != catalog.digest("photo_id", states=("fetched", "failed"))
    with pytest.raises(KeyError):
        catalog.digest("nothing")


def test_the_digest_is_the_same_in_another_catalogue(tmp_path):
    digests = set()
    for name in "ab":
        with Catalog(tmp_path / name) as catalog:
            catalog.add(photo(state="fetched", lat=35.1))
            digests.add(catalog.digest("photo_id", "lat", "place"))
    assert len(digests) == 1


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2, unique=True))
def test_texts_do_not_run_into_each_other(texts):
    digests = set()
    for pair in (texts, texts[::-1], ["".join(texts), ""]):
        with Catalog.__new__(Catalog) as catalog:
            catalog.path = ":memory:"
            catalog._db = sqlite3.connect(":memory:", isolation_level=None)
            catalog._db.row_factory = sqlite3.Row
            catalog._migrate()
            catalog.add(photo(state="fetched", creator=pair[0], licence=pair[1]))
            digests.add(catalog.digest("creator", "licence"))
    assert len(digests) == len({tuple(texts), tuple(texts[::-1]), ("".join(texts), "")})


# --- the file ------------------------------------------------------------------------------------------------


def test_a_newer_schema_is_refused(tmp_path):
    path = tmp_path / "catalog.sqlite"
    Catalog(path).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    with pytest.raises(ProjectError, match="newer Machinami"):
        Catalog(path)


def test_what_is_no_catalogue_is_refused(tmp_path):
    path = tmp_path / "catalog.sqlite"
    path.write_bytes(b"not a database, but long enough to look like one " * 50)
    with pytest.raises(ProjectError, match="cannot be opened"):
        Catalog(path)


def test_migrations_run_one_after_the_other_and_once(tmp_path, monkeypatch):
    path = tmp_path / "catalog.sqlite"
    with Catalog(path) as catalog:
        catalog.add(photo())
    monkeypatch.setattr("machinami.catalog.MIGRATIONS", (*MIGRATIONS, "ALTER TABLE areas ADD COLUMN note TEXT;"))
    for _ in range(2):
        with Catalog(path) as catalog:
            assert catalog.photo(1).source_id == "a"
            assert catalog._db.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS) + 1


def test_no_photo_id_comes_back_after_the_table_was_made_anew(tmp_path, monkeypatch):
    monkeypatch.setattr("machinami.catalog.MIGRATIONS", MIGRATIONS[:1])
    path = tmp_path / "catalog.sqlite"
    old = sqlite3.connect(path)
    for statement in MIGRATIONS[0].split(";"):
        old.execute(statement)
    for name in "abcde":
        old.execute("INSERT INTO photos (state, source, source_id) VALUES ('found', 'folder', ?)", [name])
    old.execute("DELETE FROM photos WHERE photo_id > 2")
    old.execute("PRAGMA user_version = 1")
    old.commit()
    old.close()
    monkeypatch.undo()
    with Catalog(path) as catalog:
        assert [row.source_id for row in catalog.photos()] == ["a", "b"]
        assert catalog.add(photo("f")) == 6


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "catalog.sqlite"
    Catalog(path).close()
    broken = "ALTER TABLE areas ADD COLUMN note TEXT; SELECT * FROM nowhere;"
    monkeypatch.setattr("machinami.catalog.MIGRATIONS", (*MIGRATIONS, broken))
    with pytest.raises(ProjectError):
        Catalog(path)
    monkeypatch.undo()
    with Catalog(path) as catalog:
        assert "note" not in [row["name"] for row in catalog._db.execute("PRAGMA table_info(areas)")]


OPEN_AND_ADD = """
import sys
from pathlib import Path
from machinami.catalog import Catalog, Photo
for number in range(40):
    with Catalog(Path(sys.argv[1])) as catalog, catalog.transaction():
        catalog.add(Photo(source="folder", source_id=f"{sys.argv[2]}-{number}"))
        catalog.add(Photo(source="folder", source_id=f"both-{number}"))
"""


def test_two_processes_open_and_write_at_once(tmp_path):
    path = tmp_path / "new/catalog.sqlite"
    works = [subprocess.Popen([sys.executable, "-c", OPEN_AND_ADD, str(path), name]) for name in "ab"]
    assert [work.wait(timeout=60) for work in works] == [0, 0]
    with Catalog(path) as catalog:
        assert len(list(catalog.photos())) == 120


def test_a_reader_is_not_held_up_by_a_writer(tmp_path):
    path = tmp_path / "catalog.sqlite"
    with Catalog(path) as writer, Catalog(path) as reader:
        writer.add(photo())
        with writer.transaction():
            writer.add(photo("b"))
            assert [p.source_id for p in reader.photos()] == ["a"]
        assert [p.source_id for p in reader.photos()] == ["a", "b"]
