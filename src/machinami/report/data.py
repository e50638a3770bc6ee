"""Reads all that the report is made of into one frozen record; every file is checked here, once."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from machinami.catalog import Catalog
from machinami.config import Config
from machinami.errors import NotReady, ProjectError
from machinami.evaluate.predictions import read_predictions
from machinami.explain.judges import JUDGES
from machinami.files import read_json
from machinami.places import label_of, resolve_places
from machinami.project import Project
from machinami.report.belief import read_belief, read_figure
from machinami.report.facts import (
    Attention,
    Figure,
    Holdings,
    Knockout,
    Lift,
    PlaceScore,
    Point,
    Predictions,
    ReportData,
    Scores,
)
from machinami.report.settings import read_settings
from machinami.split import read_split

__all__ = ["read_attention", "read_holdings", "read_report_data", "read_scores", "scores_of"]

T = TypeVar("T")
MOST_POINTS = 2000  # dots for one place on the map; more only blacken it


def read_report_data(project: Project, config: Config) -> ReportData:
    """Everything that the report says of a project.

    Raises NotReady where the project is not evaluated yet, ProjectError for a file that cannot be read.
    """
    if not project.evaluation_file.is_file():
        raise NotReady(f"{project.root} is not evaluated yet", command=f"machinami evaluate {project.root}")
    split = read_split(project)
    with project.catalog() as catalog:
        labels = {place.key: label_of(place) for place in resolve_places(config, catalog)}
        scores = read_scores(project, labels)
        predictions = _read_predictions(project, tuple(place.key for place in scores.places))
        missed = set(predictions.photo_id[predictions.true != predictions.predicted].tolist())
        holdings = read_holdings(catalog, {place.key for place in scores.places}, missed)
    attention = read_attention(project)
    attention_file = project.explanations / "attention.json"
    noted = attention_file.is_file()
    heatmaps = _read(attention_file, _method_and_layer, again="explain") if noted else ("", "")
    return ReportData(
        places=scores.places,
        scores=scores,
        split=split,
        predictions=predictions,
        attention=attention if attention is not None and attention.regions else None,
        explained=any((project.explanations / "heatmaps").glob("part-*.npz")),
        heatmaps=heatmaps,
        holdings=holdings,
        settings=read_settings(project, config, split_digest=split.digest),
    )


def read_scores(project: Project, labels: Mapping[str, str]) -> Scores:
    """The figures in evaluation.json, with the places' labels by key. Raises ProjectError."""
    return _read(project.evaluation_file, lambda facts: scores_of(facts, labels), again="evaluate")


def read_attention(project: Project) -> Attention | None:
    """What attention.json and knockout.json tell; None where the first is missing. Raises ProjectError."""
    file, effects_file = project.explanations / "attention.json", project.explanations / "knockout.json"
    if not file.is_file():
        return None
    effects = _read(effects_file, _knockouts, again="explain") if effects_file.is_file() else {}
    return _read(file, lambda facts: _attention(facts, effects), again="explain")


def _read(path: Path, parse: Callable[[Mapping[str, Any]], T], *, again: str) -> T:
    """What `parse` makes of a JSON file. Raises ProjectError, which names the file and the stage that writes it."""
    try:
        return parse(read_json(path))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        problem = f"{type(error).__name__}: {error}"
        raise ProjectError(f"{path} is damaged ({problem}): run `machinami {again}` again") from error


# --- evaluation.json --------------------------------------------------------------------------------------------


def scores_of(facts: Mapping[str, Any], labels: Mapping[str, str]) -> Scores:
    """Figures in the form of evaluation.json as a record; places without a label are called by their keys."""
    test = facts["test"]
    return Scores(
        photos=int(test["photos"]),
        blocks=int(test["blocks"]),
        accuracy=read_figure(test["accuracy"]),
        balanced_accuracy=read_figure(test["balanced_accuracy"]),
        macro_f1=read_figure(test["macro_f1"]),
        nll=_number(test.get("nll")),
        brier=_number(test.get("brier")),
        ece=_number(test.get("ece")),
        ece_uncalibrated=_number(test.get("ece_uncalibrated")),
        places=tuple(_place_score(key, labels.get(key, key), facts["per_place"][key]) for key in facts["places"]),
        confusion=_confusion(facts["confusion"], places=len(facts["places"])),
        baselines=_baselines(facts.get("baselines")),
        random_split=read_figure(facts["random_split"]["accuracy"]) if facts.get("random_split") else None,
        random_gap=_gap(facts.get("random_split")),
        confounds=tuple(facts.get("confounds") or ()),
        belief=read_belief(facts),
        test_opened=None if facts.get("test_opened") is None else int(facts["test_opened"]),
    )


def _gap(random: Mapping[str, Any] | None) -> Figure | None:
    if random is None:
        return None
    return Figure(*(_number(random.get(name)) for name in ("gap", "gap_low", "gap_high")))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _place_score(key: str, label: str, facts: Mapping[str, Any]) -> PlaceScore:
    return PlaceScore(
        key=key,
        label=label,
        photos=int(facts["photos"]),
        blocks=None if facts.get("blocks") is None else int(facts["blocks"]),
        recall=_number(facts.get("recall")),
        precision=_number(facts.get("precision")),
        f1=_number(facts.get("f1")),
    )


def _confusion(rows: Any, *, places: int) -> tuple[tuple[int, ...], ...]:
    table = tuple(tuple(int(count) for count in row) for row in rows)
    if len(table) != places or any(len(row) != places for row in table):
        raise ValueError(f"the confusion matrix is not {places} × {places}")
    return table


