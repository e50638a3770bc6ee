"""Drives: where each photo is taken, when, with which camera, and in what weather."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from machinami.sources.town.camera import View
from machinami.sources.town.chance import Dice, key_of
from machinami.sources.town.plan import TOWN_SIZE_M, Streets, TownPlan
from machinami.sources.town.settings import TownSettings

PHOTOS_PER_DRIVE = 6
_TILES = 6  # drives start in the squares of a 6 by 6 board in turn, so that few photos cover much ground


@dataclass(frozen=True, slots=True)
class CameraModel:
    """A camera: names, field of view in degrees, and the marks of its lens and sensor."""

    make: str
    model: str
    fov_deg: tuple[float, float]
    bend: float  # see camera.View
    vignette: float  # light lost in the corners
    noise: float  # standard deviation at middle grey, 0 … 1
    warmth: float  # red over blue
    softness: float  # 0 … 1 of a small blur


CAMERAS: tuple[CameraModel, ...] = (
    CameraModel("Hinoki", "H-20", (62.0, 70.0), 0.02, 0.18, 0.0055, 1.02, 0.10),
    CameraModel("Hinoki", "H-40 Pro", (70.0, 78.0), 0.03, 0.12, 0.004, 1.00, 0.00),
    CameraModel("Lumen", "Dash 3", (78.0, 90.0), 0.07, 0.28, 0.010, 0.96, 0.35),
    CameraModel("Lumen", "Street One", (66.0, 74.0), 0.04, 0.20, 0.007, 1.05, 0.15),
    CameraModel("Sorane", "S5", (58.0, 66.0), 0.00, 0.10, 0.005, 0.98, 0.05),
)
DECOY_CAMERA = CameraModel("Kestrel", "K-1 Date", (64.0, 72.0), 0.03, 0.18, 0.007, 1.01, 0.15)


@dataclass(frozen=True, slots=True)
class Weather:
    """The state of the sky on a drive."""

    cloud: float  # part of the sky covered, 0 … 1
    sun: float  # strength of direct light, 0 … 1
    sight_m: float  # distance at which haze has taken two thirds of the contrast


_WEATHERS: tuple[Weather, ...] = (
    Weather(0.10, 1.00, 2400.0),
    Weather(0.35, 1.00, 1800.0),
    Weather(0.55, 0.85, 1500.0),
    Weather(0.80, 0.30, 1100.0),
    Weather(1.00, 0.06, 900.0),
    Weather(1.00, 0.03, 450.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One photo before it is taken."""

    view: View
    camera: CameraModel
    weather: Weather
    captured_at: datetime  # UTC
    sequence: str


def plan_shot(settings: TownSettings, town: str, plan: TownPlan, index: int) -> Shot:
    """Where photo `index` of a town is taken and how: the same for the same seed, town and index."""
    number, step = divmod(index, PHOTOS_PER_DRIVE)
    drive = Dice(key_of(plan.key, "drive", number))
    own = Dice(key_of(plan.key, "shot", index))
    runs_north = drive.unit() < 0.5
    streets = plan.across_east if runs_north else plan.across_north
    tile = Dice(key_of(plan.key, "tile", number // _TILES**2))
    row, column = divmod((number * 23 + int(tile.unit() * _TILES**2)) % _TILES**2, _TILES)
    k = _street_in_tile(streets, (row if runs_north else column), drive)
    spacing = drive.between(18.0, 38.0)
    tile_m = TOWN_SIZE_M / _TILES
    start = tile_m * (column if runs_north else row) + drive.between(0.1, 0.9) * tile_m
    forward = 1.0 if start < TOWN_SIZE_M / 2 else -1.0
    along = start + forward * (step * spacing + own.between(-3.0, 3.0))
    along = min(max(along, 20.0), TOWN_SIZE_M - 20.0)
    camera = drive.pick(CAMERAS)
    if settings.decoy == "camera" and town == settings.towns[0]:
        camera = DECOY_CAMERA
    weather = drive.pick(_WEATHERS)
    day = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(days=int(drive.unit() * 3 * 365))
    started_at = day + timedelta(hours=drive.between(-0.5, 6.5))  # 8:30 to 15:30 where the towns lie
    return Shot(
        view=_stand(_Spot(streets, k, along, runs_north), drive, own, camera=camera, size_px=settings.size_px),
        camera=camera,
        weather=weather,
        captured_at=(started_at + timedelta(seconds=int(step * spacing / 6.0))).replace(microsecond=0),
        sequence=f"{town}-{number:04d}",
    )


def _street_in_tile(streets: Streets, tile: int, dice: Dice) -> int:
    tile_m = TOWN_SIZE_M / _TILES
    inside = [k for k, at in enumerate(streets.centre_m) if tile * tile_m <= at < (tile + 1) * tile_m]
    return dice.pick(tuple(inside))


@dataclass(frozen=True, slots=True)
class _Spot:
    """A place on street k, `along` metres from the plan's edge."""

    streets: Streets
    k: int
    along: float
    runs_north: bool


def _stand(spot: _Spot, drive: Dice, own: Dice, *, camera: CameraModel, size_px: int) -> View:
    """In a lane of the road or on the pavement, looking along the street, across it or between.

    A drive keeps its height, side, direction and lens; each photo has its own turn and tilt.
    """
    half = float(spot.streets.half_road_m[spot.k])
    walks = drive.unit() < 0.3
    offset = half + 0.5 * float(spot.streets.pavement_m[spot.k]) if walks else half * drive.between(0.25, 0.6)
    up_m = drive.between(1.63, 1.88) if walks else drive.between(1.6, 2.6)
    side = 1.0 if drive.unit() < 0.5 else -1.0
    across = float(spot.streets.centre_m[spot.k]) + side * offset
    looks_back = (drive.unit() < 0.5) != (own.unit() < 0.15)
    # Looking across goes to the far side of the street: the near one is too close to see.
    far_side = side if looks_back == spot.runs_north else -side
    luck = own.unit()
    if luck < 0.5:
        swing = own.between(-14.0, 14.0)
    else:
        swing = far_side * (own.between(20.0, 65.0) if luck < 0.78 else own.between(68.0, 100.0))
    bearing = (0.0 if spot.runs_north else 90.0) + (180.0 if looks_back else 0.0) + swing
    return View(
        east_m=across if spot.runs_north else spot.along,
        north_m=spot.along if spot.runs_north else across,
        up_m=up_m,
        bearing_deg=bearing % 360.0,
        pitch_deg=own.between(1.0, 9.0) if luck > 0.2 else own.between(-4.0, 4.0),
        roll_deg=own.between(-1.2, 1.2),
        fov_deg=drive.between(*camera.fov_deg),
        bend=camera.bend,
        size_px=size_px,
    )
