import random
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from machinami.config import SplitConfig
from machinami.errors import SplitError
from machinami.geo import LatLon, ground_distance_m
from machinami.split import Split, SplitPhoto, split_photos

METRE_DEG = 1 / 111_195  # of latitude


@st.composite
def geometries(draw):
    """Photos of two or three places on random ground: spread, clustered, along lines, some without positions."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    origin_lat, origin_lon = draw(st.sampled_from([(35.6, 139.7), (-33.9, 18.4), (64.1, -21.9), (0.0, 179.99)]))
    size_m = draw(st.sampled_from([1_500.0, 4_000.0, 12_000.0]))
    photos = []
    for place in ("a", "b", "c")[: draw(st.integers(2, 3))]:
        count = draw(st.integers(40, 90))
        east_north = rng.random((count, 2)) * size_m  # places lie on the same ground
        if draw(st.booleans()):  # drives: photos 1.5 m apart
            line = np.arange(count // 2)[:, None] * 1.5 * np.array([[1.0, 0.2]])
            east_north[: count // 2] = east_north[0] + line
        digests = rng.integers(0, count * 3, count)
        for row in range(count):
            lat = origin_lat + east_north[row, 1] * METRE_DEG
            lon = origin_lon + east_north[row, 0] * METRE_DEG / np.cos(np.radians(origin_lat))
            lost = place == "b" and row % 4 == 0
            photos.append(
                SplitPhoto(
                    photo_id=len(photos) * 3 + 1,
                    place=place,
                    lat=None if lost else float(lat),
                    lon=None if lost else float((lon + 180) % 360 - 180),
                    sequence=f"s{row // 7}" if row % 3 else None,
                    name=f"{place}/img_{row:04d}.jpg",
                    pixels_sha256=f"{digests[row]}",
                )
            )
    return photos


configs = st.builds(
    SplitConfig,
    strategy=st.sampled_from(["blocks", "sequences"]),
    block_m=st.sampled_from([100.0, 300.0, 500.0]),
    buffer_m=st.sampled_from([0.0, 20.0, 50.0]),
    link_m=st.sampled_from([0.0, 2.0, 10.0]),
    folds=st.just(3),
    fold=st.integers(0, 2),
    run_photos=st.sampled_from([3, 15]),
)
slow_data = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


def lay(photos, config, seed=0):
    try:
        return split_photos(photos, config, seed=seed)
    except SplitError:
        assume(False)
        raise


@slow_data
@given(geometries(), configs)
def test_the_same_pixels_never_stand_in_two_folds(photos, config):
    split = lay(photos, config)
    fold_of_block = {block.block: block.fold for block in split.blocks}
    folds = {}
    for photo in photos:
        block = split.block_of()[photo.photo_id]
        left_out = photo.photo_id in {drop.photo_id for drop in split.dropped}
        if block in fold_of_block and not left_out:  # a block may have been dropped whole
            folds.setdefault(photo.pixels_sha256, set()).add(fold_of_block[block])
    assert all(len(found) == 1 for found in folds.values())
    assert split.report.near_duplicates_across == 0


@slow_data
@given(geometries(), configs)
def test_no_photo_to_learn_from_lies_in_the_buffer(photos, config):
    split = lay(photos, config)
    subset_of = split.subset_of()
    located = [photo for photo in photos if photo.lat is not None]
    for inner, outer in (("test", "train"), ("test", "validation"), ("validation", "train")):
        for a in (photo for photo in located if subset_of[photo.photo_id] == inner):
            for b in (photo for photo in located if subset_of[photo.photo_id] == outer):
                if abs(a.lat - b.lat) * 111_000 < 60:
                    metres = ground_distance_m(LatLon(a.lat, a.lon), LatLon(b.lat, b.lon))
                    assert metres > config.buffer_m or config.buffer_m == 0


@slow_data
@given(geometries(), configs)
def test_linked_photos_stay_together_but_where_a_chain_is_cut(photos, config):
    split = lay(photos, replace(config, buffer_m=0.0))
    subset_of, blocks = split.subset_of(), {block.block: block for block in split.blocks}
    kept = {photo_id for photo_id, subset in subset_of.items() if subset != "dropped"}
    fold_of = {photo_id: blocks[name].fold for photo_id, name in split.block_of().items() if photo_id in kept}
    located = [photo for photo in photos if photo.lat is not None and photo.photo_id in kept]
    torn = 0
    for i, a in enumerate(located):
        for b in located[i + 1 :]:
            if abs(a.lat - b.lat) * 111_000 <= config.link_m + 1:
                near = ground_distance_m(LatLon(a.lat, a.lon), LatLon(b.lat, b.lon)) < config.link_m * 0.999
                torn += near and fold_of[a.photo_id] != fold_of[b.photo_id]
    assert torn == 0 or split.report.cut_chains > 0
    assert set(subset_of) == {photo.photo_id for photo in photos}


@slow_data
@given(geometries(), configs, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(photos, config, shuffler: random.Random):
    split = lay(photos, config, seed=5)
    shuffled = list(photos)
    shuffler.shuffle(shuffled)
    assert split_photos(shuffled, config, seed=5) == split


@slow_data
@given(geometries(), configs)
def test_every_photo_is_somewhere_once_and_every_subset_has_every_place(photos, config):
    split = lay(photos, config)
    everywhere = [p for block in split.blocks for p in block.photos] + [d.photo_id for d in split.dropped]
    assert sorted(everywhere) == sorted(photo.photo_id for photo in photos)
    place_of = {photo.photo_id: photo.place for photo in photos}
    assert all(place_of[p] == block.place for block in split.blocks for p in block.photos)
    for subsets in split.report.counts.values():
        assert all(count.photos > 0 and count.blocks > 0 for count in subsets.values())
    total = sum(count.photos for subsets in split.report.counts.values() for count in subsets.values())
    assert total + len(split.dropped) == len(photos)


@slow_data
@given(geometries(), configs)
def test_json_and_back(photos, config):
    split = lay(photos, config)
    assert Split.from_json(split.to_json()) == split


def grid(place, columns, rows, *, origin=(35.6, 139.7), step_m=100.0, first_id=1):
    """Photos on a lattice."""
    return [
        SplitPhoto(
            photo_id=first_id + row * columns + column,
            place=place,
            lat=origin[0] + row * step_m * METRE_DEG,
            lon=origin[1] + column * step_m * METRE_DEG / np.cos(np.radians(origin[0])),
        )
        for row in range(rows)
        for column in range(columns)
    ]


@pytest.fixture
def two_places():
    return [*grid("a", 30, 30), *grid("b", 20, 20, origin=(35.7, 139.9), first_id=5_000)]


def test_other_seeds_test_other_blocks(two_places):
    tests = {split_photos(two_places, SplitConfig(), seed=seed).photos("test") for seed in range(4)}
    assert len(tests) == 4


def test_folds_share_every_place_about_evenly(two_places):
    split = split_photos(two_places, SplitConfig(buffer_m=0.0), seed=0)
    for place, count in (("a", 900), ("b", 400)):
        assert abs(split.report.counts[place]["test"].photos - count / 5) <= 25  # one block of 5 x 5 photos
        assert abs(split.report.counts[place]["validation"].photos - count / 5) <= 25


def test_the_other_fold_numbers_turn_the_roles_round(two_places):
    tests = [split_photos(two_places, SplitConfig(fold=fold), seed=0).photos("test") for fold in range(5)]
    assert sorted(p for test in tests for p in test) == [photo.photo_id for photo in two_places]
    validation = split_photos(two_places, SplitConfig(fold=2, buffer_m=0), seed=0).photos("validation")
    assert validation == tests[3]


def test_places_that_share_ground_share_its_fold():
    photos = [*grid("a", 30, 30), *grid("b", 30, 30, origin=(35.6003, 139.7003), first_id=5_000)]
    split = split_photos(photos, SplitConfig(), seed=0)
    folds = {}
    for block in split.blocks:
        folds.setdefault(block.centre, set()).add(block.fold)
    assert all(len(found) == 1 for found in folds.values())
    assert {block.place for block in split.blocks} == {"a", "b"}


def test_a_drive_across_many_blocks_is_cut_and_the_buffer_keeps_its_ends_apart(two_places):
    drive = grid("a", 2_000, 1, origin=(35.65, 139.7), step_m=1.5, first_id=20_000)
    split = split_photos([*two_places, *drive], SplitConfig(), seed=0)
    assert split.report.cut_chains == 1
    assert split.report.test_to_train_m.min > 50


def test_a_pair_across_an_edge_goes_to_the_block_of_most(two_places):
    split = split_photos(two_places, SplitConfig(), seed=0)
    block = next(block for block in split.blocks if block.place == "a" and len(block.photos) > 5)
    edge = block.corners[2]
    around = [
        SplitPhoto(photo_id=90_000 + i, place="a", lat=edge.lat + d * METRE_DEG, lon=edge.lon - 5 * METRE_DEG)
        for i, d in enumerate((-2.0, -1.0, 0.5))
    ]
    again = split_photos([*two_places, *around], SplitConfig(), seed=0)
    assert len({again.block_of()[photo.photo_id] for photo in around}) == 1
    apart = split_photos([*two_places, *around], SplitConfig(link_m=0.0), seed=0)
    assert len({apart.block_of()[photo.photo_id] for photo in around}) == 2


def test_too_few_blocks_fails_with_the_table_and_the_ways_out(two_places):
    crowd = [SplitPhoto(photo_id=70_000 + i, place="crowd", lat=35.5, lon=139.5) for i in range(40)]
    with pytest.raises(SplitError) as caught:
        split_photos([*two_places, *crowd], SplitConfig(), seed=0)
    text = str(caught.value)
    row = next(line for line in text.splitlines() if line.split()[0] == "crowd")
    assert row.split() == ["crowd", "40", "1", "5"]
    assert "split.block_m" in text
    assert "more photos" in text
    assert "split.folds" in text


def test_a_buffer_that_leaves_nothing_fails_with_the_ways_out():
    photos = [*grid("a", 8, 8, step_m=60), *grid("b", 8, 8, origin=(35.7, 139.9), step_m=60, first_id=500)]
    with pytest.raises(SplitError, match=r"buffer of 600 m .*Ways out: a smaller buffer"):
        split_photos(photos, SplitConfig(block_m=150, buffer_m=600), seed=0)


def test_one_place_has_nothing_to_be_told_from():
    with pytest.raises(SplitError, match="nothing to tell apart"):
        split_photos(grid("a", 9, 9), SplitConfig(), seed=0)
    with pytest.raises(SplitError, match="nothing to tell apart"):
        split_photos([], SplitConfig(), seed=0)


def test_a_random_split_is_plain_and_branded(two_places):
    split = split_photos(two_places, SplitConfig(strategy="random"), seed=0)
    assert split.branded.startswith("random split: ")
    assert split.dropped == ()
    assert {place: subsets["test"].photos for place, subsets in split.report.counts.items()} == {"a": 180, "b": 80}
    honest = split_photos(two_places, SplitConfig(), seed=0)
    assert honest.branded is None
    assert honest.report.test_to_train_m.median > split.report.test_to_train_m.median


def test_sequences_are_blocks_where_asked_for():
    photos = [
        replace(photo, sequence=f"{photo.place}{photo.photo_id % 12}", lat=None, lon=None)
        for photo in [*grid("a", 10, 12), *grid("b", 10, 12, first_id=500)]
    ]
    split = split_photos(photos, SplitConfig(strategy="sequences"), seed=0)
    assert len(split.blocks) == 24
    sequence_of = {photo.photo_id: photo.sequence for photo in photos}
    assert all(len({sequence_of[p] for p in block.photos}) == 1 for block in split.blocks)


def test_photos_without_coordinates_among_others_are_said_to_be():
    photos = [*grid("a", 30, 30), *grid("b", 30, 30, origin=(35.7, 139.9), first_id=5_000)]
    lost = [replace(p, lat=None, lon=None, name=f"b/img_{p.photo_id}.jpg") for p in photos[900:930]]
    split = split_photos([*photos[:900], *lost, *photos[930:]], SplitConfig(), seed=0)
    assert "b 30 of 900" in split.report.notes[0]
    runs = {split.block_of()[photo.photo_id] for photo in lost}
    assert len(runs) == 2
    assert all(block.corners is None for block in split.blocks if block.block in runs)


def test_small_blocks_are_remarked_upon(two_places):
    assert "smaller than four times" in split_photos(two_places, SplitConfig(block_m=120), seed=0).report.notes[0]


def test_twice_the_same_id_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="photo_id"):
        split_photos(grid("a", 2, 2) * 2, SplitConfig(), seed=0)


@pytest.mark.slow
def test_a_hundred_thousand_photos_are_split_in_seconds():
    rng = np.random.default_rng(0)
    photos = [
        SplitPhoto(photo_id=i, place="ab"[i % 2], lat=lat, lon=lon, name=f"{i}.jpg", pixels_sha256=f"{i}")
        for i, (lat, lon) in enumerate((rng.random((100_000, 2)) * 0.3 + [35.5, 139.5]).tolist())
    ]
    start = time.process_time()
    split = split_photos(photos, SplitConfig(), seed=0)
    assert time.process_time() - start < 20
    assert len(split.subset_of()) == 100_000
