"""Figures on a subset where every place has equally many photos of each value of a column: same cameras, same years."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from machinami.catalog import Photo
from machinami.config import Config
from machinami.errors import InputError, NotReady
from machinami.evaluate.intervals import count_blocks, statistic_interval
from machinami.evaluate.metadata import COLUMNS, UNKNOWN, column_values
from machinami.evaluate.metrics import accuracy, balanced_accuracy
from machinami.evaluate.predictions import read_predictions
from machinami.files import read_json, write_json
from machinami.project import Project

__all__ = ["balanced_rows", "match_project", "matched_figures"]

Ints = npt.NDArray[np.int64]


def match_project(project: Project, config: Config, column: str) -> dict[str, Any]:
    """evaluation.json with "matched" filled in, from the predictions that are there; the file is written anew.

    Raises NotReady without predictions, InputError for a column that does not exist or in which no value is found in
    every place.
    """
    if column not in COLUMNS:
        raise InputError(f"there is no column {column!r} to match by: {', '.join(COLUMNS)}")
    said = read_predictions(project.predictions, split="test")
    with project.catalog() as catalog:
        found = [catalog.find_id(photo_id) for photo_id in said.photo_id.tolist()]
    photos = [photo for photo in found if photo is not None]
    if len(photos) < len(found):
        raise NotReady("predicted photos are gone", command=f"machinami evaluate {project.root}")
    labels = np.array([said.places.index(place) for place in said.place], np.int64)
    matched = matched_figures(
        column, photos, labels, said.probabilities.argmax(axis=1), said.block, places=said.places, config=config
    )
    figures = {**read_json(project.evaluation_file), "matched": matched}
    write_json(project.evaluation_file, figures)
    return figures


def matched_figures(  # noqa: PLR0913  the answers, column by column
    column: str,
    photos: Sequence[Photo],
    labels: Ints,
    predicted: Ints,
    blocks: Sequence[str],
    *,
    places: Sequence[str],
    config: Config,
) -> dict[str, Any]:
    """The part "matched" of evaluation.json. Raises InputError where nothing is left."""
    values = column_values(photos, column)
    rows = balanced_rows(values, labels, places=len(places), seed=config.seed)
    if not len(rows):
        known = "is known of no test photo" if set(values) == {UNKNOWN} else "is shared by test photos of all places"
        known = known if set(values) == {UNKNOWN} else f"has no value that {known}"
        others = ", ".join(name for name in COLUMNS if name != column)
        raise InputError(f"{column} {known}, so there is nothing to match by: match by another of {others}")
    table = count_blocks(labels[rows], predicted[rows], [blocks[row] for row in rows], places=len(places))
    figures: dict[str, Any] = {}
    for name, score in (("accuracy", accuracy), ("balanced_accuracy", balanced_accuracy)):
        interval = statistic_interval(
            table, score, draws=config.evaluate.draws, level=config.evaluate.level, seed=config.seed
        )
        figures[name] = None if interval is None else asdict(interval)
    return {
        "column": column,
        "photos": len(rows),
        "blocks": len({blocks[row] for row in rows}),
        "values": len({values[row] for row in rows}),
        "dropped": len(labels) - len(rows),
        **figures,
    }


def balanced_rows(values: Sequence[str], labels: Ints, *, places: int, seed: int) -> Ints:
    """Of each known value equally many photos of every place, drawn at random: int64, ascending row numbers."""
    rng, named, rows = np.random.default_rng([seed, 0x3A7C]), np.asarray(values), []
    for value in sorted(set(values) - {UNKNOWN}):
        here = [np.flatnonzero((named == value) & (labels == place)) for place in range(places)]
        fewest = min(len(found) for found in here)
        rows += [rng.choice(found, fewest, replace=False) for found in here if fewest]
    return np.sort(np.concatenate(rows)) if rows else np.zeros(0, np.int64)
