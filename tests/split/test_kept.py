"""A catalogue that changed after the split is refused, whatever changed."""

import pytest

from machinami.errors import NotReady
from machinami.explain.stage import explain_project
from machinami.split import check_places, kept_photos, read_split
from machinami.train.stage import train_project


def test_all_subsets_come_with_their_photos(tiny_town):
    split = read_split(tiny_town)
    for subset in ("test", "validation", "train"):
        photos = kept_photos(tiny_town, split, [subset])
        assert tuple(photo.photo_id for photo in photos) == split.photos(subset)
    both = kept_photos(tiny_town, split, ("test", "dropped"))
    assert [photo.photo_id for photo in both] == sorted(photo.photo_id for photo in both)
    assert {photo.photo_id: photo.place for photo in both}.items() <= split.place_of().items()
    assert set(split.place_of()) == set(split.subset_of())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"place": "c"}, r"photo \d+ was of a and is of c now\)"),
        ({"state": "rejected", "reason": "too-small: 20 px", "rejected_by": "check"}, r"is rejected now: too-small"),
    ],
)
def test_a_photo_that_moved_or_was_rejected_is_named(tiny_town, changes, says):
    split = read_split(tiny_town)
    moved = next(photo_id for photo_id in split.photos("test") if split.place_of()[photo_id] == "a")
    with tiny_town.catalog() as catalog:
        catalog.update(moved, **changes)
    with pytest.raises(NotReady, match=says + r".*machinami split"):
        kept_photos(tiny_town, split, ["test"])
    assert kept_photos(tiny_town, split, ["train"])


def test_several_are_counted(tiny_town):
    split = read_split(tiny_town)
    with tiny_town.catalog() as catalog:
        for photo_id in split.photos("test")[:3]:
            catalog.update(photo_id, state="rejected", reason="dark", rejected_by="check")
    with pytest.raises(NotReady, match="and 2 more have changed"):
        kept_photos(tiny_town, split, ["test"])


def test_evaluating_and_explaining_refuse_alike(trained_town, copied_town):
    from machinami.evaluate.stage import evaluate_project

    town = copied_town(trained_town)
    with town.catalog() as catalog:
        catalog.update(read_split(town).photos("test")[0], state="rejected", reason="dark", rejected_by="check")
    for stage in (evaluate_project, explain_project):
        with pytest.raises(NotReady, match="no longer matches the split"):
            stage(town, town.config(), device="cpu")
    assert not town.predictions.exists()


def test_a_place_that_came_after_the_split_stops_training(tiny_town):
    split = read_split(tiny_town)
    check_places(tiny_town, split, ["b", "a"])
    tiny_town.config_file.write_text(tiny_town.config_file.read_text() + "\n[[places]]\nkey = 'c'\n")
    with pytest.raises(NotReady, match="laid over a, b, and the places are now a, b, c: run `machinami split"):
        train_project(tiny_town, tiny_town.config(), device="cpu")
