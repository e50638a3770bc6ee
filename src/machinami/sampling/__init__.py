"""Which points of an area are looked at, and in which direction: pure, and the same for the same seed."""

from machinami.sampling.draw import draw_samples
from machinami.sampling.sample import Sample

__all__ = ["Sample", "draw_samples"]
