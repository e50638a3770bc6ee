from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machinami.collect.choose import Candidates, choose_by_samples, choose_in_turn, keep_room
from machinami.config import SamplingConfig
from machinami.sampling import Sample


def candidates(points, *, heading=None, spherical=False, sequence=None, creator=None, sample=None, stored=None):
    n = len(points)
    return Candidates(
        photo_ids=np.arange(1, n + 1),
        east_north_m=np.asarray(points, float).reshape(-1, 2),
        heading_deg=np.full(n, np.nan) if heading is None else np.asarray(heading, float),
        spherical=np.full(n, spherical),
        sequence=np.full(n, -1) if sequence is None else np.asarray(sequence),
        creator=np.full(n, -1) if creator is None else np.asarray(creator),
        sample=np.full(n, -1) if sample is None else np.asarray(sample),
        stored=np.zeros(n, bool) if stored is None else np.asarray(stored),
    )


def scattered(n, seed=0, edge_m=1000.0):
    return np.random.default_rng(seed).uniform(0, edge_m, (n, 2))


def endless(seed=1, edge_m=1000.0, heading_deg=None):
    generator = np.random.default_rng(seed)
    for number in count():
        yield (
            Sample(number=number, lat=0, lon=0, heading_deg=heading_deg),
            tuple(generator.uniform(0, edge_m, 2).tolist()),
        )


def choose(found, samples=None, seed=0, **limits):
    limits = {"min_distance_m": 0.0, **limits}
    return list(
        choose_by_samples(
            found,
            endless() if samples is None else samples,
            limits=SamplingConfig(**limits),
            generator=np.random.default_rng(seed),
        )
    )


def at(*points, heading_deg=None):
    return iter([(Sample(number=i, lat=0, lon=0, heading_deg=heading_deg), p) for i, p in enumerate(points)])


def test_every_photo_is_chosen_once_when_nothing_forbids_it():
    chosen = choose(candidates(scattered(300)))
    assert sorted(choice.photo_id for choice in chosen) == list(range(1, 301))


def test_nothing_found_is_nothing_chosen():
    assert choose(candidates([])) == []


def test_a_lone_photo_far_from_all_samples_is_not_lost():
    chosen = choose(candidates([(500, 500)]), match_m=0.001)
    assert [(c.photo_id, c.sample) for c in chosen] == [(1, None)]


def test_points_of_a_grid_stand_for_themselves():
    found = candidates([(0, 0), (500, 500)])
    chosen = choose(found, at((1.0, 1.0), (300.0, 300.0)), method="grid", match_m=50)
    assert [(c.photo_id, c.sample) for c in chosen] == [(1, 0)]


def test_the_nearest_wins():
    chosen = choose(candidates([(10, 0), (3, 0), (40, 0)]), at((0.0, 0.0)), method="grid", match_m=50)
    assert chosen[0].photo_id == 2


def test_looking_the_right_way_beats_being_near():
    found = candidates([(3, 0), (10, 0)], heading=[180, 350])
    chosen = choose(found, at((0.0, 0.0), heading_deg=10.0), method="grid", match_m=50)
    assert chosen[0].photo_id == 2


def test_an_unknown_heading_is_better_than_none_at_all():
    found = candidates([(3, 0)], heading=[np.nan])
    assert len(choose(found, at((0.0, 0.0), heading_deg=10.0), method="grid", match_m=50)) == 1


