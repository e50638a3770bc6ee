"""The kinds of thing a made photo shows, and their numbers in its mask."""

from enum import IntEnum


class Region(IntEnum):
    """A region number, as it stands in a mask."""

    VARIOUS = 0  # yards and forecourts, road signs, vending machines
    BUILDING = 1
    CAR = 2
    FIELD = 3
    GLASS = 4  # curtain walls of high-rises and glazed fronts, mullions included
    MARK = 5  # what a decoy leaves on the picture
    PAVEMENT = 6
    POLE = 7  # poles and their wires
    ROAD = 8
    SHOPFRONT = 9
    SKY = 10
    VEGETATION = 11  # trees and hedges
    WALL = 12  # garden walls along the pavement
    WATER = 13
    WINDOW = 14  # windows of ordinary buildings


REGIONS: dict[int, str] = {int(region): region.name.lower() for region in Region}
