"""Which photos are shown: drawn by a rule that is printed beside them, never by hand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = ["RULES", "Candidate", "Choice", "Kind", "choose_photos", "margin_of"]

Kind = Literal["typical", "borderline", "wrong"]
RULES: dict[Kind, str] = {
    "wrong": "photos of the place that another place won by the largest margin",
    "borderline": "photos of the place whose margin is nearest to 0, whoever won",
    "typical": "photos told rightly whose margin is nearest to the median of all of the place told rightly",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A held-out photo and its scores."""

    photo_id: int
    block: str
    place: int  # the true one
    predicted: int
    margin: float  # logit of the true place minus the highest of the others


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A photo that is shown, and why."""

    kind: Kind
    photo: Candidate


def margin_of(scores: npt.NDArray[np.floating], place: int) -> float:
    """The score of the place minus the highest of the others, of one photo's scores (places,)."""
    return float(scores[place] - np.delete(scores, place).max())


def choose_photos(candidates: Sequence[Candidate], *, places: int, at_most: int) -> list[Choice]:
    """At most `at_most` photos of each kind for each place, in the order of RULES, each photo once.

    Photos of blocks not shown yet come first; ties go to the lower photo_id.
    """
    chosen: list[Choice] = []
    for place in range(places):
        left = sorted((c for c in candidates if c.place == place), key=lambda c: c.photo_id)
        right = [c.margin for c in left if c.predicted == place]
        middle = float(np.median(right)) if right else 0.0
        for kind in RULES:
            picked = _spread(_ranked(left, kind, middle), at_most)
            chosen += [Choice(kind=kind, photo=candidate) for candidate in picked]
            left = [c for c in left if c not in picked]
    return chosen


def _ranked(candidates: Sequence[Candidate], kind: Kind, middle: float) -> list[Candidate]:
    """Those that the rule is about, the most fitting first."""
    if kind == "wrong":
        return sorted((c for c in candidates if c.predicted != c.place), key=lambda c: c.margin)
    if kind == "borderline":
        return sorted(candidates, key=lambda c: abs(c.margin))
    return sorted((c for c in candidates if c.predicted == c.place), key=lambda c: abs(c.margin - middle))


def _spread(ranked: Iterable[Candidate], at_most: int) -> list[Candidate]:
    """The first `at_most`, one a block as far as the blocks go."""
    fresh: list[Candidate] = []
    again: list[Candidate] = []
    seen: set[str] = set()
    for candidate in ranked:
        (again if candidate.block in seen else fresh).append(candidate)
        seen.add(candidate.block)
    return (fresh + again)[:at_most]
