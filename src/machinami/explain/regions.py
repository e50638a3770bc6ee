"""Regions: kinds of things in a photo, by the numbers that they have in masks."""

import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from machinami.catalog import Catalog
from machinami.errors import InputError

__all__ = ["SEGMENTER", "Regions", "made_by", "parse_regions", "read_regions"]

FACT = "regions"
SEGMENTER = "segmenter-"  # folder in masks/, with the digest of what made the masks in it; a fact has the same name


@dataclass(frozen=True, slots=True)
class Regions:
    """The regions that masks may show: numbers and names, in the same order; unlabelled numbers left out."""

    numbers: tuple[int, ...]
    names: tuple[str, ...]


def read_regions(catalog: Catalog) -> Regions | None:
    """The regions that came with the masks, or None where no masks were imported. Raises InputError."""
    text = catalog.fact(FACT)
    return None if text is None else parse_regions(json.loads(text))


def parse_regions(table: Any) -> Regions:
    """Regions from `{"regions": {"1": "building", …}, "unlabelled": [0]}`. Raises InputError."""
    try:
        unlabelled = {int(number) for number in table.get("unlabelled", [0])}
        named = {int(number): str(name) for number, name in table["regions"].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            "the names of the regions are not of the form "
            f'{{"regions": {{"1": "building"}}, "unlabelled": [0]}} ({error!r}): import the masks again'
        ) from error
    numbers = tuple(sorted(set(named) - unlabelled))
    names = tuple(named[number] for number in numbers)
    if len(set(names)) < len(names):
        raise InputError(f"two region numbers have the same name ({', '.join(names)}): import the masks again")
    return Regions(numbers, names)


def made_by(mask: str) -> str | None:
    """The folder of the segmenter that made a mask, told from its path in the catalogue; None for any other mask."""
    parts = PurePosixPath(mask).parts
    return parts[1] if len(parts) > 2 and parts[0] == "masks" and parts[1].startswith(SEGMENTER) else None
