"""What the catalogue knows of a place's photos, in the columns that choosing works on, in metres."""

import math
from collections.abc import Iterable, Iterator

import numpy as np

from machinami.areas import Area
from machinami.catalog import Catalog
from machinami.collect.choose import Candidates
from machinami.geo import LatLon, LocalPlane
from machinami.ordered import in_batches
from machinami.sampling import Sample

__all__ = ["place_samples", "read_candidates"]

_BATCH = 200  # samples that are projected together
_COLUMNS = np.dtype(
    [
        ("photo_id", "i8"), ("lat", "f8"), ("lon", "f8"), ("heading_deg", "f8"), ("spherical", "?"),
        ("sequence", "i8"), ("creator", "i8"), ("sample", "i8"), ("stored", "?"),
    ]
)  # fmt: skip


def read_candidates(catalog: Catalog, source: str, area: Area) -> Candidates:
    """The columns that choosing works on, without holding the rows; names of sequences and creators become numbers."""
    sequences: dict[str, int] = {}
    creators: dict[str, int] = {}
    columns = np.fromiter(
        (
            (
                row["photo_id"],
                row["lat"],
                row["lon"],
                _or_nan(row["centre_heading_deg" if row["projection"] == "spherical" else "heading_deg"]),
                row["projection"] == "spherical",
                _number_in(sequences, row["sequence"]),
                _number_in(creators, row["creator"]),
                -1 if row["sample"] is None else row["sample"],
                row["stored"],
            )
            for row in catalog.candidates(source, area.place)
        ),
        _COLUMNS,
    )
    columns = columns[area.contains(columns["lat"], columns["lon"])]  # those found when the area was another stay out
    return Candidates(
        photo_ids=columns["photo_id"],
        east_north_m=_plane(area).to_metres(columns["lat"], columns["lon"]),
        **{name: columns[name] for name in ("heading_deg", "spherical", "sequence", "creator", "sample", "stored")},
    )


def place_samples(samples: Iterable[Sample], area: Area) -> Iterator[tuple[Sample, tuple[float, float]]]:
    """The samples, each with its place in metres east and north."""
    plane = _plane(area)
    for batch in in_batches(samples, _BATCH):
        lat, lon = (np.array([getattr(sample, name) for sample in batch], float) for name in ("lat", "lon"))
        points = ((east_m, north_m) for east_m, north_m in plane.to_metres(lat, lon).tolist())
        yield from zip(batch, points, strict=True)


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _number_in(numbers: dict[str, int], name: str | None) -> int:
    """A number for each name, -1 for none."""
    return -1 if name is None else numbers.setdefault(name, len(numbers))


def _plane(area: Area) -> LocalPlane:
    centre = area.shape.centroid
    return LocalPlane(LatLon(centre.y, centre.x))
