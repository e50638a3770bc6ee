"""What evaluation.json tells of whether its figure can be believed, as frozen records."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Answered", "Belief", "Bin", "Figure", "Pair", "Step", "read_belief", "read_figure"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured number with its interval; None where it is not defined or has none."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Answers of about the same confidence."""

    confidence: float  # mean
    accuracy: float
    photos: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The surest share of the answers; "confidence" is that of the least sure among them."""

    share: float
    accuracy: float
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two places; similarity 0 … 1."""

    places: tuple[str, str]  # keys
    similarity: Figure
    mistakes: int
    of: int  # photos
    photos: tuple[int, ...]  # mistaken for the other, the surest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Balanced accuracy of a linear probe by training blocks."""

    blocks: int
    figure: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """Parts that were not measured are None or empty."""

    code: str | None  # confounded, random-split, too-few-blocks or sound; None where no verdict was noted
    facts: tuple[Mapping[str, Any], ...]
    rivals: Mapping[str, float]  # baseline -> balanced accuracy
    columns: tuple[str, ...]  # that the baseline "metadata" looked at, the most telling first
    random: float | None  # balanced accuracy on a random split
    gap: Figure | None  # by how much that exceeds the one on the blocks
    ece_mean: float | None  # of a calibrated network of this size: its mean, and what 95 % stay below
    ece_high: float | None
    bins: tuple[Bin, ...]
    answered: tuple[Answered, ...]
    pairs: tuple[Pair, ...]
    curve: tuple[Step, ...]
    forecast: tuple[Step, ...]


def read_belief(facts: Mapping[str, Any]) -> Belief:
    """From evaluation.json. Raises KeyError, TypeError or ValueError where it is damaged."""
    verdict, baselines = facts.get("verdict") or {}, facts.get("baselines") or {}
    random, expected = facts.get("random_split"), facts["test"].get("ece_expected") or {}
    curve, metadata = facts.get("learning_curve") or {}, baselines.get("metadata")
    balanced = baselines.get("balanced_accuracy") or {}
    return Belief(
        code=verdict.get("code"),
        facts=tuple(verdict.get("facts") or ()),
        rivals={name: float(value) for name, value in balanced.items() if value is not None},
        columns=tuple(metadata.get("columns") or ()) if isinstance(metadata, Mapping) else (),
        random=_number(random.get("balanced_accuracy")) if random else None,
        gap=Figure(*(_number(random.get(f"balanced_gap{end}")) for end in ("", "_low", "_high"))) if random else None,
        ece_mean=_number(expected.get("mean")),
        ece_high=_number(expected.get("high")),
        bins=tuple(
            Bin(confidence=float(row["confidence"]), accuracy=float(row["accuracy"]), photos=int(row["photos"]))
            for row in facts.get("reliability") or ()
        ),
        answered=tuple(
            Answered(share=float(row["share"]), accuracy=float(row["accuracy"]), confidence=float(row["confidence"]))
            for row in facts.get("selective") or ()
        ),
        pairs=tuple(_pair(row) for row in facts.get("similar_pairs") or ()),
        curve=tuple(_step(row) for row in curve.get("points") or ()),
        forecast=tuple(_step(row) for row in curve.get("forecast") or ()),
    )


def read_figure(value: Any) -> Figure:
    """A figure from a number, from {"value", "low", "high"}, or from nothing."""
    if isinstance(value, Mapping):
        return Figure(*(_number(value.get(name)) for name in ("value", "low", "high")))
    return Figure(_number(value))


def _pair(row: Mapping[str, Any]) -> Pair:
    first, second = row["places"]
    return Pair(
        places=(str(first), str(second)),
        similarity=Figure(_number(row["similarity"]), _number(row["low"]), _number(row["high"])),
        mistakes=int(row["mistakes"]),
        of=int(row["of"]),
        photos=tuple(int(photo_id) for photo_id in row["photos"]),
    )


def _step(row: Mapping[str, Any]) -> Step:
    return Step(blocks=int(row["blocks"]), figure=read_figure(row))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
