"""Made towns of known truth: street photos with masks, places and dates, and what gives each town away."""

from machinami.sources.town.regions import REGIONS
from machinami.sources.town.settings import TOWN_KEYS, TownPhoto, TownSettings
from machinami.sources.town.studio import make_photo, map_photos, town_areas, town_photos
from machinami.sources.town.truth import truth

__all__ = [
    "REGIONS",
    "TOWN_KEYS",
    "TownPhoto",
    "TownSettings",
    "make_photo",
    "map_photos",
    "town_areas",
    "town_photos",
    "truth",
]
