"""One cell of the town, ready to be painted: its ground, its neighbours, its style and its luck."""

from dataclasses import dataclass

from machinami.sources.town.chance import Dice
from machinami.sources.town.district import District
from machinami.sources.town.faces import Box, Colour, Faces
from machinami.sources.town.mix import Kind
from machinami.sources.town.season import Season

WEST, EAST, SOUTH, NORTH = 1, 2, 4, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A cell, the building that stands on it if it is a plot, and what it takes to paint it."""

    kind: Kind
    ground: Box  # the cell, of no height
    building: Box  # z1 is the eaves
    street_sides: int  # WEST, EAST, SOUTH, NORTH
    distance_m: float
    style: District
    season: Season
    dice: Dice  # the same stream for the same cell, whoever looks
    faces: Faces

    @property
    def is_near(self) -> bool:
        """Whether small things can be told."""
        return self.distance_m < 70.0

    def wall_colour(self) -> Colour:
        """A wall colour of the district, a shade lighter or darker."""
        return shade(self.dice.pick(self.style.walls), self.dice.between(0.88, 1.06))


def shade(colour: Colour, factor: float) -> Colour:
    """A colour made lighter or darker."""
    red, green, blue = colour
    return (min(red * factor, 1.0), min(green * factor, 1.0), min(blue * factor, 1.0))


def blend(first: Colour, second: Colour, part: float) -> Colour:
    """A colour between two: `part` of the second."""
    return (
        first[0] + (second[0] - first[0]) * part,
        first[1] + (second[1] - first[1]) * part,
        first[2] + (second[2] - first[2]) * part,
    )
