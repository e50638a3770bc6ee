"""Sun, sky and air: how bright each face is, what the sky looks like, and what haze does to distance.

Colours are linear light in here, with a gamma of 2 between them and the picture.
"""

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from machinami.sources.town.drive import Weather
from machinami.sources.town.facade import SkyTones
from machinami.sources.town.faces import LEAF, FaceTable
from machinami.sources.town.texture import cloud_at

FloatArray = npt.NDArray[np.float32]

_LATITUDE_DEG = 36.0
_SOLAR_NOON_UTC_H = 2.7  # at 139.6° east


@dataclass(frozen=True, slots=True)
class Light:
    """The light at one moment; directions in the plan's east, north, up."""

    sun: npt.NDArray[np.float64]  # unit vector towards the sun
    direct: FloatArray  # (3,) light of the sun on a face turned to it
    ambient: FloatArray  # (3,) light of the whole sky on level ground
    zenith: FloatArray
    horizon: FloatArray
    cloud: float
    sight_m: float
    drift: float  # where the clouds are


def light_at(captured_at: datetime, weather: Weather, *, turn_deg: float, drift: float) -> Light:
    """The light at a time: solar position to about a degree (Cooper 1969 for the declination)."""
    day = captured_at.timetuple().tm_yday
    declination = math.radians(23.45 * math.sin(math.tau * (284 + day) / 365))
    hour = captured_at.hour + captured_at.minute / 60
    angle = math.radians(15.0 * (hour - _SOLAR_NOON_UTC_H))
    lat = math.radians(_LATITUDE_DEG)
    up = math.sin(lat) * math.sin(declination) + math.cos(lat) * math.cos(declination) * math.cos(angle)
    east = -math.cos(declination) * math.sin(angle)
    north = math.sin(declination) * math.cos(lat) - math.cos(declination) * math.sin(lat) * math.cos(angle)
    turn = math.radians(turn_deg)  # from the globe to the plan
    plan_east = east * math.cos(turn) - north * math.sin(turn)
    plan_north = east * math.sin(turn) + north * math.cos(turn)
    up = max(up, 0.12)
    sun = np.array([plan_east, plan_north, up])
    sun /= np.linalg.norm(sun)
    low = 1.0 - min(up / 0.6, 1.0)  # the lower the sun the warmer
    direct = weather.sun * np.array([2.0, 1.84 - 0.18 * low, 1.62 - 0.5 * low])
    clear = np.array([0.36, 0.45, 0.60]) * (0.75 + 0.25 * up)
    grey = np.array([0.62, 0.64, 0.66]) * (0.75 + 0.25 * up)
    ambient = clear + (grey - clear) * weather.cloud
    grey_zenith, grey_horizon = np.array([0.52, 0.55, 0.59]), np.array([0.66, 0.68, 0.70])
    zenith = np.array([0.075, 0.19, 0.46]) * (1 - 0.8 * max(weather.cloud - 0.5, 0)) + grey_zenith * 1.6 * max(
        weather.cloud - 0.5, 0
    )
    horizon = np.array([0.52, 0.65, 0.80]) * (1 - weather.cloud) + grey_horizon * weather.cloud
    return Light(
        sun,
        direct.astype(np.float32),
        ambient.astype(np.float32),
        zenith.astype(np.float32),
        horizon.astype(np.float32),
        weather.cloud,
        weather.sight_m,
        drift,
    )


def light_faces(table: FaceTable, planes: FloatArray, light: Light) -> FloatArray:
    """The lit colour of each face: float32 (3, f + 1), linear.

    Sky light falls mostly from above and some is thrown back by the ground; leaves are lit through.
    """
    normals = planes[:, :3]
    facing = np.clip(normals @ light.sun.astype(np.float32), 0.0, None)
    is_leaf = table.material == LEAF
    facing = np.where(is_leaf, 0.30 + 0.35 * float(light.sun[2]), facing)
    upward = np.where(is_leaf, 0.4, normals[:, 2])
    ambient = (0.66 + 0.34 * upward)[None, :] * light.ambient[:, None]
    return np.asarray(np.square(table.colour.T) * (ambient + facing[None, :] * light.direct[:, None]), np.float32)


def paint_sky(rays: FloatArray, light: Light) -> FloatArray:
    """The sky in directions float32 (3, n): float32 (3, n), linear; clouds lie on a level sheet."""
    length = np.sqrt(rays[0] * rays[0] + rays[1] * rays[1] + rays[2] * rays[2])
    rise = np.maximum(rays[2] / length, np.float32(0.0))
    sky = light.horizon[:, None] + (light.zenith - light.horizon)[:, None] * np.sqrt(rise)
    sheet = np.float32(1.0) / np.maximum(rays[2], np.float32(0.06))
    x, y = rays[0] * sheet + np.float32(light.drift), rays[1] * sheet
    puff = cloud_at(x, y, 3.6) + np.float32(0.4) * cloud_at(y, x, 9.7)
    puff -= np.float32(1.55 - 2.9 * light.cloud)
    cover = np.clip(puff * np.float32(1.1), 0.0, 0.92) * np.minimum(rise * np.float32(7.0), np.float32(1.0))
    white = np.float32(0.98 - 0.22 * light.cloud) + np.float32(0.10) * np.clip(1.0 - puff, -1.0, 1.0)
    sun = light.sun.astype(np.float32)
    glow = np.maximum((rays[0] * sun[0] + rays[1] * sun[1] + rays[2] * sun[2]) / length, np.float32(0.0))
    glow = np.square(np.square(np.square(glow))) ** 3 * np.float32(0.6 * (1.0 - light.cloud))
    return np.asarray(sky + (white - sky) * cover + glow, np.float32)


def sky_tones(light: Light) -> SkyTones:
    """What glass has to mirror."""
    zenith = light.zenith + (np.float32(0.6) - light.zenith) * np.float32(light.cloud * 0.7)
    street = (light.ambient * 0.16 + light.direct * 0.05).astype(np.float32)
    return SkyTones(zenith.astype(np.float32), light.horizon, street)
