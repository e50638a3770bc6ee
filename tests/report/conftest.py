"""A tiny evaluated project, written file by file in the formats that the stages write."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from machinami.catalog import Catalog, Photo
from machinami.explain.heatmap_files import HeatmapBatch, write_heatmaps
from machinami.files import write_json
from machinami.geo import LatLon
from machinami.project import Project
from machinami.split import Block, Split, SplitReport, SubsetCount

NASTY = '<img src=x onerror="alert(1)">&amp; \'"'
REGIONS = ("road", "vegetation")
BLOCKS, PHOTOS = 5, 4  # of each place


@dataclass
class Recipe:
    labels: dict[str, str] = field(default_factory=lambda: {"machida": "町田市", "chuo": "中央区"})
    coordinates: bool = True
    attention: bool = True
    distinguishable: bool | None = None  # of every lift
    effect: float | None = None  # logits lost when vegetation is blanked out; None: nothing was
    heatmaps: bool = True
    branded: str | None = None
    interval: bool = True
    distances: Any = None
    source_id: str = "{place}/{number}.jpg"
    photo_extra: dict[str, Any] = field(default_factory=dict)
    accuracy: float = 0.9234
    size_px: tuple[int, int] = (120, 90)
    lift_blocks: int = 3  # that each lift rests on


@pytest.fixture
def make_project(tmp_path: Path) -> Callable[..., Project]:
    def make(name: str = "tokyo", **changes: Any) -> Project:
        recipe = Recipe(**changes)
        root = tmp_path / name
        root.mkdir()
        places = "".join(f"\n[[places]]\nkey = '{key}'\n" for key in recipe.labels)
        (root / "machinami.toml").write_text(f"seed = 3\n{places}", encoding="utf-8")
        project = Project(root)
        _label(project, recipe)
        blocks = _photos(project, recipe)
        split = _split(recipe, blocks)
        write_json(project.split_file, split.to_json())
        _predictions(project, recipe, split)
        if recipe.heatmaps:
            _heatmaps(project, recipe, split)
        write_json(project.evaluation_file, evaluation(recipe))
        if recipe.attention:
            write_json(project.explanations / "attention.json", attention(recipe))
        if recipe.effect is not None:
            write_json(project.explanations / "knockout.json", knockout(recipe))
        return project

    return make


def _label(project: Project, recipe: Recipe) -> None:
    """Labels with quotes in them need TOML's own escapes; JSON's are the same."""
    import json

    lines = ["seed = 3"]
    for key, label in recipe.labels.items():
        lines += ["[[places]]", f'key = "{key}"', f"label = {json.dumps(label, ensure_ascii=False)}"]
    project.config_file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _photos(project: Project, recipe: Recipe) -> list[Block]:
    rng = np.random.default_rng(0)
    project.photos.mkdir()
    blocks, number = [], 0
    with Catalog(project.catalog_file) as catalog:
        for p, place in enumerate(recipe.labels):
            for b in range(BLOCKS):
                lat, lon = 35.6 + 0.01 * p, 139.4 + 0.006 * b
                ids = []
                for _ in range(PHOTOS):
                    number += 1
                    file = f"photos/{number}.jpg"
                    pixels = rng.integers(0, 255, (9, 12, 3), np.uint8)
                    picture = Image.fromarray(pixels).resize(recipe.size_px)
                    exif = Image.Exif()
                    exif[0x010E] = "SECRET-EXIF"
                    picture.save(project.root / file, exif=exif)
                    where = {"lat": lat + rng.uniform(0, 0.004), "lon": lon + rng.uniform(0, 0.004)}
                    added = catalog.add(
                        Photo(
                            state="fetched",
                            source="folder",
                            source_id=recipe.source_id.format(place=place, number=number),
                            place=place,
                            file=file,
                            width=recipe.size_px[0],
                            height=recipe.size_px[1],
                            pixels_sha256=f"{number:064x}",
                            **(where if recipe.coordinates else {}),
                            **recipe.photo_extra,
                        )
                    )
                    assert added is not None
                    ids.append(added)
                corners = ((lat, lon), (lat, lon + 0.0055), (lat + 0.0045, lon + 0.0055), (lat + 0.0045, lon))
                subset = "test" if b == 0 else "validation" if b == 1 else "train"
                blocks.append(
                    Block(
                        block=f"{place}/{b:04d}",
                        place=place,
                        fold=b,
                        subset=subset,
                        photos=tuple(ids),
                        centre=LatLon(lat + 0.00225, lon + 0.00275) if recipe.coordinates else None,
                        corners=tuple(LatLon(*c) for c in corners) if recipe.coordinates else None,
                    )
                )
        catalog.add(
            Photo(state="rejected", reason="too-small: 20 px", source="folder", source_id="tiny.jpg", place=place)
        )
    return blocks


def _split(recipe: Recipe, blocks: list[Block]) -> Split:
    counts = {
        place: {
            subset: SubsetCount(
                photos=sum(len(b.photos) for b in blocks if b.place == place and b.subset == subset),
                blocks=sum(b.place == place and b.subset == subset for b in blocks),
            )
            for subset in ("test", "validation", "train")
        }
        for place in recipe.labels
    }
    report = SplitReport(
        counts=counts,
        test_to_train_m=recipe.distances,
        near_duplicates_across=0,
        cut_chains=0,
        notes=(),
    )
    return Split(
        seed=3,
        strategy="random" if recipe.branded else "blocks",
        block_m=500.0,
        buffer_m=50.0,
        run_photos=15,
        folds=5,
        fold=0,
        branded=recipe.branded,
        blocks=tuple(blocks),
        dropped=(),
        report=report,
    ).sealed()


def _predictions(project: Project, recipe: Recipe, split: Split) -> None:
    """Test photos are told rightly but for the first of each place."""
    keys = list(recipe.labels)
    rows: dict[str, list[Any]] = {name: [] for name in ("photo_id", "place", "predicted", "split", "block")}
    probabilities = []
    for block in split.blocks:
        for number, photo_id in enumerate(block.photos):
            true = keys.index(block.place)
            predicted = (true + 1) % len(keys) if number == 0 else true
            row = np.full(len(keys), 0.1 / max(len(keys) - 1, 1))
            row[predicted] = 0.9 - 0.07 * number
            probabilities.append(row / row.sum())
            for name, value in zip(
                rows, (photo_id, block.place, keys[predicted], block.subset, block.block), strict=True
            ):
                rows[name].append(value)
    columns = {f"p_{key}": np.array(probabilities, np.float32)[:, i] for i, key in enumerate(keys)}
    project.predictions.mkdir()
    pq.write_table(pa.table({**rows, **columns}), project.predictions / "part-00000.parquet")


def _heatmaps(project: Project, recipe: Recipe, split: Split) -> None:
    rng = np.random.default_rng(1)
    ids = np.array(split.photos("test"), np.int64)
    k = len(recipe.labels)
    maps = rng.normal(0, 0.05, (len(ids), k, 3, 3)).astype(np.float32)
    batch = HeatmapBatch(
        photo_id=ids,
        places=tuple(recipe.labels),
        maps=maps,
        completeness=np.zeros(len(ids), np.float32),
        logits=maps.sum((2, 3)),
    )
    write_heatmaps(project.explanations / "heatmaps", [batch])


def evaluation(recipe: Recipe) -> dict[str, Any]:
    keys = list(recipe.labels)
    k = len(keys)

    def figure(value: float) -> dict[str, float | None]:
        ends = (value - 0.0411, min(value + 0.0333, 1.0)) if recipe.interval else (None, None)
        return {"value": value, "low": ends[0], "high": ends[1]}

    confusion = [[PHOTOS - 1 if i == j else int(j == (i + 1) % k) for j in range(k)] for i in range(k)]
    return {
        "places": keys,
        "test": {
            "photos": PHOTOS * k,
            "blocks": k,
            "accuracy": figure(recipe.accuracy - 0.02),
            "balanced_accuracy": figure(recipe.accuracy),
            "macro_f1": figure(recipe.accuracy - 0.03),
            "nll": 0.31,
            "brier": 0.2,
            "ece": 0.0421,
            "ece_uncalibrated": 0.0876,
        },
        "per_place": {
            key: {"photos": PHOTOS, "blocks": 1, "precision": 0.75, "recall": 0.75, "f1": None} for key in keys
        },
        "confusion": confusion,
        "split": {},
        "random_split": None,
        "baselines": None,
        "confounds": None,
        "test_opened": 2,
    }


def knockout(recipe: Recipe) -> dict[str, Any]:
    assert recipe.effect is not None
    effects = {name: {"value": recipe.effect + 0.1 * n} for n, name in enumerate(("blur", "mean", "inpaint"))}
    effects = {name: {**e, "low": e["value"] - 0.2, "high": e["value"] + 0.2} for name, e in effects.items()}
    agrees = (recipe.effect > 0.2) == (recipe.distinguishable is not False)
    entry = {"effect": effects, "area_share": 0.1, "photos": 12, "blocks": 2, "agrees": agrees}
    return {"places": {next(iter(recipe.labels)): {"vegetation": entry}}}


def attention(recipe: Recipe) -> dict[str, Any]:
    def entry(lift: float | None, low: float | None, high: float | None) -> dict[str, Any]:
        share = None if lift is None else 0.1 * lift
        area = None if lift is None else 0.1
        numbers = {"share": share, "area_share": area, "lift": lift, "low": low, "high": high, "against": area}
        return {**numbers, "photos": 12, "distinguishable": None if lift is None else recipe.distinguishable}

    first, *others = recipe.labels
    table = {first: {"road": entry(0.62, 0.41, 0.83), "vegetation": entry(3.14, 2.52, 3.81)}}
    table |= {key: {"road": entry(None, None, None), "vegetation": entry(1.1, 0.8, 1.4)} for key in others}
    return {
        "regions": list(REGIONS),
        "places": table,
        "all_photos": table,
        "baselines": {},
        "no_positive_evidence": dict.fromkeys(recipe.labels, 0),
        "lift_blocks": {key: dict.fromkeys(REGIONS, recipe.lift_blocks) for key in recipe.labels},
        "blocks": 2,
        "photos": 8,
        "method": "gradcam",
        "layer": "last",
    }
