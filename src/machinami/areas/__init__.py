"""Where to look: the polygon of each place, from a file or OpenStreetMap, frozen once known; and its streets."""

from machinami.areas.area import Area, places_at
from machinami.areas.frozen import SettledAreas, freeze_areas, frozen_areas, settle_areas
from machinami.areas.read import project_areas, read_areas
from machinami.areas.streets import Street, project_streets, streets_from_file, streets_in

__all__ = [
    "Area",
    "SettledAreas",
    "Street",
    "freeze_areas",
    "frozen_areas",
    "places_at",
    "project_areas",
    "project_streets",
    "read_areas",
    "settle_areas",
    "streets_from_file",
    "streets_in",
]
