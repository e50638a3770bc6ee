"""The findings as sentences, from the numbers of the files and in the words of `i18n/`. Plain text."""

from collections.abc import Sequence

from machinami.enough import BLOCKS_FOR_TRUST
from machinami.report.facts import Attention, Figure, Lift, PlaceScore, ReportData
from machinami.report.texts import Lang, Texts, texts
from machinami.report.verdict import LINKED, claim_of, ground_of, verdict_sentence

__all__ = [
    "beliefs",
    "branding",
    "calibration_words",
    "confusion_words",
    "dek",
    "findings",
    "giveaways",
    "headline",
    "lift_title",
    "masks_words",
    "opening",
]

GOOD_CALIBRATION = 0.05
MOST_CONFOUNDS = 2  # on the first screen; the table below has the others


def findings(data: ReportData, lang: Lang = "en") -> list[str]:
    """What the first screen says, a sentence each: can they be told apart, what gives each away, can it be believed."""
    brand = branding(data, lang)
    return [
        *([brand] if brand and opening(data, lang) == headline(data, lang) else []),
        opening(data, lang),
        *([brand] if brand and data.scores.belief.code not in (None, "random-split") else []),
        *giveaways(data, lang),
        *beliefs(data, lang),
    ]


def opening(data: ReportData, lang: Lang) -> str:
    """The first sentence of every output: the verdict with the figure; the headline where no verdict was noted."""
    return verdict_sentence(data.scores, ground_of(data.split), lang) or headline(data, lang)


def branding(data: ReportData, lang: Lang) -> str | None:
    """What everything made from a random split must say first; None for an honest split."""
    return texts(lang).say("headline.branded") if data.split.branded else None


def headline(data: ReportData, lang: Lang) -> str:
    """Whether the places can be told apart, with the figure."""
    say = texts(lang).say
    figure, chance = data.scores.balanced_accuracy, 1 / len(data.places)
    if figure.value is None:
        return say("headline.undefined")
    if len(data.places) == 2:
        subject = say("headline.two", a=data.places[0].label, b=data.places[1].label)
    else:
        subject = say("headline.many", n=len(data.places))
    ground = "random" if data.split.branded else "ground" if data.on_ground else "runs"
    measured = say(f"headline.{ground}", figure=texts(lang).figure(figure))
    claim = claim_of(data.scores)
    return say(f"headline.{claim}", places=subject, figure=measured, chance=texts(lang).percent(chance))


def dek(data: ReportData, lang: Lang) -> str:
    """Who judged what: the line below the headline."""
    t = texts(lang)
    learned = sum(len(block.photos) for block in data.split.blocks if block.subset == "train")
    card = data.settings.card or {}
    return t.say(
        "headline.dek",
        backbone=card.get("backbone") or data.settings.config["train"]["backbone"],
        train=t.count(learned, "photo"),
        test=t.count(data.scores.photos, "photo"),
        chance=t.percent(1 / len(data.places)),
    )


def giveaways(data: ReportData, lang: Lang) -> list[str]:
    """What gives each place away, a sentence a place; or the one that tells why it cannot be said."""
    if data.attention is None:
        return [texts(lang).say("give.nomasks" if data.explained else "give.unexplained")]
    return [_giveaway(data.attention, place, lang) for place in data.places]


def _giveaway(attention: Attention, place: PlaceScore, lang: Lang) -> str:
    """The regions of highest lift whose interval lies above 1."""
    t = texts(lang)
    lifts = attention.places.get(place.key, ())
    if all(lift.lift is None for lift in lifts):
        return t.say("give.few", place=place.label)
    best = strongest(lifts)
    if not best:
        return _no_giveaway(lifts, place, t)
    values = {"place": place.label, "region": t.region(best[0].region), "lift": _times(t, best[0])}
    if len(best) == 1:
        said = t.say("give.one", **values)
    else:
        said = t.say("give.two", **values, region2=t.region(best[1].region), lift2=_times(t, best[1]))
    return t.say("give.checked", lift=said, effect=effect) if (effect := _effect(best[0], t)) else said


def _effect(lift: Lift, t: Texts) -> str | None:
    """Whether blanking the region out bears out its lift; None where that was not tried, or does not tell."""
    knockout = lift.knockout
    if knockout is None or knockout.agrees is None or knockout.range is None:
        return None
    low, high = (t.number(value, digits=1) for value in knockout.range)
    return t.say(
        f"give.effect.{'some' if knockout.agrees else 'none'}", region=t.region(lift.region), low=low, high=high
    )


