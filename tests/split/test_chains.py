"""What moves together, what is cut, and what is left out so that nothing nearly the same stands in two folds."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from machinami.config import SplitConfig
from machinami.errors import SplitError
from machinami.split import SplitPhoto, split_photos
from machinami.split.chains import part_ways

METRE_DEG = 1 / 111_195  # of latitude
ORIGIN = (35.6, 139.7)


def at(photo_id, place, east_m, north_m, **known):
    lat, lon = ORIGIN[0] + north_m * METRE_DEG, ORIGIN[1] + east_m * METRE_DEG / np.cos(np.radians(ORIGIN[0]))
    return SplitPhoto(photo_id=photo_id, place=place, lat=float(lat), lon=float(lon), name=f"{photo_id}.jpg", **known)


def scattered(*, count=200, size_m=4_000, seed=0):
    """Photos of two places on neighbouring ground."""
    rng = np.random.default_rng(seed)
    points = rng.random((2 * count, 2)) * size_m
    return [
        at(row + 1, "ab"[row >= count], east + (row >= count) * 1.2 * size_m, north)
        for row, (east, north) in enumerate(points.tolist())
    ]


def folds(split):
    """photo_id -> fold, of the photos that are kept."""
    return {photo_id: block.fold for block in split.blocks for photo_id in block.photos}


def reasons(split):
    return {drop.photo_id: drop.reason for drop in split.dropped}


def an_edge(photos):
    """Metres north of the origin where one block ends and the next begins."""
    split = split_photos(photos, SplitConfig(), seed=0)
    lat = next(block.corners[2].lat for block in split.blocks if block.place == "a" and len(block.photos) > 3)
    return (lat - ORIGIN[0]) / METRE_DEG


@st.composite
def near_groups(draw):
    """Photos on random ground, some of which show nearly the same, on one spot or kilometres apart."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    photos = scattered(count=draw(st.integers(60, 150)), seed=int(rng.integers(99)))
    groups = draw(st.integers(1, 60))
    near, views, same = (rng.integers(groups * 4, size=len(photos)).tolist() for _ in range(3))
    return [
        replace(
            photo,
            near_group=near[row] if near[row] < groups else None,
            panorama=f"p{views[row]}" if views[row] < groups else None,
            pixels_sha256=f"{same[row]}" if same[row] < groups else None,
            lat=None if row % 11 == 0 else photo.lat,
        )
        for row, photo in enumerate(photos)
    ]


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(near_groups(), st.sampled_from([3, 5]), st.sampled_from([200.0, 500.0]), st.integers(0, 3))
def test_what_is_nearly_the_same_never_stands_in_two_folds(photos, count, block_m, seed):
    try:
        split = split_photos(photos, SplitConfig(folds=count, block_m=block_m, buffer_m=20), seed=seed)
    except SplitError:
        return
    fold_of = folds(split)
    assert split.report.near_duplicates_across == 0
    assert set(fold_of) | set(reasons(split)) == {photo.photo_id for photo in photos}
    for column in ("near_group", "panorama", "pixels_sha256"):
        sides = {}
        for photo in photos:
            if photo.photo_id in fold_of and getattr(photo, column) is not None:
                sides.setdefault(getattr(photo, column), set()).add(fold_of[photo.photo_id])
        assert all(len(found) == 1 for found in sides.values()), column


def test_a_picture_with_two_positions_is_in_one_fold_or_left_out():
    photos = scattered()
    twins = [at(9_001, "a", 100, 100, near_group=9_001), at(9_002, "a", 3_900, 3_900, near_group=9_001)]
    lone = 0
    for seed in range(12):
        split = split_photos([*photos, *twins], SplitConfig(buffer_m=0), seed=seed)
        fold_of, why = folds(split), reasons(split)
        told = {fold_of.get(9_001, why.get(9_001)), fold_of.get(9_002, why.get(9_002))}
        assert len(told) == 1 or "near-duplicate" in told
        assert len(why) == len(told) - 1 == split.report.dropped_counts["a"]["near-duplicate"]
        lone += len(told) - 1
    assert 0 < lone < 12  # both happen