def _baselines(facts: Any) -> dict[str, float]:
    """Accuracy by name, those that were measured."""
    found = {name: read_figure(_accuracy(entry)).value for name, entry in (facts or {}).items()}
    return {name: value for name, value in found.items() if value is not None}


def _accuracy(entry: Any) -> Any:
    return entry["accuracy"] if isinstance(entry, Mapping) and "accuracy" in entry else entry


# --- attention.json ---------------------------------------------------------------------------------------------


def _knockouts(facts: Mapping[str, Any]) -> dict[str, dict[str, Knockout]]:
    return {key: {name: _knockout(one) for name, one in found.items()} for key, found in facts["places"].items()}


def _knockout(facts: Mapping[str, Any]) -> Knockout:
    effects = {str(name): read_figure(effect) for name, effect in facts["effect"].items()}
    agrees = facts.get("agrees")
    return Knockout(effects=effects, agrees=None if agrees is None else bool(agrees))


def _attention(facts: Mapping[str, Any], effects: Mapping[str, Mapping[str, Knockout]]) -> Attention:
    regions = tuple(str(name) for name in facts["regions"])
    blocks = facts.get("lift_blocks") or {}
    return Attention(
        regions=regions,
        places={
            key: tuple(
                _lift(region, entries[region], blocks.get(key, {}).get(region), effects.get(key, {}).get(region))
                for region in regions
                if region in entries
            )
            for key, entries in facts["places"].items()
        },
        null=_null(facts.get("baselines") or {}),
        photos=int(facts.get("photos") or 0),
        blocks=int(facts.get("blocks") or 0),
        no_positive_evidence={key: int(count) for key, count in facts.get("no_positive_evidence", {}).items()},
        masks_from={str(origin): int(count) for origin, count in (facts.get("masks_from") or {}).items()},
    )


def _method_and_layer(facts: Mapping[str, Any]) -> tuple[str, str]:
    """By which method and at which layer the heatmaps were made, whatever machinami.toml says by now."""
    return str(facts.get("method") or ""), str(facts.get("layer") or "")


def _lift(region: str, facts: Mapping[str, Any], blocks: Any, knockout: Knockout | None) -> Lift:
    numbers = ("share", "area_share", "lift", "low", "high", "against")
    return Lift(
        region=region,
        photos=int(facts.get("photos") or 0),
        distinguishable=facts.get("distinguishable"),
        blocks=None if blocks is None else int(blocks),
        knockout=knockout,
        **{name: _number(facts.get(name)) for name in numbers},
    )


def _null(baselines: Mapping[str, Any]) -> dict[str, dict[str, tuple[float, float]]]:
    """The band of the nulls that lifts are judged by, by place and region; random networks are not among them."""
    bands: dict[str, dict[str, tuple[float, float]]] = {}
    for table in (table for name, table in baselines.items() if name in JUDGES):
        for key, entries in table.items():
            for region, entry in entries.items():
                low, high = _number(entry.get("low")), _number(entry.get("high"))
                if low is not None and high is not None:
                    known = bands.setdefault(key, {}).get(region, (low, high))
                    bands[key][region] = (min(low, known[0]), max(high, known[1]))
    return bands


# --- predictions ------------------------------------------------------------------------------------------------


def _read_predictions(project: Project, keys: tuple[str, ...]) -> Predictions:
    """The test photos of predictions/. Raises NotReady and ProjectError."""
    told = read_predictions(project.predictions, split="test")
    if set(told.places) != set(keys) or not set(told.place) <= set(keys):
        raise ProjectError(
            f"{project.predictions} is of other places than the figures: run `machinami evaluate {project.root}` again"
        )
    index = {key: number for number, key in enumerate(keys)}
    order = np.argsort(told.photo_id, kind="stable")
    return Predictions(
        photo_id=told.photo_id[order],
        true=np.array([index[place] for place in told.place], np.int64)[order],
        predicted=np.array([index[place] for place in told.predicted], np.int64)[order],
        probabilities=told.probabilities[order][:, [told.places.index(key) for key in keys]],
        block=tuple(told.block[row] for row in order.tolist()),
    )


# --- catalogue --------------------------------------------------------------------------------------------------


def read_holdings(catalog: Catalog, keys: set[str], missed: Collection[int] = ()) -> Holdings:
    """Counts, sources, licences and positions of the photos; `missed` are those taken for another place."""
    counts = tuple(catalog.counts())
    kept = {key: sum(n for place, state, _, n in counts if place == key and state == "fetched") for key in keys}
    every = max(1, -(-max(kept.values(), default=0) // MOST_POINTS))
    sources, licences = Counter[str](), Counter[str]()
    attributions: set[str] = set()
    points: dict[str, list[Point]] = {}
    seen = Counter[str]()
    for photo in catalog.photos(state="fetched"):
        if photo.place not in keys:
            continue
        sources[photo.source] += 1
        licences[photo.licence or ""] += 1
        if photo.attribution:
            attributions.add(photo.attribution)
        if photo.lat is not None and photo.lon is not None:
            wrong = photo.photo_id in missed
            if wrong or seen[photo.place] % every == 0:
                points.setdefault(photo.place, []).append(Point(photo.lat, photo.lon, wrong))
            seen[photo.place] += 1
    areas = catalog.areas()
    return Holdings(
        counts=counts,
        sources=dict(sorted(sources.items())),
        licences=dict(sorted(licences.items())),
        attributions=tuple(sorted(attributions)),
        points={key: tuple(found) for key, found in points.items()},
        points_every=every,
        outlines={key: json.loads(area["geojson"]) for key, area in areas.items() if key in keys},
        areas={key: _area_source(area) for key, area in areas.items() if key in keys},
    )


def _area_source(area: Mapping[str, Any]) -> str:
    return " ".join(str(part) for part in (area["source"], area["code"]) if part)
