"""Which photos are for learning and which for judging: kept apart by ground, or by runs of names."""

from machinami.split.kept import check_places, kept_photos
from machinami.split.layout import split_photos
from machinami.split.photo import SplitArea, SplitPhoto
from machinami.split.report import Distances, SplitReport, SubsetCount
from machinami.split.result import Block, Dropped, Split, Subset
from machinami.split.stage import lay_split, photos_to_split, plan_split, read_split, split_inputs

__all__ = [
    "Block",
    "Distances",
    "Dropped",
    "Split",
    "SplitArea",
    "SplitPhoto",
    "SplitReport",
    "Subset",
    "SubsetCount",
    "check_places",
    "kept_photos",
    "lay_split",
    "photos_to_split",
    "plan_split",
    "read_split",
    "split_inputs",
    "split_photos",
]
