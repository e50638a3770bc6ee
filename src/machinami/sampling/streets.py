"""Points evenly along the streets of an area."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import shapely

from machinami.areas import Area, Street
from machinami.sampling.ground import plane_of
from machinami.sampling.sample import Sample

__all__ = ["street_samples"]

Floats = npt.NDArray[np.float64]


def street_samples(
    area: Area, streets: Sequence[Street], rng: np.random.Generator, *, spacing_m: float
) -> Iterator[Sample]:
    """Points along the streets, those inside the area, in random order.

    A street of length L gets n = max(1, round(L / spacing_m)) points, at (k + 1/2) L / n for k = 0 … n - 1, whether or
    not all of it lies in the area: where points stand does not depend on seed, border or other streets.
    """
    plane = plane_of(area.shape)
    places, bearings, edges = [np.empty((0, 2))], [np.empty(0)], []
    for street in streets:
        points_m, bearings_deg = _along(plane.to_metres(street.lat_lon[:, 0], street.lat_lon[:, 1]), spacing_m)
        places.append(points_m)
        bearings.append(bearings_deg)
        edges += [street.edge] * len(points_m)
    lat_lon, bearing_deg = plane.to_lat_lon(np.concatenate(places)), np.concatenate(bearings)
    inside = np.flatnonzero(shapely.contains_xy(area.shape, lat_lon[:, 1], lat_lon[:, 0]))
    for number, row in enumerate(rng.permutation(inside).tolist()):
        lat, lon = lat_lon[row].tolist()
        yield Sample(number=number, lat=lat, lon=lon, street_deg=float(bearing_deg[row]), edge=edges[row])


def _along(line_m: Floats, spacing_m: float) -> tuple[Floats, Floats]:
    """float64 (n, 2) metres east and north, and float64 (n,) bearings in degrees, of the points of one line."""
    steps_m = np.diff(line_m, axis=0)
    lengths_m = np.hypot(*steps_m.T)
    ends_m = np.cumsum(lengths_m)
    count = max(1, round(float(ends_m[-1]) / spacing_m))
    at_m = (np.arange(count) + 0.5) * ends_m[-1] / count
    segment = np.searchsorted(ends_m, at_m)
    rest = (at_m - (ends_m - lengths_m)[segment]) / lengths_m[segment]
    points_m = line_m[segment] + rest[:, None] * steps_m[segment]
    return points_m, np.degrees(np.arctan2(steps_m[segment, 0], steps_m[segment, 1])) % 360