def _no_giveaway(lifts: Sequence[Lift], place: PlaceScore, t: Texts) -> str:
    """Nothing stands out, or what does rests on too few blocks to be called a finding; or blanking out alone tells."""
    thin = thinly(lifts)
    if not thin:
        said = t.say("give.none", place=place.label)
        needed = [lift for lift in lifts if lift.fills_a_cell and lift.needed_without_lift]
        if not needed:
            return said
        most = max(needed, key=lambda lift: lift.knockout.range if lift.knockout and lift.knockout.range else (0, 0))
        return t.say("give.checked", lift=said, effect=_effect_alone(most, t))
    blocks = t.count(thin[0].blocks or 0, "block")
    return t.say(
        "give.thin", place=place.label, region=t.region(thin[0].region), lift=_times(t, thin[0]), blocks=blocks
    )


def _effect_alone(lift: Lift, t: Texts) -> str:
    assert lift.knockout is not None
    assert lift.knockout.range is not None
    low, high = (t.number(value, digits=1) for value in lift.knockout.range)
    return t.say("give.effect.alone", region=t.region(lift.region), low=low, high=high)


def thinly(lifts: Sequence[Lift]) -> list[Lift]:
    """Regions whose interval lies above 1 over too few blocks, the highest lift first."""
    found = (
        lift
        for lift in lifts
        if lift.low is not None and lift.low > 1 and lift.distinguishable is not False and not lift.enough_blocks
    )
    return sorted(found, key=lambda lift: (-(lift.lift or 0), lift.region))


def strongest(lifts: tuple[Lift, ...]) -> list[Lift]:
    """Regions that hold more evidence than their area and are large enough to say so, the highest lift first."""
    return sorted(
        (lift for lift in lifts if lift.above and lift.fills_a_cell), key=lambda lift: (-(lift.lift or 0), lift.region)
    )


def _times(t: Texts, lift: Lift) -> str:
    return t.times(Figure(lift.lift, lift.low, lift.high))


def beliefs(data: ReportData, lang: Lang) -> list[str]:
    """What speaks for and against taking the figures at their word; silent on what was not measured."""
    return [
        _belief_blocks(data, lang),
        *_belief_thin(data, lang),
        _belief_distance(data, lang),
        *_belief_rivals(data, lang),
        *_belief_leaks(data, lang),
    ]


def _belief_blocks(data: ReportData, lang: Lang) -> str:
    t, scores = texts(lang), data.scores
    photos, blocks = t.count(scores.photos, "photo"), t.count(scores.blocks, "block")
    if scores.balanced_accuracy.low is None:
        return t.say("believe.nointerval", photos=photos, blocks=blocks)
    if scores.blocks < BLOCKS_FOR_TRUST:
        return t.say("believe.few", blocks=blocks, enough=BLOCKS_FOR_TRUST)
    return t.say("believe.enough", photos=photos, blocks=blocks)


def _belief_thin(data: ReportData, lang: Lang) -> list[str]:
    """The place with the fewest test blocks, where its blocks are counted."""
    t = texts(lang)
    counted = [place for place in data.places if place.blocks is not None]
    if not counted:
        return []
    thin = min(counted, key=lambda place: (place.blocks or 0, place.photos))
    photos, blocks = t.count(thin.photos, "photo"), t.count(thin.blocks or 0, "block")
    return [t.say("believe.thin", place=thin.label, photos=photos, blocks=blocks)]


def _belief_distance(data: ReportData, lang: Lang) -> str:
    t, distances = texts(lang), data.split.report.test_to_train_m
    if distances is not None:
        return t.say("believe.distance", p10=t.metres(distances.p10), median=t.metres(distances.median))
    return t.say("believe.unknown_distance" if data.on_ground else "believe.runs")


