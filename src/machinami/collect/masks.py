"""Region masks that come with photos: what their numbers mean, and what is stored of them."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from machinami.errors import InputError
from machinami.files import digest_file
from machinami.images.decode import one_line
from machinami.images.masks import read_mask

__all__ = ["Legend", "PreparedMask", "find_legend", "prepare_mask"]

LEGEND_NAME = "regions.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Legend:
    """What the numbers of the masks mean."""

    regions: Mapping[int, str]  # number 0 … 255 -> name, each name once
    unlabelled: tuple[int, ...]  # numbers that say nothing: at least one

    @classmethod
    def parse(cls, value: Any, *, name: str) -> Self:
        """The legend in ``{"regions": {"1": "building", …}, "unlabelled": [0]}``. Raises InputError."""
        regions = value.get("regions") if isinstance(value, dict) else None
        if not isinstance(regions, dict) or not regions:
            raise InputError(f'{name}: must hold {{"regions": {{"1": "building", …}}, "unlabelled": [0]}}')
        named = {_number(key, name): _region(text, name) for key, text in regions.items()}
        if len(set(named.values())) < len(regions):
            raise InputError(f"{name}: two numbers share a name or two names a number: give each region one")
        unlabelled = value.get("unlabelled", [])
        if not isinstance(unlabelled, list):
            raise InputError(f'{name}: "unlabelled" must be a list of numbers, not {unlabelled!r}')
        numbers = sorted({_number(number, name) for number in unlabelled})
        if not numbers:  # something must stand for pixels that nobody named
            numbers = [number for number in range(255, -1, -1) if number not in named][:1]
        if not numbers:
            raise InputError(f"{name}: names all 256 numbers, so none is left for what is unlabelled")
        return cls(regions=dict(sorted(named.items())), unlabelled=tuple(numbers))

    def to_json(self) -> str:
        """The legend as it stands in regions.json and in the catalogue."""
        regions = {str(number): name for number, name in self.regions.items()}
        return json.dumps({"regions": regions, "unlabelled": list(self.unlabelled)}, ensure_ascii=False)

    def joined(self, other: "Legend") -> "Legend":
        """Both legends in one. Raises InputError where they call one number, or one region, differently."""
        regions = {**other.regions, **self.regions}
        clash = [n for n, name in self.regions.items() if other.regions.get(n, name) != name]
        if clash or len(set(regions.values())) < len(regions):
            raise InputError(
                f"the masks call their regions {dict(self.regions)}, those in the project {dict(other.regions)}:"
                " number them the same way"
            )
        return Legend(regions=regions, unlabelled=tuple(sorted({*self.unlabelled, *other.unlabelled})))

    def known(self) -> npt.NDArray[np.bool_]:
        """Bool (256,): which numbers mean something, or say that they mean nothing."""
        table = np.zeros(256, bool)
        table[[*self.regions, *self.unlabelled]] = True
        return table


def _number(value: object, name: str) -> int:
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdecimal() or int(text) > 255:
        raise InputError(f"{name}: {value!r} is no region number (0 … 255)")
    return int(text)


def _region(value: object, name: str) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise InputError(f"{name}: {value!r} is no name of a region")
    return value.strip()


def find_legend(folders: Sequence[Path]) -> Legend:
    """The legend in the first of the folders that has a regions.json. Raises InputError."""
    for folder in folders:
        path = folder / LEGEND_NAME
        if not path.exists():
            continue
        try:
            value = json.loads(path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: not JSON ({one_line(error)})") from error
        return Legend.parse(value, name=str(path))
    looked = ", ".join(str(folder) for folder in folders)
    raise InputError(
        f"masks need a {LEGEND_NAME} that names their numbers, and there is none in {looked}: write"
        ' {"regions": {"1": "building", "2": "road"}, "unlabelled": [0]}'
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedMask:
    """A mask that fits its photo."""

    path: Path
    sha256: str  # of the file handed in: equal where nothing has changed
    data: bytes | None  # what is stored instead of the file, where numbers had to be taken out
    unknown: tuple[int, ...]  # numbers that the legend does not know; unlabelled in `data`


def prepare_mask(path: Path, *, size: tuple[int, int], legend: Legend, max_pixels: int) -> PreparedMask:
    """The mask of a photo of that (width, height), by the rules of `read_mask`. Raises MaskError."""
    numbers = read_mask(path, size=size, max_pixels=max_pixels)
    there = np.flatnonzero(np.bincount(numbers.ravel(), minlength=256))
    unknown = there[~legend.known()[there]]
    data = None
    if unknown.size:
        data = _encode(np.where(legend.known()[numbers], numbers, legend.unlabelled[0]).astype(np.uint8))
    return PreparedMask(
        path=path, sha256=digest_file(path), data=data, unknown=tuple(int(number) for number in unknown)
    )


def _encode(numbers: npt.NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(numbers).save(buffer, "PNG", optimize=False)
    return buffer.getvalue()
