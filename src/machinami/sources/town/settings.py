"""What is asked of the made towns, and the photo that comes back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import numpy.typing as npt

from machinami.errors import ConfigError

Decoy = Literal["none", "camera", "watermark"]

TOWN_KEYS: tuple[str, ...] = ("a", "b", "c", "d", "e", "f")


@dataclass(frozen=True, slots=True, kw_only=True)
class TownSettings:
    """Which towns, how many photos, and how hard they are to tell apart.

    Raises ConfigError for a town that is not one of "a" … "f" or is named twice, for no photos,
    for photos under 32 pixels, and for a difficulty outside 0 … 1.
    """

    towns: tuple[str, ...] = ("a", "b")
    photos_per_town: int = 300
    size_px: int = 224  # photos are square
    difficulty: float = 0.3  # 0: every photo shows its town's evidence; 1: nothing tells the towns apart
    decoy: Decoy = "none"  # a mark on every photo of the first town
    seed: int = 0

    def __post_init__(self) -> None:
        unknown = [town for town in self.towns if town not in TOWN_KEYS]
        if unknown:
            raise ConfigError(f"no made town is called {unknown[0]!r}: choose from {', '.join(TOWN_KEYS)}")
        if not self.towns or len(set(self.towns)) != len(self.towns):
            raise ConfigError(f"towns must be one or more different names, not {self.towns!r}")
        if self.photos_per_town < 1:
            raise ConfigError(f"photos_per_town must be at least 1, not {self.photos_per_town}")
        if self.size_px < 32:
            raise ConfigError(f"size_px must be at least 32, not {self.size_px}")
        if not 0.0 <= self.difficulty <= 1.0:
            raise ConfigError(f"difficulty must lie in 0 … 1, not {self.difficulty}")
        if self.decoy not in ("none", "camera", "watermark"):
            raise ConfigError(f"decoy must be 'none', 'camera' or 'watermark', not {self.decoy!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TownPhoto:
    """A street photo of a made town, with everything that is known about it."""

    town: str
    index: int
    image: npt.NDArray[np.uint8]  # (H, W, 3), RGB
    mask: npt.NDArray[np.uint8]  # (H, W), numbers of REGIONS
    lat: float  # WGS84
    lon: float
    heading_deg: float  # clockwise from north, 0 … 360
    captured_at: datetime  # UTC
    camera_make: str
    camera_model: str
    sequence: str  # the drive along a street that it was taken on
