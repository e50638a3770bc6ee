"""knockout.json: the effects of blanking regions out, of a few photos of each place, beside the lifts they check."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from machinami.explain.attention import AttentionSettings
from machinami.explain.choice import Candidate
from machinami.explain.examples import examples
from machinami.explain.fillings import FILLINGS
from machinami.explain.held_out import HeldOut
from machinami.explain.knockout import knock_out, knockout_table, regions_to_blank
from machinami.explain.spread import SPREAD_RULE, spread_photos
from machinami.files import write_json
from machinami.progress import Progress

__all__ = ["write_knockout"]


def write_knockout(
    file: Path,
    held_out: HeldOut,
    candidates: Sequence[Candidate],
    attention: dict[str, Any],
    settings: AttentionSettings,
    progress: Progress,
) -> dict[str, Any] | None:
    """Blanks regions out of `explain.knockout_photos` photos and writes what is lost; the content comes back.

    Without masks, or where no photos are asked for, an older file goes, and nothing comes back.
    """
    explain, places = held_out.config.explain, held_out.model.card.keys
    if held_out.masks.regions is None or explain.knockout_photos < 1 or explain.knockout_regions < 1:
        file.unlink(missing_ok=True)
        return None
    lifts = attention["places"]
    wanted = {index: regions_to_blank(lifts[key], at_most=explain.knockout_regions) for index, key in enumerate(places)}
    chosen = spread_photos(held_out.told_rightly(candidates), at_most=explain.knockout_photos, seed=settings.seed)
    shown = progress.track(examples(held_out, chosen), total=len(chosen), label="Blanking regions out")
    sums = knock_out(held_out.network, shown, regions=held_out.masks.regions, wanted=wanted, settings=settings)
    content = {
        "unit": "logits: what the class-centred score of the true place loses, less what it loses to a control region",
        "fillings": list(FILLINGS),
        "photos": len(chosen),
        "rule": SPREAD_RULE,
        "places": knockout_table(
            sums, lifts, places=places, regions=held_out.masks.regions, wanted=wanted, settings=settings
        ),
    }
    write_json(file, content)
    return content
