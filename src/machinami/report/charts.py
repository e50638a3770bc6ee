"""Dot-and-interval charts: a row is a label, a strip of SVG as wide as its column, and the number in words."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from machinami.report.facts import Figure, Lift, PlaceScore, ReportData
from machinami.report.guessing import beats_guessing, spread_of_guesses, spread_of_mean
from machinami.report.svg import element
from machinami.report.texts import Lang, texts

__all__ = [
    "AccuracyChart",
    "LiftChart",
    "Row",
    "Tick",
    "accuracy_chart",
    "accuracy_row",
    "accuracy_title",
    "lift_chart",
    "share_ticks",
]

ROW_PX = 30
_FRACTIONS = {-1: "½", -2: "¼", -3: "⅛"}
Say = Callable[[Lang], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a chart."""

    label: Say
    colour: int | None  # number of the place, None for ink
    plot: Markup
    value: Say
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the axis: where, as a share of the width in per cent, and what it says."""

    at: float
    text: Say


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyChart:
    """Accuracy against guessing."""

    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]
    not_above: tuple[Say, ...]  # names of the figures that do not lie above what guessing gives


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftChart:
    """Lifts of the regions, a panel a place, all on one logarithmic scale and in one order."""

    panels: tuple[tuple[PlaceScore, tuple[Row, ...]], ...]  # no rows where no region was seen often enough
    ticks: tuple[Tick, ...]
    has_null: bool


# --- accuracy ---------------------------------------------------------------------------------------------------


def accuracy_chart(data: ReportData) -> AccuracyChart:
    """Balanced and plain accuracy, the recall of each place, and the baselines that were measured."""
    scores, chance = data.scores, 1 / len(data.places)
    counts = [place.photos for place in data.places]
    figures: list[tuple[Say, Figure, float, int | None]] = [
        (_named("well.balanced"), scores.balanced_accuracy, spread_of_mean(chance, counts), None),
        (_named("well.accuracy"), scores.accuracy, spread_of_guesses(chance, scores.photos), None),
    ]
    figures += [
        (_plain(place.label), Figure(place.recall), spread_of_guesses(chance, place.photos), index)
        for index, place in enumerate(data.places)
    ]
    rows = [
        Row(
            label=name,
            colour=colour,
            plot=_accuracy_plot(figure, (chance - spread, chance + spread), colour),
            value=lambda lang, figure=figure: texts(lang).figure(figure),  # type: ignore[misc]
            strong=number == 0,
        )
        for number, (name, figure, spread, colour) in enumerate(figures)
    ]
    rows += [_baseline_row(name, accuracy) for name, accuracy in sorted(scores.baselines.items())]
    return AccuracyChart(
        rows=tuple(rows),
        ticks=share_ticks(),
        not_above=tuple(name for name, figure, spread, _ in figures if not beats_guessing(figure, chance, spread)),
    )


def share_ticks() -> tuple[Tick, ...]:
    """Quarters."""
    return tuple(Tick(100 * share, _share(share)) for share in (0, 0.25, 0.5, 0.75, 1))


def accuracy_row(
    key: str, figure: Figure, null: tuple[float, float], *, strong: bool = False, hollow: bool = False
) -> Row:
    """A share in ink over the band of guessing, named by a key of the texts."""
    mark = _mark(figure, lambda value: 100 * value, None, hollow=hollow)
    return Row(
        label=_named(key),
        colour=None,
        plot=_plot(_at_share(null), mark),
        value=lambda lang: texts(lang).figure(figure),
        strong=strong,
    )


def accuracy_title(chart: AccuracyChart, lang: Lang) -> str:
    """Whether every figure lies above what guessing gives, and which do not."""
    t = texts(lang)
    if not chart.not_above:
        return t.say("well.chart.above")
    return t.say("well.chart.mixed", list=t.listed([name(lang) for name in chart.not_above]))


def _named(key: str) -> Say:
    return lambda lang: texts(lang).say(key)


def _share(share: float) -> Say:
    return lambda lang: texts(lang).percent(share)


def _plain(text: str) -> Say:
    return lambda _: text


def _accuracy_plot(figure: Figure, null: tuple[float, float], colour: int | None) -> Markup:
    return _plot(_at_share(null), _mark(figure, lambda value: 100 * value, colour))


def _at_share(band: tuple[float, float]) -> tuple[float, float]:
    low, high = (min(max(100 * end, 0.0), 100.0) for end in band)
    return low, high


def _baseline_row(name: str, accuracy: float) -> Row:
    mark = element("circle", cx=f"{100 * accuracy:.1f}%", cy=ROW_PX / 2, r=4.5, class_="hollow")
    return Row(
        label=lambda lang: texts(lang).known(f"baseline.{name}", name),
        colour=None,
        plot=_plot(None, mark),
        value=lambda lang: texts(lang).percent(accuracy),
    )


# --- lift -------------------------------------------------------------------------------------------------------


def lift_chart(data: ReportData) -> LiftChart:
    """One panel a place. Raises AssertionError where there is no attention."""
    attention = data.attention
    assert attention is not None
    axis = _LogAxis.around([lift for lifts in attention.places.values() for lift in lifts])
    order = _order(attention.regions, attention.places)
    panels = []
    for index, place in enumerate(data.places):
        by_region = {lift.region: lift for lift in attention.places.get(place.key, ())}
        null = attention.null.get(place.key, {})
        rows = [_lift_row(by_region[region], index, axis, null.get(region)) for region in order if region in by_region]
        known = any(lift.lift is not None for lift in by_region.values())
        panels.append((place, tuple(rows) if known else ()))
    return LiftChart(panels=tuple(panels), ticks=axis.ticks(), has_null=bool(attention.null))


@dataclass(frozen=True, slots=True)
class _LogAxis:
    """Between two powers of two, which lie at 0 and 100 per cent of the width."""

    low: int
    high: int

    @classmethod
    def around(cls, lifts: Sequence[Lift]) -> "_LogAxis":
        """The powers of two around all values, at least ½ … 2, at most ⅛ … 8."""
        values = [v for lift in lifts for v in (lift.lift, lift.low, lift.high) if v]
        low = math.floor(math.log2(min(values, default=1)))
        high = math.ceil(math.log2(max(values, default=1)))
        return cls(max(-3, min(low, -1)), min(3, max(high, 1)))

    def at(self, value: float) -> float:
        """Where a value lies, per cent of the width; values outside lie at the ends."""
        power = math.log2(value) if value > 0 else -math.inf
        return 100 * (min(max(power, self.low), self.high) - self.low) / (self.high - self.low)

    def ticks(self) -> tuple[Tick, ...]:
        """The powers of two."""
        powers = range(self.low, self.high + 1)
        return tuple(Tick(self.at(2.0**p), _plain(f"{2**p}×" if p >= 0 else f"{_FRACTIONS[p]}×")) for p in powers)


def _order(regions: Sequence[str], places: Mapping[str, Sequence[Lift]]) -> list[str]:
    """Regions in which the places differ most come first; those without a lift last."""
    logs: dict[str, list[float]] = {region: [] for region in regions}
    for lifts in places.values():
        for lift in lifts:
            if lift.lift:
                logs[lift.region].append(math.log(lift.lift))

    def difference(region: str) -> tuple[bool, float, str]:
        values = [*logs[region], 0.0]
        return not logs[region], -(max(values) - min(values)), region

    return sorted(regions, key=difference)


def _lift_row(lift: Lift, index: int, axis: _LogAxis, null: tuple[float, float] | None) -> Row:
    figure = Figure(lift.lift, lift.low, lift.high)
    band = None if null is None else (axis.at(null[0]), axis.at(null[1]))
    marks = [element("line", x1=f"{axis.at(1):.1f}%", x2=f"{axis.at(1):.1f}%", y1=0, y2=ROW_PX, class_="one")]
    if lift.lift is not None and lift.against_lift is not None:
        at = f"{axis.at(lift.against_lift):.1f}%"
        marks.append(element("line", x1=at, x2=at, y1=9, y2=ROW_PX - 9, class_="against"))
    if lift.lift is not None:
        marks.append(_mark(figure, axis.at, index, hollow=not (lift.above or lift.below)))
    return Row(
        label=lambda lang: texts(lang).region(lift.region),
        colour=index,
        plot=_plot(band, *marks),
        value=lambda lang: _lift_value(lift, figure, lang),
        strong=lift.above,
    )


def _lift_value(lift: Lift, figure: Figure, lang: Lang) -> str:
    if lift.lift is None:
        return texts(lang).say("lift.few", n=lift.photos)
    return texts(lang).times(figure)


# --- drawing ----------------------------------------------------------------------------------------------------


def _plot(null: tuple[float, float] | None, *marks: Markup) -> Markup:
    """A strip as wide as its column: the grey band of chance behind, the marks in front."""
    behind = (
        ""
        if null is None
        else element("rect", x=f"{null[0]:.1f}%", y=0, width=f"{null[1] - null[0]:.1f}%", height=ROW_PX, class_="null")
    )
    middle = ROW_PX / 2
    rail = element("line", x1="0", x2="100%", y1=middle, y2=middle, class_="rail")
    return element("svg", behind, rail, *marks, width="100%", height=ROW_PX, class_="plot", aria_hidden="true")


def _mark(figure: Figure, at: Callable[[float], float], colour: int | None, *, hollow: bool = False) -> Markup:
    """A dot with its interval as a thin line."""
    if figure.value is None:
        return Markup("")
    middle = ROW_PX / 2
    kind = "ink" if colour is None else f"place-{colour}"
    line = Markup("")
    if figure.low is not None and figure.high is not None:
        ends = (f"{at(figure.low):.1f}%", f"{at(figure.high):.1f}%")
        line = element("line", x1=ends[0], x2=ends[1], y1=middle, y2=middle, class_=f"interval {kind}")
    dot = element(
        "circle", cx=f"{at(figure.value):.1f}%", cy=middle, r=5.5, class_=f"dot {kind}{' hollow' if hollow else ''}"
    )
    return line + dot
