from collections import Counter

from machinami.explain.choice import Candidate
from machinami.explain.spread import spread_photos


def candidates():
    """Place 0: 4 blocks of 10 photos; place 1: a block of 30 and one of 1."""
    blocks = [(0, f"a{n // 10}") for n in range(40)] + [(1, "b0")] * 30 + [(1, "b1")]
    return [
        Candidate(photo_id=n, block=block, place=place, predicted=place, margin=1.0)
        for n, (place, block) in enumerate(blocks)
    ]


def test_places_and_blocks_take_turns():
    chosen = spread_photos(candidates(), at_most=20, seed=0)
    assert Counter(c.place for c in chosen) == {0: 10, 1: 10}
    counts = Counter(c.block for c in chosen)
    assert sorted(counts[f"a{n}"] for n in range(4)) == [2, 2, 3, 3]
    assert counts["b1"] == 1  # all that it has
    assert len({c.photo_id for c in chosen}) == 20


def test_the_seed_decides_and_the_order_of_the_candidates_does_not():
    one = spread_photos(candidates(), at_most=12, seed=0)
    assert one == spread_photos(candidates()[::-1], at_most=12, seed=0)
    assert one != spread_photos(candidates(), at_most=12, seed=1)
    assert spread_photos(candidates(), at_most=30, seed=0)[:12] == one
    assert len(spread_photos(candidates(), at_most=1000, seed=0)) == 71
    assert spread_photos([], at_most=5, seed=0) == []
