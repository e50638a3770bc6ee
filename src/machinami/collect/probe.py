"""A few free searches, and from them how many photos a place may have."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import numpy as np
import shapely

from machinami.areas import Area
from machinami.config import Config
from machinami.ordered import in_order
from machinami.progress import Progress
from machinami.sampling import Sample
from machinami.sources.manners import Unanswered
from machinami.sources.source import Box, Cell, Found, PhotoRef, Source

__all__ = ["probe_places"]

_BOXES, _SPOTS = 5, 20  # asked for each place


def probe_places(
    config: Config, source: Source, areas: Mapping[str, Area], samples: Mapping[str, Iterator[Sample]], *,
    progress: Progress,
) -> Iterator[str]:  # fmt: skip
    """A sentence for each place: what a few of its cells, drawn with the config's seed, hold."""

    def ask(cell: Cell) -> Found | None:
        try:
            return source.search(cell)
        except Unanswered:
            return None

    for place, area in areas.items():
        cells = _draw(source, area, samples[place], seed=config.seed)
        answers = in_order(ask, cells, threads=config.collect.in_flight)
        found = list(progress.track(answers, total=len(cells), label=f"Probing {place}", unit="cells"))
        yield f"{place}: {_told(area, cells, found)}"


def _draw(source: Source, area: Area, samples: Iterator[Sample], *, seed: int) -> list[Cell]:
    if source.spots:
        return list(source.cells(area, list(islice(samples, _SPOTS))))
    cells = list(source.cells(area, ()))
    chosen = np.random.default_rng(seed).permutation(len(cells))[:_BOXES]
    return [cells[row] for row in sorted(chosen.tolist())]


def _told(area: Area, cells: Sequence[Cell], found: Sequence[Found | None]) -> str:
    answered = [(cell, answer) for cell, answer in zip(cells, found, strict=True) if answer is not None]
    silent = f"; {len(cells) - len(answered)} without an answer" if len(answered) < len(cells) else ""
    if not answered:
        return f"none of {len(cells)} trial searches was answered"
    boxes = [(cell, answer) for cell, answer in answered if isinstance(cell, Box)]
    if not boxes:
        hits = sum(any(ref.reason is None for ref in answer.refs) for _, answer in answered)
        return f"{hits} of {len(answered)} trial samples have a photo{silent}"
    searched, photos = 0.0, 0
    for box, answer in boxes:
        ground = shapely.intersection(area.shape, shapely.box(box.west, box.south, box.east, box.north))
        searched += ground.area
        photos += sum(_is_inside(area, box, ref) for ref in answer.refs if ref.reason is None)
    least = "at least " if any(not answer.whole for _, answer in boxes) else ""
    likely = round(photos * area.shape.area / searched) if searched else 0
    return f"{least}about {likely:,} photos, from {photos:,} in {len(boxes)} trial searches{silent}"


def _is_inside(area: Area, box: Box, ref: PhotoRef) -> bool:
    """Whether it lies in the area and in the box; some sources answer for a circle around it."""
    inside = box.west <= ref.lon < box.east and box.south <= ref.lat < box.north
    return inside and bool(area.contains(np.array([ref.lat]), np.array([ref.lon]))[0])
