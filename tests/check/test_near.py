from hypothesis import given
from hypothesis import strategies as st

from machinami.catalog import Photo
from machinami.check.near import group_pairs, judge_group, preference


def photo(photo_id, place="a", **more):
    return Photo(photo_id=photo_id, source="folder", source_id=str(photo_id), place=place, **more)


@given(st.sets(st.tuples(st.integers(0, 20), st.integers(0, 20)).filter(lambda pair: pair[0] < pair[1])))
def test_groups_are_stars_and_nobody_is_in_two(pairs):
    groups = list(group_pairs((a, b, 0.9) for a, b in pairs))
    seen = [number for group in groups for number in (group.leader, *group.members)]
    assert len(seen) == len(set(seen))
    assert all((group.leader, member) in pairs for group in groups for member in group.members)
    free = set(range(21)) - {member for group in groups for member in group.members}
    assert not any(a in free and b in free for a, b in pairs)  # of two that stay, neither is a copy of the other


def test_a_chain_does_not_become_one_group():
    groups = list(group_pairs((n, n + 1, 0.9) for n in range(5)))
    assert [(group.leader, *group.members) for group in groups] == [(0, 1), (2, 3), (4, 5)]


def test_the_users_then_the_largest_then_the_oldest_is_preferred():
    photos = [photo(1, width=10, height=10), photo(2, width=20, height=10), photo(3, width=20, height=10),
              photo(4, width=1, height=1, kept_by_user=1)]  # fmt: skip
    assert [p.photo_id for p in sorted(photos, key=preference)] == [4, 2, 3, 1]


def reasons(leader, *members):
    marks = judge_group(leader, [(member, 0.95) for member in members])
    return {p.photo_id: mark and mark.reason for p, mark in marks}


def test_in_two_places_only_what_the_user_kept_stays():
    assert reasons(photo(1), photo(2), photo(3, "b")) == {
        1: "label-conflict: 3 in b", 2: "label-conflict: 3 in b", 3: "label-conflict: 1 in a",
    }  # fmt: skip
    assert reasons(photo(3, "b", kept_by_user=1), photo(1), photo(2, "b")) == {
        3: None, 1: "label-conflict: 3 in b", 2: "near-duplicate: 3",
    }  # fmt: skip
