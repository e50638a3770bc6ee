"""A few photos for what is too dear to do with all: spread over places and blocks, by a rule and a seed."""

from collections.abc import Iterable

import numpy as np

from machinami.explain.choice import Candidate

__all__ = ["SPREAD_RULE", "spread_photos"]

SPREAD_RULE = (
    "photos told rightly that have a mask: the places in turn, of each place its blocks in turn, "
    "blocks and the photos of a block in an order drawn by the seed"
)


def spread_photos(candidates: Iterable[Candidate], *, at_most: int, seed: int) -> list[Candidate]:
    """At most so many of the candidates, as SPREAD_RULE says; those of a smaller number are the first of a larger."""
    rounds: list[tuple[int, int, int, Candidate]] = []
    of_place: dict[int, dict[str, list[Candidate]]] = {}
    for candidate in sorted(candidates, key=lambda c: c.photo_id):
        of_place.setdefault(candidate.place, {}).setdefault(candidate.block, []).append(candidate)
    for place, blocks in sorted(of_place.items()):
        generator = np.random.default_rng([seed, place])
        names = [sorted(blocks)[index] for index in generator.permutation(len(blocks))]
        turns = [
            (turn, position, blocks[name][index])
            for position, name in enumerate(names)
            for turn, index in enumerate(generator.permutation(len(blocks[name])))
        ]
        turns.sort(key=lambda item: item[:2])
        rounds += [(rank, place, 0, candidate) for rank, (_, _, candidate) in enumerate(turns)]
    rounds.sort(key=lambda item: item[:2])
    return [candidate for _, _, _, candidate in rounds[:at_most]]
