"""One point to look for photos at."""

from dataclasses import dataclass

__all__ = ["Sample"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A point of an area, with what the method knows of it."""

    number: int  # from 0, in the order in which samples are drawn
    lat: float
    lon: float
    heading_deg: float | None = None  # wanted: 0 = north, clockwise; None takes photos as they are
    street_deg: float | None = None  # bearing of the street, with method "streets"
    edge: str | None = None  # the piece of street, with method "streets"
    block: str | None = None  # the square of ground, with method "blocks"
