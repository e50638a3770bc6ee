"""Whether the figure can be believed, in one word and the reasons for it."""

from collections.abc import Mapping, Sequence
from typing import Any

from machinami.enough import BLOCKS_FOR_BOOTSTRAP, BLOCKS_FOR_TRUST

__all__ = ["SENTENCES", "verdict_of"]

MOST_COLUMNS = 4  # of metadata, in the reasons

Fact = dict[str, Any]


def verdict_of(figures: Mapping[str, Any], *, metadata_near: bool) -> dict[str, Any]:
    """The part "verdict" of evaluation.json: code, reasons and facts.

    The code is the first that holds of "confounded" (how the photos were taken tells the places about as well as the
    network does), "random-split", "too-few-blocks" (a place has one test block, or there are fewer than ten in all)
    and "sound"; the reasons name everything that a reader must know. The facts are the reasons in numbers, one for
    one: "fact" names the kind, the rest fills its sentence in any language.
    """
    found = {
        "confounded": _confounded(figures, metadata_near=metadata_near),
        "random-split": _random(figures),
        "too-few-blocks": _few(figures),
    }
    code = next((code for code, facts in found.items() if facts), "sound")
    facts = [fact for part in found.values() for fact in part] or _sound(figures)
    left_out = ((figures["baselines"] or {}).get("metadata") or {}).get("left_out")
    if left_out:
        facts.append({"fact": "left-out", "columns": ", ".join(left_out)})
    return {"code": code, "reasons": [_reason(fact) for fact in facts], "facts": facts}


def _confounded(figures: Mapping[str, Any], *, metadata_near: bool) -> list[Fact]:
    baselines, confounds = figures["baselines"], figures["confounds"] or []
    if not metadata_near or baselines is None:
        return []
    telling = [row for row in confounds if row["verdict"] in ("confounded", "strong")]
    return [
        {
            "fact": "metadata-near",
            "metadata": baselines["balanced_accuracy"]["metadata"],
            "network": figures["test"]["balanced_accuracy"]["value"],
        },
        *({"fact": "column", "column": row["column"], "detail": row["detail"]} for row in telling[:MOST_COLUMNS]),
    ]


def _random(figures: Mapping[str, Any]) -> list[Fact]:
    split = figures["split"]
    return [] if split is None or split["strategy"] != "random" else [{"fact": "random-split"}]


def _few(figures: Mapping[str, Any]) -> list[Fact]:
    blocks = figures["test"]["blocks"]
    alone = [place for place, row in figures["per_place"].items() if row["blocks"] == 1]
    absent = [place for place, row in figures["per_place"].items() if not row["blocks"]]
    if absent:
        return [{"fact": "no-block", "places": absent}]
    if alone:
        return [{"fact": "single-block", "places": alone}]
    if blocks < BLOCKS_FOR_BOOTSTRAP:
        return [{"fact": "few-blocks", "blocks": blocks, "enough": BLOCKS_FOR_BOOTSTRAP}]
    return []


def _sound(figures: Mapping[str, Any]) -> list[Fact]:
    blocks = figures["test"]["blocks"]
    facts: list[Fact] = [{"fact": "other-photos" if figures["split"] is None else "new-ground", "blocks": blocks}]
    if blocks < BLOCKS_FOR_TRUST:
        facts.append({"fact": "short-interval", "enough": BLOCKS_FOR_TRUST})
    return facts


SENTENCES = {
    "metadata-near": "how the photos were taken tells the places as well as how they look: metadata alone reads "
    "{metadata} balanced accuracy, the network {network}",
    "column": "{column} goes with the place ({detail})",
    "random-split": "the split is random: test photos have neighbours among the training photos, so this is memory "
    "of places too",
    "single-block": "{places} a single test block, so nothing tells how much another would differ",
    "no-block": "{places} no test photo, so nothing is known of that place",
    "left-out": "no baseline was allowed to use {columns} (evaluate.leave_out)",
    "few-blocks": "there are {blocks} test blocks; with fewer than {enough} a figure is a hint",
    "new-ground": "measured on {blocks} blocks of ground that were never learned from",
    "other-photos": "measured on {blocks} blocks of photos",
    "short-interval": "with fewer than {enough} blocks the interval is somewhat too short",
}


def _reason(fact: Fact) -> str:
    return SENTENCES[fact["fact"]].format(**{name: _written(value) for name, value in fact.items()})


def _written(value: Any) -> str:
    if isinstance(value, float):
        return f"{100 * value:.0f} %"
    return _having(value) if isinstance(value, list) else str(value)


def _having(names: Sequence[str]) -> str:
    return f"{names[0]} has" if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]} each have"
