"""Photos taken out for good: everywhere, and they do not come back."""

import shutil

import pytest

from machinami.errors import InputError
from machinami.project import Project
from tests.servers.projects import PLACES, write_project


@pytest.fixture
def forget(machinami):
    def forget(root, *names, code=0):
        ran = machinami("forget", root, *names, "--json")
        assert ran.code == code, ran.err
        return ran

    return forget


@pytest.fixture
def imported(project, photos, machinami, tmp_path):
    """Four photos of one's own with masks, copied into the project."""
    from PIL import Image

    masks = tmp_path / "masks"
    for number, path in enumerate(sorted(photos.rglob("*.jpg"))):
        mask = (masks / path.relative_to(photos)).with_suffix(".png")
        mask.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (160, 120), number + 1).save(mask)
    (masks / "regions.json").write_text('{"regions": {"1": "road", "2": "sky", "3": "tree", "4": "wall"}}')
    ran = machinami("import", project.root, photos, "--masks", masks)
    assert ran.code == 0, ran.err
    return project.root


def put_results(root):
    """Results that may show the photos; and a model, which stays."""
    for name in ("report.html", "rejected.html", "split.json", "evaluation.json"):
        (root / name).write_text("{}")
    for name in ("explanations/pictures", "predictions", "cache/photos", "model"):
        (root / name).mkdir(parents=True, exist_ok=True)
        (root / name / "part").write_text("x")


@pytest.mark.parametrize("by", ["id", "source", "name", "file", "path"])
def test_a_photo_goes_by_each_of_its_names(imported, forget, found, by):
    put_results(imported)
    photo, *others = found(imported)
    assert photo.mask is not None
    names = {
        "id": photo.photo_id, "source": f"folder:{photo.source_id}", "name": photo.source_id, "file": photo.file,
        "path": imported / photo.file,
    }  # fmt: skip
    report = forget(imported, names[by]).json
    assert (report["photos"], report["files"], report["linked"]) == (1, 2, [])
    assert set(report["removed"]) == {"report.html", "rejected.html", "split.json", "explanations/", "predictions/"}
    assert not (imported / photo.file).exists()
    assert not (imported / photo.mask).exists()
    assert found(imported) == others
    assert all((imported / other.file).is_file() and (imported / other.mask).is_file() for other in others)
    assert not any(
        (imported / name).exists() for name in ("report.html", "rejected.html", "explanations", "predictions")
    )
    assert not (imported / "cache" / "photos").exists()
    assert (imported / "model" / "part").exists()


def test_what_is_forgotten_is_not_imported_again_under_any_name(imported, photos, forget, found, machinami):
    gone = found(imported)[0]
    forget(imported, gone.photo_id)
    shutil.copy(photos / gone.source_id, photos / "there" / "another name.jpg")
    assert machinami("import", imported, photos).code == 0
    assert gone.sha256 not in {photo.sha256 for photo in found(imported, state="fetched")}
    assert len(found(imported, state="fetched")) == 3
    assert not (imported / gone.file).exists()


def test_originals_that_are_linked_stay_where_they_are(project, photos, machinami, forget, found):
    assert machinami("import", project.root, photos, "--link").code == 0
    gone = found(project.root)[0]
    before = sorted(path.read_bytes() for path in photos.rglob("*.jpg"))
    report = forget(project.root, gone.file).json
    assert (report["photos"], report["files"], report["linked"]) == (1, 0, [gone.file])
    assert sorted(path.read_bytes() for path in photos.rglob("*.jpg")) == before
    assert machinami("import", project.root, photos, "--link").code == 0
    assert gone.file not in {photo.file for photo in found(project.root, state="fetched")}


def test_a_file_that_another_row_needs_stays(imported, photos, forget, found, machinami):
    twin = found(imported)[0]
    shutil.copy(photos / twin.source_id, photos / "here" / "twin.jpg")
    assert machinami("import", imported, photos).code == 0
    rows = [photo for photo in found(imported) if photo.sha256 == twin.sha256 and photo.file]
    report = forget(imported, twin.photo_id).json
    assert (imported / twin.file).exists() == (len(rows) > 1)
    assert report["photos"] == 1


@pytest.mark.parametrize(
    "unknown", ["999", "0", "folder:nothing.jpg", "nothing.jpg", "mapillary:1", "9" * 40, ":", "-"]
)
def test_a_name_that_nobody_knows_changes_nothing(imported, forget, found, unknown):
    put_results(imported)
    before = found(imported)
    ran = forget(imported, before[0].photo_id, unknown, code=InputError.exit_code)
    assert "no photo of this project" in ran.err
    assert "Nothing was taken out" in ran.err
    assert found(imported) == before
    assert all((imported / photo.file).is_file() for photo in before)
    assert (imported / "report.html").exists()
    assert (imported / "predictions" / "part").exists()


@pytest.mark.parametrize("kind", ["google", "mapillary"])
def test_the_views_of_one_panorama_go_together_and_are_not_collected_again(
    kind, serve, collect, forget, found, tmp_path
):
    server = serve(kind)
    root = write_project(
        tmp_path / "p", kind, server.url, sampling={"per_place": 24}, collect={"views": 3, "in_flight": 8}
    )
    collect(root)
    view = next(photo for photo in found(root, state="fetched") if photo.panorama and "@" in photo.source_id)
    together = [photo for photo in found(root, state="fetched") if photo.panorama == view.panorama]
    report = forget(root, f"{kind}:{view.source_id}").json
    assert (report["photos"], report["files"]) == (3, len(together))
    assert not any((root / photo.file).exists() for photo in together)
    assert not any(photo.panorama == view.panorama for photo in found(root))
    server.reset()
    assert all(kept >= 24 for kept in collect(root, "--refresh").json["by_place"].values())
    assert not any(photo.panorama == view.panorama for photo in found(root))
    assert not any(view.panorama in row["target"] for row in server.log())


def test_what_had_arrived_of_a_forgotten_photo_goes_too(serve, collect, forget, found, tmp_path):
    server = serve("mapillary")
    root = write_project(tmp_path / "p", "mapillary", server.url, sampling={"per_place": 3})
    collect(root)
    photo = found(root, state="fetched")[0]
    arrived = root / "photos" / ".arrived" / str(photo.photo_id)
    arrived.write_bytes((root / photo.file).read_bytes())
    forget(root, photo.photo_id)
    assert not arrived.exists()
    assert collect(root).json["by_place"] == dict.fromkeys(PLACES, 3)


def test_forgetting_is_written_into_the_log(imported, forget):
    forget(imported, 1, 2)
    line = Project.open(imported).last_done("forget")
    assert line["photos"] == 2


def test_masks_that_a_segmenter_made_go_too(imported, forget, found):
    project = Project.open(imported)
    first, second = found(imported)[:2]
    paths = {}
    for photo in (first, second):
        paths[photo.photo_id] = project.masks / "segmenter-0123" / photo.sha256[:2] / f"{photo.sha256}.png"
        paths[photo.photo_id].parent.mkdir(parents=True, exist_ok=True)
        paths[photo.photo_id].write_bytes(b"x")
    forget(imported, first.photo_id)
    assert [path.exists() for path in paths.values()] == [False, True]
