"""The labels of street segmenters, merged into a dozen regions; a checkpoint is known by its labels' names."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

__all__ = ["STREET_REGIONS", "merge_labels", "region_numbers"]

# Region -> labels of Cityscapes (19) and ADE20K (150), as the checkpoints' id2label spells them. Indoor things, which
# ADE20K has many of, are "other": where a street photo shows one, it is a mistake or a shop window.
STREET_REGIONS: dict[str, tuple[str, ...]] = {
    "road": ("road", "runway", "dirt track", "crosswalk"),
    "pavement": ("sidewalk", "pavement", "path", "floor", "stairs", "stairway", "step", "escalator", "pier"),
    "building": (
        "building", "house", "skyscraper", "hovel", "tower", "windowpane", "window", "door", "screen door", "awning",
        "canopy", "booth", "grandstand", "column", "stage", "bridge", "ceiling", "glass", "roof",
    ),
    "wall or fence": ("wall", "fence", "railing", "bannister", "guard rail"),
    "vegetation": ("vegetation", "tree", "plant", "palm", "flower", "hedge"),
    "terrain": ("terrain", "grass", "earth", "field", "sand", "land", "hill", "mountain", "rock"),
    "sky": ("sky",),
    "person": ("person", "rider"),
    "vehicle": (
        "car", "truck", "bus", "train", "motorcycle", "bicycle", "van", "minibike", "boat", "ship", "airplane",
        "caravan", "trailer",
    ),
    "sign or pole": (
        "pole", "traffic light", "traffic sign", "signboard", "streetlight", "flag", "poster", "bulletin board",
        "trade name", "light", "polegroup",
    ),
    "water": ("water", "sea", "river", "lake", "waterfall", "fountain", "swimming pool"),
    "other": (
        "animal", "apparel", "arcade machine", "armchair", "ashcan", "bag", "ball", "bar", "barrel", "base", "basket",
        "bathtub", "bed", "bench", "blanket", "blind", "book", "bookcase", "bottle", "box", "buffet", "cabinet",
        "case", "chair", "chandelier", "chest of drawers", "clock", "coffee table", "computer", "conveyer belt",
        "counter", "countertop", "cradle", "crt screen", "curtain", "cushion", "desk", "dishwasher", "fan",
        "fireplace", "food", "hood", "kitchen island", "lamp", "microwave", "mirror", "monitor", "ottoman", "oven",
        "painting", "pillow", "plate", "plaything", "pool table", "pot", "radiator", "refrigerator", "rug", "sconce",
        "screen", "sculpture", "seat", "shelf", "shower", "sink", "sofa", "stool", "stove", "swivel chair", "table",
        "tank", "television receiver", "tent", "toilet", "towel", "tray", "vase", "wardrobe", "washer",
    ),
}  # fmt: skip
# labels that say themselves that they mean nothing
_NOTHING = frozenset(
    {"unlabeled", "unlabelled", "void", "background", "out of roi", "ego vehicle", "static", "dynamic"}
)


def region_numbers() -> dict[int, str]:
    """The number of each region in a segmenter's masks, from 1; 0 is unlabelled."""
    return dict(enumerate(STREET_REGIONS, start=1))


def merge_labels(id2label: Mapping[int, str]) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """The region number of each label, int64 (L,), 0 for unlabelled; and the labels that no region takes.

    id2label: number 0 … L − 1 -> name. Names are compared in small letters, up to the first comma or semicolon
    ("building;edifice" is a building).
    """
    number_of = {label: number for number, labels in enumerate(STREET_REGIONS.values(), start=1) for label in labels}
    numbers = np.zeros(max(id2label, default=-1) + 1, np.int64)
    unknown = []
    for label, name in sorted(id2label.items()):
        plain = _plain(name)
        numbers[label] = number_of.get(plain, 0)
        if plain not in number_of and plain not in _NOTHING:
            unknown.append(name)
    return numbers, tuple(unknown)


def _plain(name: str) -> str:
    first = name.replace(";", ",").partition(",")[0]
    return " ".join(first.lower().replace("_", " ").replace("-", " ").split())
