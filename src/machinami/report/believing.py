"""The section on what the figure rests on: titles that say what was found, and the chart of rivals."""

from machinami.report.charts import AccuracyChart, accuracy_row, share_ticks
from machinami.report.facts import Figure, Scores
from machinami.report.guessing import spread_of_mean
from machinami.report.texts import Lang, texts
from machinami.report.verdict import LINKED, reasons_of, telling_words

__all__ = [
    "confound_rows",
    "confound_title",
    "curve_title",
    "gap_words",
    "pairs_title",
    "reliability_title",
    "reliability_words",
    "rivals_chart",
    "rivals_title",
    "selective_title",
    "verdict_reasons",
]

ORDER = ("metadata", "colour", "majority")


def verdict_reasons(scores: Scores, lang: Lang) -> list[str]:
    """Why the verdict is what it is."""
    return reasons_of(scores, lang)


def rivals_chart(scores: Scores) -> AccuracyChart:
    """The network, the same recipe on a random split, and simpler means: balanced accuracy."""
    chance, belief = 1 / len(scores.places), scores.belief
    spread = spread_of_mean(chance, [place.photos for place in scores.places])
    band = (chance - spread, chance + spread)
    rows = [accuracy_row("rivals.network", scores.balanced_accuracy, band, strong=True)]
    if belief.random is not None:
        rows.append(accuracy_row("rivals.random", Figure(belief.random), band, hollow=True))
    rows += [
        accuracy_row(f"baseline.{name}", Figure(belief.rivals[name]), band, hollow=True)
        for name in ORDER
        if name in belief.rivals
    ]
    return AccuracyChart(rows=tuple(rows), ticks=share_ticks(), not_above=())


def rivals_title(scores: Scores, lang: Lang) -> str:
    """By how much the network passes the strongest simple means."""
    t, belief, figure = texts(lang), scores.belief, scores.balanced_accuracy.value
    if belief.code == "confounded":
        return t.say("rivals.title.near")
    if not belief.rivals or figure is None:
        return t.say("rivals.title.none")
    name = max(belief.rivals, key=lambda key: belief.rivals[key])
    ahead = figure - belief.rivals[name]
    words = t.known(f"baseline.{name}", name)
    if ahead <= 0:
        return t.say("rivals.title.behind", name=words)
    return t.say("rivals.title.clear", points=t.points(ahead), name=words)


def gap_words(scores: Scores, lang: Lang) -> list[str]:
    """What a random split would have said, and what the metadata were."""
    t, belief = texts(lang), scores.belief
    said = []
    gap = belief.gap
    if belief.random is not None and gap is not None and gap.value is not None:
        known = gap.low is not None and gap.high is not None
        ends = t.say("rivals.gap.ends", low=_signed(gap.low), high=_signed(gap.high)) if known else ""
        shown = gap.low is not None and gap.low > 0
        key = "rivals.gap.shown" if shown else "rivals.gap.same"
        said.append(t.say(key, random=t.percent(belief.random), gap=_signed(gap.value) + ends))
    if belief.columns and "metadata" in belief.rivals:
        names = [t.known(f"column.{name}", name) for name in belief.columns]
        said.append(t.say("rivals.columns", list=t.listed(names)))
    return said


def _signed(share: float | None) -> str:
    """Percentage points with their sign."""
    return "–" if share is None else f"{100 * share:+.1f}".replace("-", "−")


def confound_rows(scores: Scores, lang: Lang) -> list[tuple[str, str, str, str, str]]:
    """Columns that go with the place: name, V, V by chance, verdict, where it shows most."""
    t, labels = texts(lang), {place.key: place.label for place in scores.places}
    return [
        (
            t.known(f"column.{row['column']}", str(row["column"])),
            t.number(row.get("cramers_v"), digits=2),
            t.number(row.get("chance"), digits=2),
            t.say(f"confound.verdict.{row['verdict']}"),
            telling_words(row, labels, lang),
        )
        for row in scores.confounds
        if row.get("verdict") in LINKED
    ]


def confound_title(scores: Scores, lang: Lang) -> str:
    """Which columns go with the place."""
    t, names = texts(lang), [row[0] for row in confound_rows(scores, lang)]
    return t.say("confound.title", list=t.listed(names)) if names else t.say("confound.none")


def reliability_title(scores: Scores, lang: Lang) -> str:
    """Whether the percentages miss by more than chance gives."""
    ece, high = scores.ece, scores.belief.ece_high
    if ece is None or high is None:
        return texts(lang).say("calibration.title")
    return texts(lang).say("reliability.title.holds" if ece <= high else "reliability.title.misses")


def reliability_words(scores: Scores, lang: Lang) -> list[str]:
    """The calibration error beside that of a calibrated network."""
    t, ece, mean, high = texts(lang), scores.ece, scores.belief.ece_mean, scores.belief.ece_high
    if ece is None or mean is None or high is None:
        return []
    return [t.say("reliability.words", ece=t.points(ece), mean=t.points(mean), high=t.points(high))]


def selective_title(scores: Scores, lang: Lang) -> str:
    """What the surest half is worth."""
    t, rows = texts(lang), scores.belief.answered
    half = min(rows, key=lambda row: abs(row.share - 0.5))
    return t.say("selective.title", half=t.percent(half.accuracy), all=t.percent(rows[-1].accuracy))


def curve_title(scores: Scores, lang: Lang) -> str:
    """What more blocks would bring."""
    t, step, now = texts(lang), scores.belief.forecast[0], scores.belief.curve[-1]
    blocks, known = t.count(step.blocks, "block"), t.count(now.blocks, "block")
    return t.say("curve.title", blocks=blocks, now=known, figure=t.figure(step.figure))


def pairs_title(scores: Scores, lang: Lang) -> str:
    """The pair that is hardest to tell apart."""
    labels = {place.key: place.label for place in scores.places}
    a, b = scores.belief.pairs[0].places
    return texts(lang).say("pairs.title", a=labels.get(a, a), b=labels.get(b, b))