def _belief_rivals(data: ReportData, lang: Lang) -> list[str]:
    """The strongest baseline and the random split, where they were measured."""
    t, scores = texts(lang), data.scores
    belief = scores.belief
    balanced = bool(belief.rivals)
    measure = t.say("measure.balanced" if balanced else "measure.accuracy")
    rivals = belief.rivals or scores.baselines
    network = t.figure(scores.balanced_accuracy if balanced else scores.accuracy)
    said = []
    if rivals:
        name = max(rivals, key=lambda key: rivals[key])
        label = t.known(f"baseline.{name}", name)
        values = {"name": label, "accuracy": t.percent(rivals[name])}
        said.append(t.say("believe.baseline", network=network, measure=measure, **values))
    random = Figure(belief.random) if balanced else scores.random_split
    if random is not None and random.value is not None:
        gap = belief.gap if balanced else scores.random_gap
        shown = gap is not None and gap.low is not None and gap.low > 0
        key = "believe.random_split" if shown else "believe.random_same"
        said.append(t.say(key, accuracy=t.figure(random), network=network, measure=measure))
    return said


def _belief_leaks(data: ReportData, lang: Lang) -> list[str]:
    """Duplicates across the split, columns that go with the place, and how often the test was opened."""
    t = texts(lang)
    said = []
    if data.split.report.near_duplicates_across:
        said.append(t.say("believe.duplicates", n=data.split.report.near_duplicates_across))
    linked = [entry for entry in data.scores.confounds if entry.get("verdict") in LINKED]
    for entry in linked[:MOST_CONFOUNDS]:
        column = t.known(f"column.{entry['column']}", str(entry["column"]))
        said.append(t.say("believe.confound", column=column, v=t.number(entry.get("cramers_v"), digits=2)))
    if data.scores.test_opened is not None:
        said.append(t.say("believe.opened", times=t.count(data.scores.test_opened, "time")))
    return said


def confusion_words(data: ReportData, lang: Lang) -> list[str]:
    """A sentence a place: how many are told rightly, and what the others pass for."""
    t = texts(lang)
    said = []
    for index, (place, row) in enumerate(zip(data.places, data.scores.confusion, strict=True)):
        photos = t.count(sum(row), "photo")
        others = [(count, -other) for other, count in enumerate(row) if other != index]
        count, other = max(others)
        if sum(row) == 0:
            said.append(t.say("confusion.none", place=place.label))
        elif count == 0:
            said.append(t.say("confusion.all", place=place.label, photos=photos))
        else:
            rival = data.places[-other].label
            said.append(
                t.say("confusion.some", place=place.label, photos=photos, right=row[index], other=rival, n=count)
            )
    return said


def calibration_words(data: ReportData, lang: Lang) -> list[str]:
    """Whether the percentages can be taken at their word."""
    t, ece, raw = texts(lang), data.scores.ece, data.scores.ece_uncalibrated
    said = []
    if ece is None:
        said.append(t.say("calibration.unknown"))
    elif ece <= GOOD_CALIBRATION:
        said.append(t.say("calibration.good", ece=t.points(ece)))
    else:
        low, high = t.percent(max(0.0, 0.8 - ece)), t.percent(min(1.0, 0.8 + ece))
        said.append(t.say("calibration.fair", ece=t.points(ece), low=low, high=high))
    if ece is not None and raw is not None:
        said.append(t.say("calibration.change", raw=t.points(raw)))
    return [*said, t.say("calibration.none_of_these")]


def lift_title(data: ReportData, lang: Lang) -> str:
    """The finding of the lift chart: the strongest region of each place that has one."""
    t = texts(lang)
    assert data.attention is not None
    items, thin = [], False
    for place in data.places:
        thin = thin or bool(thinly(data.attention.places.get(place.key, ())))
        best = strongest(data.attention.places.get(place.key, ()))
        if best:
            items.append(t.say("lift.chart.item", region=t.region(best[0].region), place=place.label))
    if not items:
        return t.say("lift.chart.thin" if thin else "lift.chart.none")
    return t.say("lift.chart.some", list=t.listed(items))


def masks_words(data: ReportData, lang: Lang) -> list[str]:
    """Whose masks the regions come from, and a warning where they are only colours; nothing where it was not noted."""
    t = texts(lang)
    if data.attention is None or not data.attention.masks_from:
        return []
    if data.attention.weak:
        return [t.say("lift.weak")]
    items = []
    for origin, photos in data.attention.masks_from.items():
        kind, _, name = origin.partition(": ")
        maker = t.say("origin.segmenter", name=name) if name else t.known(f"origin.{kind}", origin)
        items.append(t.say("lift.from.item", maker=maker, photos=t.count(photos, "photo")))
    return [t.say("lift.from", list=t.listed(items))]
