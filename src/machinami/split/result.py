"""A split as it is handed on: blocks, folds, what was dropped; and its form in split.json."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

from machinami.geo import LatLon
from machinami.split.report import Distances, SplitReport, SubsetCount

__all__ = ["FORMAT", "SUBSETS", "Block", "Dropped", "Split", "Strategy", "Subset"]

FORMAT = 1
Strategy = Literal["blocks", "areas", "sequences", "random"]
Subset = Literal["test", "validation", "train"]
SUBSETS: tuple[Subset, ...] = ("test", "validation", "train")
_SETTINGS = ("digest", "seed", "strategy", "block_m", "buffer_m", "run_photos", "folds", "fold", "branded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A piece of ground, or a run of names, with one place's photos of it. It is never split."""

    block: str  # place/number
    place: str
    fold: int  # -1: in none, always for training (areas beyond those that every place has)
    subset: Subset
    photos: tuple[int, ...]  # photo_id, ascending; without those that were dropped
    centre: LatLon | None = None  # of a square of ground, or of an area
    corners: tuple[LatLon, ...] | None = None  # its outline: a square has four


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A photo that is in no subset, and why."""

    photo_id: int
    reason: Literal["buffer", "near-duplicate"]
    block: str  # where it would have been


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Which photo is for what. Equal assignments have equal digests, whatever order the photos came in."""

    digest: str = ""
    seed: int
    strategy: Strategy
    block_m: float
    buffer_m: float
    run_photos: int
    folds: int
    fold: int  # the test; the next one is validation, the others are for training
    branded: str | None  # what every result made from this split must say, for a random one
    blocks: tuple[Block, ...]
    dropped: tuple[Dropped, ...]
    report: SplitReport

    def photos(self, subset: Subset) -> tuple[int, ...]:
        """The photo_ids of a subset, ascending."""
        return tuple(sorted(p for block in self.blocks if block.subset == subset for p in block.photos))

    def subset_of(self) -> dict[int, str]:
        """photo_id -> test, validation, train or dropped, for every photo that was split."""
        found: dict[int, str] = {p: block.subset for block in self.blocks for p in block.photos}
        return found | {drop.photo_id: "dropped" for drop in self.dropped}

    def block_of(self) -> dict[int, str]:
        """photo_id -> block, for every photo that was split, the dropped ones too."""
        found = {p: block.block for block in self.blocks for p in block.photos}
        return found | {drop.photo_id: drop.block for drop in self.dropped}

    def place_of(self) -> dict[int, str]:
        """photo_id -> place, for every photo that was split, the dropped ones too."""
        found = {p: block.place for block in self.blocks for p in block.photos}
        return found | {drop.photo_id: drop.block.rpartition("/")[0] for drop in self.dropped}

    def sealed(self) -> Self:
        """The same split with its digest: SHA-256 over photo_id, subset and block of all photos."""
        return replace(self, digest=_digest(self.blocks, self.dropped))

    def to_json(self) -> dict[str, Any]:
        """The content of split.json."""
        report = self.report
        return {
            "format": FORMAT,
            **{name: getattr(self, name) for name in _SETTINGS},
            "blocks": [_block_json(block) for block in self.blocks],
            "dropped": [asdict(drop) for drop in self.dropped],
            "counts": _counts_json(report.counts),
            "fold_counts": _counts_json(report.fold_counts),
            "dropped_counts": {place: dict(reasons) for place, reasons in report.dropped_counts.items()},
            "test_to_train_m": None if report.test_to_train_m is None else asdict(report.test_to_train_m),
            "near_duplicates_across": report.near_duplicates_across,
            "cut_chains": report.cut_chains,
            "cut_sequences": report.cut_sequences,
            "cut_days": report.cut_days,
            "notes": list(report.notes),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The split that `to_json` wrote. Raises ValueError, KeyError or TypeError for anything else."""
        if value["format"] != FORMAT:
            raise ValueError(f"format {value['format']!r}, this version reads {FORMAT}")
        distances = value["test_to_train_m"]
        split = cls(
            **{name: value[name] for name in _SETTINGS},
            blocks=tuple(_block(item) for item in value["blocks"]),
            dropped=tuple(Dropped(**item) for item in value["dropped"]),
            report=SplitReport(
                counts={place: _counts(subsets) for place, subsets in value["counts"].items()},
                fold_counts={
                    place: {int(fold): count for fold, count in _counts(folds).items()}
                    for place, folds in value["fold_counts"].items()
                },
                dropped_counts=value["dropped_counts"],
                test_to_train_m=None if distances is None else Distances(**distances),
                near_duplicates_across=value["near_duplicates_across"],
                cut_chains=value["cut_chains"],
                cut_sequences=value["cut_sequences"],
                cut_days=value["cut_days"],
                notes=tuple(value.get("notes", ())),
            ),
        )
        if split.sealed().digest != split.digest:
            raise ValueError("the digest does not fit the blocks")
        return split


def _digest(blocks: Iterable[Block], dropped: Iterable[Dropped]) -> str:
    lines: list[tuple[int, str, str]] = [(p, block.subset, block.block) for block in blocks for p in block.photos]
    lines += [(drop.photo_id, "dropped", drop.block) for drop in dropped]
    sha = hashlib.sha256()
    for photo_id, subset, block in sorted(lines):
        sha.update(f"{photo_id}\t{subset}\t{block}\n".encode())
    return sha.hexdigest()


def _counts_json(counts: Mapping[str, Mapping[Any, SubsetCount]]) -> dict[str, dict[str, Any]]:
    return {place: {str(part): asdict(count) for part, count in parts.items()} for place, parts in counts.items()}


def _counts(parts: Mapping[str, Any]) -> dict[str, SubsetCount]:
    return {part: SubsetCount(**count) for part, count in parts.items()}


def _block_json(block: Block) -> dict[str, Any]:
    return {
        "block": block.block,
        "place": block.place,
        "fold": block.fold,
        "subset": block.subset,
        "photos": list(block.photos),
        "lat": None if block.centre is None else block.centre.lat,
        "lon": None if block.centre is None else block.centre.lon,
        "corners": None if block.corners is None else [list(corner) for corner in block.corners],
    }


def _block(item: Mapping[str, Any]) -> Block:
    if item["subset"] not in SUBSETS:
        raise ValueError(f"no such subset: {item['subset']!r}")
    corners = item["corners"]
    return Block(
        block=item["block"],
        place=item["place"],
        fold=item["fold"],
        subset=item["subset"],
        photos=tuple(item["photos"]),
        centre=None if item["lat"] is None else LatLon(item["lat"], item["lon"]),
        corners=None if corners is None else tuple(LatLon(*corner) for corner in corners),
    )
