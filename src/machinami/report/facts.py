"""What the report knows, as frozen records; `machinami.report.data` fills them from the project's files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from machinami.enough import AREA_FOR_FINDING, BLOCKS_FOR_FINDING
from machinami.report.belief import Belief, Figure
from machinami.split import Split

__all__ = [
    "Attention",
    "Figure",
    "Holdings",
    "Knockout",
    "Lift",
    "PlaceScore",
    "Point",
    "Predictions",
    "ReportData",
    "Scores",
    "Settings",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceScore:
    """How well one place is told; shares 0 … 1, None where not defined."""

    key: str
    label: str
    photos: int
    blocks: int | None
    recall: float | None
    precision: float | None
    f1: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """evaluation.json."""

    photos: int
    blocks: int
    accuracy: Figure
    balanced_accuracy: Figure
    macro_f1: Figure
    nll: float | None
    brier: float | None
    ece: float | None
    ece_uncalibrated: float | None
    places: tuple[PlaceScore, ...]
    confusion: tuple[tuple[int, ...], ...]  # rows are true places, columns predicted ones
    baselines: Mapping[str, float]  # name -> accuracy; empty where none was measured
    random_split: Figure | None  # accuracy on a random split, where it was measured
    random_gap: Figure | None  # by how much that exceeds the accuracy on the blocks
    confounds: tuple[Mapping[str, Any], ...]
    belief: Belief
    test_opened: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Knockout:
    """What a place's score loses when one region is blanked out, less the same for as much elsewhere."""

    effects: Mapping[str, Figure]  # by filling, logits
    agrees: bool | None  # whether that bears out the lift; None where too few photos tell

    @property
    def costs(self) -> bool:
        """Whether the score loses something under every filling."""
        return self.range is not None and self.range[0] > 0

    @property
    def range(self) -> tuple[float, float] | None:
        """The least and the greatest effect over the fillings; None where one is not known."""
        values = [figure.value for figure in self.effects.values()]
        known = [value for value in values if value is not None]
        return (min(known), max(known)) if known and len(known) == len(values) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """One region of one place: share of the evidence against share of the picture."""

    region: str
    photos: int
    share: float | None
    area_share: float | None
    lift: float | None
    low: float | None
    high: float | None
    against: float | None  # share of the evidence against the place
    distinguishable: bool | None
    blocks: int | None = None  # that the photos lie in; None where that was not noted
    knockout: Knockout | None = None  # None where the region was not blanked out

    @property
    def enough_blocks(self) -> bool:
        """Whether the lift may be called a finding, as far as its blocks are known."""
        return self.blocks is None or self.blocks >= BLOCKS_FOR_FINDING

    @property
    def needed_without_lift(self) -> bool:
        """Whether blanking the region out costs the score something, though its lift does not stand out."""
        return not self.above and self.knockout is not None and self.knockout.agrees is False and self.knockout.costs

    @property
    def fills_a_cell(self) -> bool:
        """Whether the region is, on average, large enough for a heatmap to tell it from what is beside it."""
        return self.area_share is None or self.area_share >= AREA_FOR_FINDING

    @property
    def against_lift(self) -> float | None:
        """The same quotient for the evidence against the place."""
        if self.against is None or not self.area_share:
            return None
        return self.against / self.area_share

    @property
    def above(self) -> bool:
        """Whether the region holds more evidence than its area, beyond chance as far as that is known."""
        return self.low is not None and self.low > 1 and self.distinguishable is not False and self.enough_blocks

    @property
    def below(self) -> bool:
        """The same for less."""
        return self.high is not None and self.high < 1 and self.distinguishable is not False and self.enough_blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """attention.json."""

    regions: tuple[str, ...]
    places: Mapping[str, tuple[Lift, ...]]
    null: Mapping[str, Mapping[str, tuple[float, float]]]  # place -> region -> band that chance alone gives
    photos: int
    blocks: int
    no_positive_evidence: Mapping[str, int]
    masks_from: Mapping[str, int] = field(default_factory=dict)  # photos by who made their mask, as explain noted it

    @property
    def weak(self) -> bool:
        """Whether no model and nobody looked at the photos: the regions are colours."""
        return "colour" in self.masks_from

    @property
    def has_knockout(self) -> bool:
        """Whether any region was blanked out."""
        return any(lift.knockout is not None for lifts in self.places.values() for lift in lifts)

    def blocks_of(self, place: str) -> tuple[int, int] | None:
        """The fewest and the most blocks that a lift of the place rests on; None where that was not noted."""
        counts = [lift.blocks for lift in self.places.get(place, ()) if lift.lift is not None and lift.blocks]
        return (min(counts), max(counts)) if counts else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predictions:
    """The rows of the test photos, in the order of their ids."""

    photo_id: npt.NDArray[np.int64]  # (n,)
    true: npt.NDArray[np.int64]  # (n,), index of the place
    predicted: npt.NDArray[np.int64]  # (n,)
    probabilities: npt.NDArray[np.float32]  # (n, places)
    block: tuple[str, ...]  # (n,)


@dataclass(frozen=True, slots=True)
class Point:
    """A photo on the map."""

    lat: float
    lon: float
    wrong: bool  # a test photo that was taken for another place


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What the catalogue holds."""

    counts: tuple[tuple[str | None, str, str | None, int], ...]  # place, state, reason, photos
    sources: Mapping[str, int]  # kept photos
    licences: Mapping[str, int]  # kept photos; "" for an unknown licence
    attributions: tuple[str, ...]
    points: Mapping[str, tuple[Point, ...]]  # place -> photos with coordinates, a sample of them where many
    points_every: int  # 1 where every photo is a point, n where every n-th is
    outlines: Mapping[str, Mapping[str, Any]]  # place -> GeoJSON geometry
    areas: Mapping[str, str]  # place -> where the outline comes from


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the result came about."""

    project: str  # name of the project folder
    config: Mapping[str, Any]
    card: Mapping[str, Any] | None  # model card, where it can be read
    versions: Mapping[str, str]
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReportData:
    """Everything the report says, but for the pixels."""

    places: tuple[PlaceScore, ...]
    scores: Scores
    split: Split
    predictions: Predictions
    attention: Attention | None  # None where there were no region masks
    explained: bool  # whether there are heatmaps
    heatmaps: tuple[str, str]  # their method and layer, as explain noted them; empty where it noted none
    holdings: Holdings
    settings: Settings

    @property
    def keys(self) -> tuple[str, ...]:
        """The places' keys, in the order of their colours."""
        return tuple(place.key for place in self.places)

    @property
    def on_ground(self) -> bool:
        """Whether any block is a square of ground; otherwise all are runs of neighbouring photos."""
        return any(block.corners is not None for block in self.split.blocks)
