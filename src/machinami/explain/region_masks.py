"""The region masks of a project, whoever made them, in one numbering: the user, the town, a segmenter, or colours."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from machinami.catalog import Catalog, Photo
from machinami.config import Config
from machinami.errors import InputError
from machinami.explain.colour_regions import COLOUR_REGIONS, COLOUR_SIDE_PX, colour_mask
from machinami.explain.regions import SEGMENTER, Regions, made_by, parse_regions, read_regions
from machinami.images.decode import PhotoError, decode_photo
from machinami.images.masks import MaskError, read_mask

__all__ = ["RegionMasks", "open_masks"]

Numbers = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegionMasks:
    """Reads the mask of any photo, in the numbers of `regions`."""

    regions: Regions | None  # None where there are none
    weak: bool  # whether colours alone make them
    path_of: Callable[[str], Path]
    max_pixels: int
    tables: Mapping[str, Numbers]  # by folder of a segmenter: uint8 (256,), number in its masks -> number here
    names: Mapping[str, str]  # by folder of a segmenter: what it is called
    shown: Mapping[str, frozenset[int]]  # by folder, "" for masks of one's own: the regions that they may show

    def origin(self, photo: Photo) -> str | None:
        """Who made the photo's mask: "user", "town", "segmenter: NAME" or "colour"; None where it has none."""
        if self.regions is None:
            return None
        if self.weak:
            return "colour"
        if photo.mask is None:
            return None
        folder = made_by(photo.mask)
        if folder is not None:
            return f"segmenter: {self.names[folder]}" if folder in self.names else None
        return ("town" if photo.source == "town" else "user") if "" in self.shown else None

    def may_show(self, photo: Photo) -> npt.NDArray[np.bool_]:
        """Which regions the photo's mask would show if they were there, bool (S,)."""
        assert self.regions is not None
        numbers = self.shown.get(made_by(photo.mask or "") or "", frozenset())
        return np.array([self.weak or number in numbers for number in self.regions.numbers], bool)

    def read(self, photo: Photo) -> Numbers:
        """The number of the region that each pixel shows, uint8 (H, W). Raises MaskError, "none" where there is none.

        The mask covers the same ground as the photo, at its size or another.
        """
        if self.weak:
            return self._by_colour(photo)
        if photo.mask is None or self.origin(photo) is None:
            raise MaskError("none")
        folder = made_by(photo.mask)
        known = photo.width and photo.height and folder is None  # a segmenter's mask is of the photo by its name
        size = (photo.width or 0, photo.height or 0) if known else None
        mask = read_mask(self.path_of(photo.mask), size=size, max_pixels=self.max_pixels)
        return mask if folder is None else self.tables[folder][mask]

    def _by_colour(self, photo: Photo) -> Numbers:
        try:
            path = self.path_of(photo.file or "")
            return colour_mask(decode_photo(path, max_pixels=self.max_pixels, shorter_side_px=COLOUR_SIDE_PX))
        except PhotoError as error:
            raise MaskError(error.reason) from error


def open_masks(catalog: Catalog, config: Config, *, path_of: Callable[[str], Path]) -> RegionMasks:
    """The regions that `regions.source` asks for. Raises InputError where the catalogue's names are damaged."""
    source = config.regions.source
    weak = source == "colour" or (source == "auto" and not catalog.has_masks())
    own = read_regions(catalog) if not weak and source != "none" else None
    makers = {}
    if not weak and source in ("auto", "segmenter"):
        makers = {name: json.loads(text) for name, text in catalog.facts(SEGMENTER).items()}
    joined, tables = _joined(own, {name: parse_regions(maker) for name, maker in makers.items()}, _unlabelled(catalog))
    return RegionMasks(
        regions=COLOUR_REGIONS if weak else joined,
        weak=weak,
        path_of=path_of,
        max_pixels=config.check.max_pixels,
        tables=tables,
        names={name: str(maker.get("name", name)) for name, maker in makers.items()},
        shown={
            **({} if own is None else {"": frozenset(own.numbers)}),
            **{name: frozenset(table.tolist()) for name, table in tables.items()},
        },
    )


def _unlabelled(catalog: Catalog) -> frozenset[int]:
    """The numbers that say nothing in the user's masks."""
    text = catalog.fact("regions")
    return frozenset({0} if text is None else {0, *map(int, json.loads(text).get("unlabelled", []))})


def _joined(
    own: Regions | None, made: Mapping[str, Regions], unlabelled: frozenset[int]
) -> tuple[Regions | None, dict[str, Numbers]]:
    """All regions in one numbering, the user's first; regions of one name are one. And a table for each segmenter."""
    if own is None and not made:
        return None, {}
    number_of = {} if own is None else dict(zip(own.names, own.numbers, strict=True))
    taken = unlabelled.union(number_of.values())
    free = iter([number for number in range(1, 256) if number not in taken])
    nothing = min(unlabelled - set(number_of.values()), default=0)
    tables = {}
    for folder, regions in made.items():
        table = np.full(256, nothing, np.uint8)
        for number, name in zip(regions.numbers, regions.names, strict=True):
            if name not in number_of:
                number_of[name] = next(free, 0)
            if not number_of[name]:
                raise InputError("the masks name more than 255 regions: name fewer in regions.json")
            table[number] = number_of[name]
        tables[folder] = table
    return Regions(tuple(number_of.values()), tuple(number_of)), tables
