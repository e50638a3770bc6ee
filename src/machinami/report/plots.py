"""Small plots with two axes: calibration, the surest answers, what more blocks would bring."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from scipy.stats import binom

from machinami.report.belief import Bin
from machinami.report.facts import Scores
from machinami.report.svg import element, label, picture
from machinami.report.texts import Lang, texts

__all__ = ["draw_curve", "draw_reliability", "draw_selective"]

WIDTH, HEIGHT = 400, 270
LEFT, RIGHT, TOP, BOTTOM = 52, 20, 32, 46  # margins around the field
_BAND = (0.025, 0.975)
_LINES = {0.0: 5, 0.5: 6, 0.8: 5}  # across the field, by where the axis of shares begins
Say = Callable[[Lang], str]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """Where a value lies in the picture. Both axes are linear; y is a share."""

    x_low: float
    x_high: float
    y_low: float

    def at(self, x: float, y: float) -> Point:
        across = (x - self.x_low) / (self.x_high - self.x_low)
        up = (max(y, self.y_low) - self.y_low) / (1 - self.y_low)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    def axes(self, ticks: Sequence[tuple[float, Say]], *, across: str, up: str) -> Iterator[Markup]:
        """Thin lines and names: shares up the left, `ticks` along the bottom; `across` and `up` are keys of texts."""
        yield label(_key(up), 0, 14, class_="tick")
        for share in np.linspace(self.y_low, 1, _LINES[self.y_low]):
            (left, y), (right, _) = self.at(self.x_low, share), self.at(self.x_high, share)
            yield element("line", x1=left, x2=right, y1=y, y2=y, class_="rail")
            yield label(_percent(float(share)), left - 6, y + 4, class_="tick end")
        for x, words in ticks:
            yield label(words, self.at(x, self.y_low)[0], HEIGHT - BOTTOM + 18, class_="tick middle")
        yield label(_key(across), (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, class_="tick middle")


def draw_reliability(scores: Scores) -> Markup:
    """How sure it was against how often it was right, over what chance gives a calibrated network."""
    bins = sorted(scores.belief.bins, key=lambda row: row.confidence)
    start = np.floor(10 * min(row.confidence for row in bins)) / 10
    field = _Field(x_low=min(float(start), 0.9), x_high=1, y_low=0)
    low, high = _calibrated(bins)
    edges = [field.at(row.confidence, y) for row, y in zip(bins, high, strict=True)]
    edges += [field.at(row.confidence, y) for row, y in zip(bins, low, strict=True)][::-1]
    corners = (field.at(field.x_low, field.x_low), field.at(1, 1))
    ticks = [(x, _percent(x)) for x in np.linspace(field.x_low, 1, 3).tolist()]
    dots = [_dot(field.at(row.confidence, row.accuracy)) for row in bins]
    band = element("polygon", points=_path(edges), class_="null")
    axes = field.axes(ticks, across="reliability.x", up="reliability.y")
    return _picture("reliability.x", axes, band, _line(corners, "rail"), *dots)


def _calibrated(bins: Sequence[Bin]) -> tuple[list[float], list[float]]:
    """Between which shares 95 % of groups of a calibrated network lie: exact binomial quantiles."""
    ends = [np.atleast_1d(binom.ppf(_BAND, row.photos, min(row.confidence, 1.0))) / row.photos for row in bins]
    return [float(end[0]) for end in ends], [float(end[1]) for end in ends]


def draw_selective(scores: Scores) -> Markup:
    """Accuracy of the surest tenth of the answers, of the surest two tenths, and so on."""
    rows = scores.belief.answered
    field = _Field(x_low=0, x_high=1, y_low=_floor([row.accuracy for row in rows]))
    spots = [field.at(row.share, row.accuracy) for row in rows]
    ticks = [(x, _percent(x)) for x in (0.1, 0.5, 1.0)]
    return _picture(
        "selective.x",
        field.axes(ticks, across="selective.x", up="well.accuracy"),
        _line(spots, "stroke"),
        *(_dot(spot) for spot in spots),
    )


def draw_curve(scores: Scores) -> Markup:
    """Balanced accuracy by training blocks with intervals, and the forecast."""
    known, ahead = scores.belief.curve, scores.belief.forecast
    steps = [*known, *ahead]
    lows = [value for step in steps for value in (step.figure.low, step.figure.value) if value is not None]
    field = _Field(x_low=0, x_high=max(step.blocks for step in steps), y_low=_floor(lows))
    marks: list[Markup] = []
    for step in steps:
        figure = step.figure
        spot = field.at(step.blocks, figure.value or 0)
        if figure.low is not None and figure.high is not None:
            ends = [field.at(step.blocks, end) for end in (figure.low, figure.high)]
            marks.append(_line(ends, "interval"))
        marks.append(_dot(spot, hollow=step in ahead))
    joined = [field.at(step.blocks, step.figure.value or 0) for step in steps]
    lines = [_line(joined[: len(known)], "stroke"), _line(joined[len(known) - 1 :], "stroke ahead")]
    ticks = [(step.blocks, _count(step.blocks)) for step in (known[-1], *ahead)]
    return _picture("curve.x", field.axes(ticks, across="curve.x", up="well.balanced"), *lines, *marks)


def _floor(shares: Sequence[float]) -> float:
    """Where the axis of shares begins: 0, or 50 % or 80 % where all lie well above."""
    return next((floor for floor in (0.8, 0.5) if min(shares) >= floor + 0.02), 0.0)


def _picture(title: str, axes: Iterator[Markup], *marks: Markup) -> Markup:
    return picture(WIDTH, HEIGHT, *axes, *marks, title=_key(title))


def _key(key: str) -> Say:
    return lambda lang: texts(lang).say(key)


def _percent(share: float) -> Say:
    return lambda lang: texts(lang).percent(share)


def _count(number: int) -> Say:
    return lambda _: f"{number:,}"


def _path(spots: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)


def _line(spots: Sequence[Point], kind: str) -> Markup:
    return element("polyline", points=_path(spots), class_=kind, fill="none")


def _dot(spot: Point, *, hollow: bool = False) -> Markup:
    return element("circle", cx=spot[0], cy=spot[1], r=4, class_="dot hollow" if hollow else "dot")