@given(st.integers(1, 120), st.floats(0, 200), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_the_minimum_distance_holds(n, distance_m, seed):
    points = scattered(n, seed)
    chosen = choose(candidates(points), min_distance_m=distance_m, seed=seed)
    rows = np.array([c.photo_id - 1 for c in chosen])
    between = np.linalg.norm(points[rows][:, None] - points[rows][None], axis=2)
    assert (between[~np.eye(len(rows), dtype=bool)] >= distance_m).all()
    left = np.setdiff1d(np.arange(n), rows)
    nearest = np.linalg.norm(points[left][:, None] - points[rows][None], axis=2).min(axis=1, initial=np.inf)
    assert (nearest < max(distance_m, 1e-12)).all(), "a photo with room around it was left out"


def test_caps_a_sequence_and_a_contributor():
    sequence, creator = np.arange(300) % 3, np.arange(300) % 2
    chosen = choose(candidates(scattered(300), sequence=sequence, creator=creator), per_sequence=20, per_creator=25)
    rows = np.array([c.photo_id - 1 for c in chosen])
    assert np.bincount(sequence[rows]).max() <= 20
    assert np.bincount(creator[rows]).tolist() == [25, 25]


def test_photos_without_a_sequence_are_not_one_sequence():
    assert len(choose(candidates(scattered(300)), per_sequence=2, per_creator=2)) == 300


def test_the_same_seed_chooses_the_same():
    found = candidates(scattered(200))
    assert choose(found, endless(3), seed=5) == choose(found, endless(3), seed=5)
    assert choose(found, endless(3), seed=5) != choose(found, endless(4), seed=5)


def test_samples_spread_photos_over_the_ground_whatever_their_density():
    crowd = scattered(2000, 1, edge_m=200)  # a well photographed corner
    chosen = choose(candidates(np.vstack([crowd, scattered(2000, 2)])), match_m=50)[:200]
    points = np.vstack([crowd, scattered(2000, 2)])[[c.photo_id - 1 for c in chosen]]
    in_corner = (points < 200).all(axis=1).mean()
    assert in_corner < 0.08, "4 % of the ground, half of the photos"


def test_views_of_360_photos_look_where_the_sample_says():
    found = candidates([(0, 0)], heading=[90], spherical=True)
    assert choose(found, at((0.0, 0.0), heading_deg=123.0))[0].heading_deg == 123.0


@pytest.mark.parametrize(("headings", "sides"), [("along", {90.0, 270.0}), ("across", {0.0, 180.0})])
def test_views_along_and_across_the_drive(headings, sides):
    found = candidates(scattered(60), heading=np.full(60, 90), spherical=True)
    assert {choice.heading_deg for choice in choose(found, headings=headings)} == sides


def test_views_as_taken_look_where_the_camera_did():
    found = candidates([(0, 0)], heading=[77], spherical=True)
    assert choose(found, at((0.0, 0.0), heading_deg=None), headings="as-taken")[0].heading_deg == 77.0


def test_left_over_360_photos_look_all_around():
    found = candidates(scattered(400), heading=np.full(400, 90), spherical=True)
    views = np.array([c.heading_deg for c in choose(found, iter([]), match_m=0.001)])
    assert np.histogram(views, bins=8, range=(0, 360))[0].min() >= 40


def test_in_turn_follows_the_samples():
    found = candidates([(0, 0), (5, 0), (100, 0)], sample=[7, 2, 4], spherical=True)
    assert in_turn(found, [(0.0, 0.0)] * 9) == [(2, 2, 20.0), (3, 4, 40.0)]


def test_a_photo_far_from_its_sample_was_found_for_another():
    found = candidates([(0, 0), (5, 0), (100, 0)], sample=[0, 1, 2], spherical=True)
    assert in_turn(found, [(0.0, 49.0), (300.0, 0.0), (100.0, 0.0)]) == [(1, 0, 0.0), (3, 2, 20.0)]


def in_turn(found, points):
    samples = [(Sample(number=n, lat=0, lon=0, heading_deg=10.0 * n), point) for n, point in enumerate(points)]
    limits = SamplingConfig(min_distance_m=20.0, match_m=110.0 if len(points) == 9 else 50.0)
    chosen = choose_in_turn(found, iter(samples), limits=limits, generator=np.random.default_rng(0))
    return [(c.photo_id, c.sample, c.heading_deg) for c in chosen]


def stored_and_chosen(found, stored, **limits):
    limits = SamplingConfig(**{"min_distance_m": 0.0, **limits})
    again = replace(found, stored=np.isin(found.photo_ids, stored))
    chosen = choose_by_samples(again, endless(), limits=limits, generator=np.random.default_rng(0))
    return [choice.photo_id for choice in keep_room(chosen, again, limits)]


@pytest.mark.parametrize("kept", [0, 1, 7, 40])
def test_what_is_stored_of_the_same_choice_leaves_nothing_out(kept):
    found = candidates(scattered(200), sequence=np.arange(200) % 9)
    limits = {"min_distance_m": 40.0, "per_sequence": 8}
    whole = [choice.photo_id for choice in choose(found, **limits)]
    assert stored_and_chosen(found, whole[:kept], **limits) == whole


def test_what_is_stored_keeps_others_away_whoever_chose_it():
    points = scattered(200)
    found = candidates(points)
    stored = list(range(1, 60, 7))
    chosen = stored_and_chosen(found, stored, min_distance_m=80.0)
    new = [photo_id for photo_id in chosen if photo_id not in stored]
    assert new
    for photo_id in new:
        others = np.array([other - 1 for other in {*stored, *new} - {photo_id}])
        assert np.hypot(*(points[others] - points[photo_id - 1]).T).min() >= 80
