"""Whether the figure can be believed, in one word and the reasons for it."""

from collections.abc import Mapping, Sequence
from typing import Any

from machinami.enough import BLOCKS_FOR_BOOTSTRAP, BLOCKS_FOR_TRUST

__all__ = ["verdict_of"]


def verdict_of(figures: Mapping[str, Any], *, metadata_near: bool) -> dict[str, Any]:
    """The part "verdict" of evaluation.json: code and reasons.

    The code is the first that holds of "confounded" (how the photos were taken tells the places about as well as the
    network does), "random-split", "too-few-blocks" (a place has one test block, or there are fewer than ten in all)
    and "sound"; the reasons name everything that a reader must know.
    """
    reasons = {
        "confounded": _confounded(figures, metadata_near=metadata_near),
        "random-split": _random(figures),
        "too-few-blocks": _few(figures),
    }
    code = next((code for code, said in reasons.items() if said), "sound")
    said = [sentence for sentences in reasons.values() for sentence in sentences]
    return {"code": code, "reasons": said or _sound(figures)}


def _confounded(figures: Mapping[str, Any], *, metadata_near: bool) -> list[str]:
    baselines, confounds = figures["baselines"], figures["confounds"] or []
    if not metadata_near or baselines is None:
        return []
    alone = baselines["balanced_accuracy"]["metadata"]
    network = figures["test"]["balanced_accuracy"]["value"]
    said = (
        "how the photos were taken tells the places as well as how they look: metadata alone reads "
        f"{_percent(alone)} balanced accuracy, the network {_percent(network)}"
    )
    telling = [row for row in confounds if row["verdict"] in ("confounded", "strong")]
    return [said, *(f"{row['column']} goes with the place ({row['detail']})" for row in telling[:4])]


def _random(figures: Mapping[str, Any]) -> list[str]:
    split = figures["split"]
    if split is None or split["strategy"] != "random":
        return []
    return [
        "the split is random: test photos have neighbours among the training photos, so this is memory of places too"
    ]


def _few(figures: Mapping[str, Any]) -> list[str]:
    blocks = figures["test"]["blocks"]
    alone = [place for place, row in figures["per_place"].items() if row["blocks"] == 1]
    if alone:
        return [f"{_listed(alone)} has a single test block, so nothing tells how much another would differ"]
    if blocks < BLOCKS_FOR_BOOTSTRAP:
        return [f"there are {blocks} test blocks; with fewer than {BLOCKS_FOR_BOOTSTRAP} a figure is a hint"]
    return []


def _sound(figures: Mapping[str, Any]) -> list[str]:
    blocks = figures["test"]["blocks"]
    said = [f"measured on {blocks} blocks of ground that were never learned from"]
    if figures["split"] is None:
        said = [f"measured on {blocks} blocks of photos"]
    if blocks < BLOCKS_FOR_TRUST:
        said.append(f"with fewer than {BLOCKS_FOR_TRUST} blocks the interval is somewhat too short")
    return said


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]} each"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