def test_a_picture_of_two_places_on_one_spot_is_in_one_fold():
    edge_m = an_edge(scattered())
    photos = [
        *scattered(),
        *(at(9_001 + n, "a", 100, edge_m - 30 + n, near_group=1) for n in range(3)),
        at(9_009, "b", 100, edge_m + 30, near_group=1),
    ]
    for seed in range(8):
        split = split_photos(photos, SplitConfig(buffer_m=0), seed=seed)
        assert len({folds(split)[photo_id] for photo_id in (9_001, 9_002, 9_003, 9_009)}) == 1


def test_a_group_that_no_fold_could_take_is_left_out_but_for_one_fold():
    """A third of a place looks nearly the same, all over it: a motorway, a wall of fog."""
    photos = [
        replace(photo, near_group=7) if photo.place == "a" and photo.photo_id % 3 == 0 else photo
        for photo in scattered()
    ]
    foggy = {photo.photo_id for photo in photos if photo.near_group == 7}
    split = split_photos(photos, SplitConfig(buffer_m=0), seed=0)
    fold_of = folds(split)
    kept = foggy & set(fold_of)
    assert len({fold_of[photo_id] for photo_id in kept}) == 1
    assert set(reasons(split)) == foggy - kept
    assert set(reasons(split).values()) == {"near-duplicate"}
    assert split.report.near_duplicates_across == 0
    assert split.report.dropped_counts == {
        "a": {"near-duplicate": len(foggy - kept), "buffer": 0},
        "b": {"near-duplicate": 0, "buffer": 0},
    }
    assert len(kept) >= len(foggy) / 5  # the fold with most of them
    sizes = [count.photos for count in split.report.fold_counts["a"].values()]
    assert min(sizes) > 15  # the other folds are still in balance


def test_dropped_near_duplicates_guard_no_ground():
    """What is left out for its likeness does not push others out by the buffer."""
    photos = [replace(p, near_group=7) if p.place == "a" and p.photo_id % 3 == 0 else p for p in scattered()]
    split = split_photos(photos, SplitConfig(buffer_m=100), seed=0)
    why, subset_of = reasons(split), split.subset_of()
    kept_test = [p for p in photos if subset_of[p.photo_id] in ("test", "validation")]
    for photo in (p for p in photos if why.get(p.photo_id) == "buffer"):
        assert any(np.hypot((photo.lat - o.lat) * 111_195, (photo.lon - o.lon) * 90_500) < 101 for o in kept_test)


def test_names_that_look_alike_are_left_out_too_where_no_fold_could_take_them():
    photos = [replace(photo, lat=None, lon=None) for photo in scattered()]
    photos = [replace(p, near_group=7) if p.place == "a" and p.photo_id % 3 == 0 else p for p in photos]
    split = split_photos(photos, SplitConfig(), seed=0)
    assert split.report.near_duplicates_across == 0
    assert 0 < split.report.dropped_counts["a"]["near-duplicate"] < 67


def test_a_place_that_looks_the_same_everywhere_fails_with_the_ways_out():
    photos = [replace(p, near_group=1) if p.place == "a" else p for p in scattered()]
    with pytest.raises(SplitError, match=r"'a' is left without \w+ photos: \d+ of \d+ show nearly the same.*Ways out"):
        split_photos(photos, SplitConfig(), seed=0)


@pytest.mark.parametrize(
    ("known", "other"),
    [
        ({"sequence": "s1"}, {"sequence": "s2"}),
        (
            {"creator": "kay", "captured_at": "2024-07-09T03:00:00Z"},
            {"creator": "kay", "captured_at": "2024-07-10T03:00:00Z"},
        ),
        ({"creator": "kay", "captured_at": "2024-07-09"}, {"creator": "lee", "captured_at": "2024-07-09"}),
    ],
)
def test_a_drive_across_an_edge_goes_to_the_block_of_most(known, other):
    photos = scattered()
    edge_m = an_edge(photos)
    drive = [at(9_001 + step, "a", 1_000, edge_m - 100 + 30 * step, **known) for step in range(6)]
    split = split_photos([*photos, *drive], SplitConfig(), seed=0)
    assert len({split.block_of()[photo.photo_id] for photo in drive}) == 1
    assert split.report.cut_sequences == split.report.cut_days == 0
    strangers = [replace(photo, **(other if row >= 4 else known)) for row, photo in enumerate(drive)]
    split = split_photos([*photos, *strangers], SplitConfig(), seed=0)
    assert split.block_of()[9_001] != split.block_of()[9_006]  # each goes its own way


