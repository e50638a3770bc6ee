from hypothesis import given
from hypothesis import strategies as st

from machinami.catalog import Photo
from machinami.check.duplicates import judge_twins, mark_twins


def twins(*members):
    return [
        Photo(photo_id=number, source="s", source_id=str(number), place=place, kept_by_user=kept, pixels_sha256="x")
        for number, (place, kept) in enumerate(members, start=1)
    ]


groups = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 1)), min_size=1, max_size=8)


@given(groups)
def test_what_may_stay_as_the_rule_says(members):
    photos = twins(*members)
    stays = {photo.photo_id for photo, mark in judge_twins(photos) if mark is None}
    kept = {photo.photo_id for photo in photos if photo.kept_by_user}
    one_place = len({photo.place for photo in photos}) == 1
    assert stays == (kept or ({1} if one_place else set()))


@given(groups)
def test_every_mark_names_a_fitting_partner(members):
    photos = twins(*members)
    for photo, mark in judge_twins(photos):
        if mark is None:
            continue
        code, _, rest = mark.reason.partition(": ")
        partner = photos[int(rest.split()[0]) - 1]
        assert partner.photo_id != photo.photo_id
        assert (partner.place == photo.place) == (code == "exact-duplicate")
        if code == "label-conflict":
            assert rest.endswith(f" in {partner.place}")


@given(st.lists(groups, max_size=5))
def test_groups_do_not_see_each_other(members):
    from dataclasses import replace

    photos = [replace(photo, pixels_sha256=str(group)) for group, one in enumerate(members) for photo in twins(*one)]
    assert list(mark_twins(photos)) == [
        (replace(photo, pixels_sha256=str(group)), mark)
        for group, one in enumerate(members)
        for photo, mark in judge_twins(twins(*one))
    ]
