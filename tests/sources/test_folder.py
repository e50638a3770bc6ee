import os

from machinami.sources.folder import find_photos, list_folders, name_of


def test_photos_in_the_order_of_their_names(tmp_path):
    for name in ["b/2.jpg", "b/10.jpg", "a.jpg", "b/c/x.PNG", "c.txt", ".hidden.jpg", ".git/x.jpg", "b/@eaDir/x.jpg"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    skipped = []
    found = [name_of(path, tmp_path) for path in find_photos(tmp_path, skip=skipped.append)]
    assert found == ["a.jpg", "b/10.jpg", "b/2.jpg", "b/c/x.PNG"]
    assert {path.name for path in skipped} == {"c.txt", ".hidden.jpg", ".git", "@eaDir"}
    assert [path.name for path in find_photos(tmp_path, deep=False)] == ["a.jpg"]
    assert [path.name for path in find_photos(tmp_path, without=tmp_path / "b")] == ["a.jpg"]


def test_folders_are_sorted_and_hidden_ones_left_out(tmp_path):
    for name in ["b", "a", ".c", "__MACOSX"]:
        (tmp_path / name).mkdir()
    (tmp_path / "file").write_bytes(b"")
    assert [path.name for path in list_folders(tmp_path)] == ["a", "b"]


def test_names(tmp_path):
    assert name_of(tmp_path / "e\u0301" / "x", tmp_path) == "\u00e9/x"
    assert name_of(tmp_path / os.fsdecode(b"\xff"), tmp_path) == "\\xff"


def test_links_out_are_followed_unless_told_to_stay_inside(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a.jpg").touch()
    (tmp_path / "here/below").mkdir(parents=True)
    (tmp_path / "here/below/b.jpg").touch()
    (tmp_path / "here/in").symlink_to("below")
    (tmp_path / "here/out").symlink_to("../elsewhere")
    skipped = []
    assert {path.name for path in find_photos(tmp_path / "here")} == {"a.jpg", "b.jpg"}
    assert [path.name for path in find_photos(tmp_path / "here", inside=True, skip=skipped.append)] == ["b.jpg"]
    assert skipped == [tmp_path / "here/out"]