@pytest.mark.parametrize("captured_at", [None, "2024", "2024-07"])
def test_without_a_day_contributors_are_not_linked(captured_at):
    photos = scattered()
    edge_m = an_edge(photos)
    pair = [at(9_001 + s, "a", 1_000, edge_m - 20 + 40 * s, creator="kay", captured_at=captured_at) for s in range(2)]
    split = split_photos([*photos, *pair], SplitConfig(), seed=0)
    assert split.block_of()[9_001] != split.block_of()[9_002]


def test_a_long_drive_is_cut_at_the_edges_and_its_spots_stay_whole():
    photos = scattered()
    edge_m = an_edge(photos)
    drive = [at(9_001 + step, "a", 1_000, 50 + 60 * step, sequence="long", creator="kay") for step in range(60)]
    pair = [at(9_900 + n, "a", 1_000, edge_m - 0.9 + 1.8 * n, sequence="long", creator="kay") for n in range(2)]
    split = split_photos([*photos, *drive, *pair], SplitConfig(), seed=0)
    assert split.report.cut_sequences == 1
    assert split.report.cut_chains == 0
    assert split.block_of()[9_900] == split.block_of()[9_901]
    assert len({split.block_of()[photo.photo_id] for photo in drive}) > 5
    assert split.report.test_to_train_m.min > 50


def test_planted_sequences_never_straddle():
    """Drives of 200 m all over the ground, each across some edge or none."""
    rng = np.random.default_rng(3)
    photos = []
    for drive in range(120):
        east, north = rng.random(2) * 4_000
        photos += [
            at(
                drive * 6 + step + 1,
                "ab"[drive % 2],
                east + (drive % 2) * 5_000,
                north + 40 * step,
                sequence=f"{drive}",
            )
            for step in range(6)
        ]
    for seed in range(3):
        split = split_photos(photos, SplitConfig(), seed=seed)
        block_of, fold_of = split.block_of(), folds(split)
        for drive in range(120):
            members = range(drive * 6 + 1, drive * 6 + 7)
            assert len({block_of[photo_id] for photo_id in members}) == 1
            assert len({fold_of[photo_id] for photo_id in members if photo_id in fold_of}) <= 1


def test_sequences_without_positions_stay_runs():
    photos = [replace(photo, lat=None, lon=None, sequence=f"{photo.place}-one-drive") for photo in scattered(count=100)]
    split = split_photos(photos, SplitConfig(), seed=0)
    assert all(len(block.photos) <= 15 for block in split.blocks)


def test_a_random_split_counts_what_it_tears_apart():
    photos = [replace(photo, near_group=photo.photo_id // 2) for photo in scattered()]
    split = split_photos(photos, SplitConfig(strategy="random"), seed=0)
    assert split.dropped == ()
    assert split.report.near_duplicates_across > 100


def test_links_do_not_depend_on_the_order_of_rows():
    photos = [
        replace(p, near_group=p.photo_id % 40, sequence=f"{p.photo_id % 60}", creator="k", captured_at="2024-07-09")
        for p in scattered()
    ]
    split = split_photos(photos, SplitConfig(), seed=1)
    for seed in range(3):
        shuffled = list(photos)
        random.Random(seed).shuffle(shuffled)
        assert split_photos(shuffled, SplitConfig(), seed=1) == split


def test_the_side_with_most_of_a_group_keeps_it():
    group_of = np.array([0, 0, 0, 1, 1, 2])
    side_of = np.array([4, 2, 4, 5, 3, 1])
    assert part_ways(group_of, side_of).tolist() == [False, True, False, True, False, False]
