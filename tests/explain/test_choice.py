from machinami.explain.choice import Candidate, choose_photos


def candidate(photo_id, margin, *, place=0, block=None):
    predicted = place if margin > 0 else 1 - place
    return Candidate(photo_id=photo_id, block=block or f"b{photo_id}", place=place, predicted=predicted, margin=margin)


def chosen(candidates, at_most):
    found = {}
    for choice in choose_photos(candidates, places=2, at_most=at_most):
        found.setdefault((choice.photo.place, choice.kind), []).append(choice.photo.photo_id)
    return found


def test_the_rules():
    margins = [-3, -2, -0.1, 0.2, 0.3, 1.9, 2, 2.1, 2.2, 9]
    found = chosen([candidate(i, m) for i, m in enumerate(margins)], 2)
    # the median of those told rightly is 2
    assert found == {(0, "wrong"): [0, 1], (0, "borderline"): [2, 3], (0, "typical"): [6, 5]}


def test_other_blocks_come_first_and_no_photo_twice():
    photos = [candidate(1, 0.1, block="x"), candidate(2, 0.2, block="x"), candidate(3, 0.3, block="y")]
    assert chosen(photos, 2) == {(0, "borderline"): [1, 3], (0, "typical"): [2]}
    assert chosen(photos, 9) == {(0, "borderline"): [1, 3, 2]}


def test_every_place_has_its_own():
    found = chosen([candidate(1, 1.0), candidate(2, -1.0, place=1)], 1)
    assert found == {(0, "borderline"): [1], (1, "wrong"): [2]}
    assert chosen([], 3) == {}
