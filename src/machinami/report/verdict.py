"""The verdict in words: the sentence that every output begins with, and the reasons for it."""

from collections.abc import Mapping
from typing import Any, Literal

from machinami.enough import BLOCKS_FOR_BOOTSTRAP
from machinami.report.facts import Scores
from machinami.report.guessing import beats_guessing, spread_of_mean
from machinami.report.texts import Lang, Texts, texts
from machinami.split import Split

__all__ = ["LINKED", "Ground", "claim_of", "ground_of", "reasons_of", "telling_words", "verdict_sentence"]

Ground = Literal["ground", "runs", "random", "others"]
LINKED = ("weak", "strong", "confounded")  # verdicts of a column of metadata that a reader must know of
RELIABLE = 0.8  # balanced accuracy from which places count as told apart without a "but"


def ground_of(split: Split) -> Ground:
    """What the test photos are: of squares of ground, of runs of photos, or drawn at random."""
    if split.branded:
        return "random"
    return "ground" if any(block.corners is not None for block in split.blocks) else "runs"


def claim_of(scores: Scores) -> str:
    """What the balanced accuracy shows: "told", "partly", "maybe" (without an interval) or "not"."""
    figure, chance = scores.balanced_accuracy, 1 / len(scores.places)
    if not beats_guessing(figure, chance, spread_of_mean(chance, [place.photos for place in scores.places])):
        return "not"
    if figure.low is None:
        return "maybe"
    return "told" if figure.value is not None and figure.value >= RELIABLE else "partly"


def verdict_sentence(scores: Scores, ground: Ground, lang: Lang) -> str | None:
    """The sentence that begins with Confounded, Random split, Too few blocks or Sound, with the figure and its blocks.

    None where the figures hold no verdict, or no balanced accuracy.
    """
    t, belief, figure = texts(lang), scores.belief, scores.balanced_accuracy
    if belief.code is None or figure.value is None:
        return None
    values = {"figure": t.figure(figure), "blocks": t.count(scores.blocks, "block")}
    if belief.code == "confounded":
        return t.say("verdict.confounded", metadata=t.percent(belief.rivals.get("metadata")), **values)
    if belief.code == "random-split":
        return t.say("verdict.random-split", **values)
    if belief.code == "too-few-blocks":
        return _few(scores, t, values)
    places = (
        t.say("headline.two", a=scores.places[0].label, b=scores.places[1].label)
        if len(scores.places) == 2
        else t.say("headline.many", n=len(scores.places))
    )
    measured = t.say(f"verdict.measured.{ground}", **values)
    chance = t.percent(1 / len(scores.places))
    return t.say(f"verdict.sound.{claim_of(scores)}", places=places, measured=measured, chance=chance)


def _few(scores: Scores, t: Texts, values: Mapping[str, str]) -> str:
    alone = [place.label for place in scores.places if place.blocks == 1]
    if not alone:
        return t.say("verdict.too-few-blocks", enough=BLOCKS_FOR_BOOTSTRAP, **values)
    key = "verdict.too-few-blocks.one" if len(alone) == 1 else "verdict.too-few-blocks.each"
    return t.say(key, places=t.listed(alone), **values)


def reasons_of(scores: Scores, lang: Lang) -> list[str]:
    """Why the verdict is what it is, a sentence a fact."""
    t = texts(lang)
    labels = {place.key: place.label for place in scores.places}
    rows = {row.get("column"): row for row in scores.confounds}
    said = []
    for fact in scores.belief.facts:
        if fact["fact"] == "column":
            column = str(fact["column"])
            detail = telling_words(rows.get(column, fact), labels, lang)
            said.append(t.say("verdict.fact.column", column=t.known(f"column.{column}", column), detail=detail))
        else:
            values = {name: _written(value, labels, t) for name, value in fact.items() if name != "fact"}
            said.append(t.say(f"verdict.fact.{fact['fact']}", **values))
    return said


def _written(value: Any, labels: Mapping[str, str], t: Texts) -> str:
    if isinstance(value, float):
        return t.percent(value)
    return t.listed([labels.get(key, key) for key in value]) if isinstance(value, list) else str(value)


def telling_words(row: Mapping[str, Any], labels: Mapping[str, str], lang: Lang) -> str:
    """Which value of a column tells the places, and how often each has it; as it stands where it is not in parts."""
    t, telling = texts(lang), row.get("telling")
    if not telling:
        return str(row.get("detail", ""))
    shares = [
        t.say("confound.share", place=labels.get(place, place), n=n, of=telling["of"][place])
        for place, n in telling["photos"].items()
    ]
    value = t.say("confound.unknown") if telling["value"] is None else telling["value"]
    return t.say("confound.detail", value=value, shares=t.say("list.comma").join(shares))
