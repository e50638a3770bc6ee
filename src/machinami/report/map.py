"""Where the photos lie and which ground was kept apart: small maps, or strips of runs where there are no positions."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from machinami.geo import LatLon, LocalPlane
from machinami.report.facts import Holdings, ReportData
from machinami.report.svg import cut, element, label, picture
from machinami.report.texts import texts
from machinami.split import Block

__all__ = ["Panel", "Sight", "Strip", "draw_maps", "draw_panels", "draw_strips", "strips_of"]

Floats = npt.NDArray[np.float64]
WIDE_PX, NARROW_PX = 760.0, 372.0
MOST_HEIGHT_PX = 520.0
MARGIN_PX = 26.0  # room for a name above the northernmost ground
NAME_PX = 15.0
NEIGHBOURS = 6.0  # places share a map where all of them span less than so many times the largest
MOST_CELLS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A map with the places on it."""

    places: tuple[int, ...]
    drawing: Markup
    scale_m: float  # what the bar stands for
    width_px: float
    height_px: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What maps are drawn of: the places in the order of their colours, and all that lies on their ground."""

    keys: tuple[str, ...]
    labels: tuple[str, ...]
    blocks: tuple[Block, ...]
    holdings: Holdings


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """The runs of one place as a row of cells."""

    place: int
    drawing: Markup
    left_out: int  # runs beyond those drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What one place puts on the map."""

    index: int
    blocks: tuple[Block, ...]
    points: tuple[tuple[float, float, bool], ...]  # lat, lon, wrong
    rings: tuple[Floats, ...]  # lat, lon

    def corners(self) -> Floats:
        """float64 (N, 2): every lat, lon that must be on the map; none where no photo has a position."""
        found = [np.array(block.corners, float) for block in self.blocks if block.corners is not None]
        found += [np.array([point[:2] for point in self.points], float)] if self.points else []
        return np.concatenate([*found, *self.rings]) if found else np.zeros((0, 2))


# --- maps -------------------------------------------------------------------------------------------------------


def draw_maps(data: ReportData) -> tuple[Panel, ...]:
    """The maps of the report: see `draw_panels`."""
    labels = tuple(place.label for place in data.places)
    return draw_panels(Sight(keys=data.keys, labels=labels, blocks=data.split.blocks, holdings=data.holdings))


def draw_panels(sight: Sight) -> tuple[Panel, ...]:
    """One map of all places where they lie near each other, else one for each, on one scale; none without positions."""
    grounds = [ground for ground in _grounds(sight) if len(ground.corners())]
    if not grounds:
        return ()
    groups = [grounds] if _near(grounds) else [[ground] for ground in grounds]
    width = WIDE_PX if len(groups) == 1 else NARROW_PX
    frames = [_Frame.around(np.concatenate([ground.corners() for ground in group])) for group in groups]
    metres_per_px = max(frame.metres_per_px(width) for frame in frames)
    return tuple(
        _panel(group, frame, width, metres_per_px, sight.labels) for group, frame in zip(groups, frames, strict=True)
    )


def _grounds(sight: Sight) -> Iterator[_Ground]:
    for index, key in enumerate(sight.keys):
        outline = sight.holdings.outlines.get(key)
        yield _Ground(
            index=index,
            blocks=tuple(block for block in sight.blocks if block.place == key and block.corners),
            points=tuple((p.lat, p.lon, p.wrong) for p in sight.holdings.points.get(key, ())),
            rings=tuple(_rings(outline)) if outline else (),
        )


def _rings(geometry: Mapping[str, Any]) -> Iterator[Floats]:
    """The rings of a GeoJSON polygon or multipolygon, as lat, lon."""
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    for polygon in polygons:
        for ring in polygon:
            yield np.array(ring, float)[:, 1::-1]


def _near(grounds: Sequence[_Ground]) -> bool:
    spans = [_Frame.around(ground.corners()).span_m for ground in grounds]
    together = _Frame.around(np.concatenate([ground.corners() for ground in grounds])).span_m
    return together <= NEIGHBOURS * max(spans)


@dataclass(frozen=True, slots=True)
class _Frame:
    """A rectangle of ground in metres east and north of an origin."""

    plane: LocalPlane
    west: float
    south: float
    east: float
    north: float

    @classmethod
    def around(cls, lat_lon: Floats) -> "_Frame":
        """The rectangle around all points; at least 100 m each way."""
        middle = (lat_lon.min(0) + lat_lon.max(0)) / 2
        plane = LocalPlane(LatLon(float(middle[0]), float(middle[1])))
        metres = plane.to_metres(lat_lon[:, 0], lat_lon[:, 1])
        low, high = metres.min(0), metres.max(0)
        centre, half = (low + high) / 2, np.maximum((high - low) / 2, 50)
        (west, south), (east, north) = centre - half, centre + half
        return cls(plane, float(west), float(south), float(east), float(north))

    @property
    def span_m(self) -> float:
        """The diagonal."""
        return math.hypot(self.east - self.west, self.north - self.south)

    def metres_per_px(self, width_px: float) -> float:
        """The scale at which the rectangle fits."""
        across = (self.east - self.west) / (width_px - 2 * MARGIN_PX)
        return max(across, (self.north - self.south) / (MOST_HEIGHT_PX - 2 * MARGIN_PX))


@dataclass(frozen=True, slots=True)
class _Sheet:
    """From lat, lon to pixels: north up, the frame in the middle."""

    frame: _Frame
    metres_per_px: float
    width_px: float

    @property
    def height_px(self) -> float:
        return (self.frame.north - self.frame.south) / self.metres_per_px + 2 * MARGIN_PX + 26

    def place(self, lat_lon: Iterable[Sequence[float]]) -> Floats:
        """float64 (N, 2): x, y in pixels."""
        points = np.array(list(lat_lon), float).reshape(-1, 2)
        metres = self.frame.plane.to_metres(points[:, 0], points[:, 1])
        spare = self.width_px - (self.frame.east - self.frame.west) / self.metres_per_px
        x = (metres[:, 0] - self.frame.west) / self.metres_per_px + spare / 2
        y = (self.frame.north - metres[:, 1]) / self.metres_per_px + MARGIN_PX
        return np.column_stack([x, y])


def _panel(group: Sequence[_Ground], frame: _Frame, width: float, metres_per_px: float, labels: Sequence[str]) -> Panel:
    sheet = _Sheet(frame, metres_per_px, width)
    layers = [layer for ground in group for layer in _draw_ground(ground, sheet)]
    if len(group) > 1:
        layers += [_name(ground, sheet, labels[ground.index]) for ground in group]
    bar_m = _round_length((width - 2 * MARGIN_PX) / 3 * metres_per_px)
    names = [labels[ground.index] for ground in group]
    drawing = picture(
        width,
        sheet.height_px,
        *layers,
        _bar(bar_m / metres_per_px, sheet.height_px),
        _north(width),
        title=lambda lang: f"{texts(lang).say('map.title')} – {texts(lang).listed(names)}",
    )
    return Panel(
        places=tuple(ground.index for ground in group),
        drawing=drawing,
        scale_m=bar_m,
        width_px=width,
        height_px=sheet.height_px,
    )


def _draw_ground(ground: _Ground, sheet: _Sheet) -> Iterator[Markup]:
    """Outline, blocks, photos, and crosses where a test photo was taken for another place."""
    colour = f"place-{ground.index}"
    for ring in ground.rings:
        yield element("path", d=_path(sheet.place(ring)), class_=f"outline {colour}")
    for block in ground.blocks:
        assert block.corners is not None
        yield element("path", d=_path(sheet.place(block.corners)), class_=f"block {block.subset} {colour}")
    if ground.points:
        spots = sheet.place([point[:2] for point in ground.points])
        dots = "".join(
            f"M{cut(x)} {cut(y)}h0" for (x, y), point in zip(spots.tolist(), ground.points, strict=True) if not point[2]
        )
        yield element("path", d=dots, class_="photos")
        crosses = "".join(
            f"M{cut(x - 3)} {cut(y - 3)}l6 6m0 -6l-6 6"
            for (x, y), point in zip(spots.tolist(), ground.points, strict=True)
            if point[2]
        )
        yield element("path", d=crosses, class_="missed")


def _name(ground: _Ground, sheet: _Sheet, text: str) -> Markup:
    """The place's name over the middle of its ground; inside the picture, however near its edge that is."""
    spots = sheet.place(ground.corners())
    x = (spots[:, 0].min() + spots[:, 0].max()) / 2
    y = max(NAME_PX, spots[:, 1].min() - 6)
    return label(text, float(x), float(y), class_=f"ground-name place-{ground.index}", text_anchor="middle")


def _path(points: Floats) -> str:
    return "M" + "L".join(f"{cut(x)} {cut(y)}" for x, y in points.tolist()) + "Z"


def _round_length(metres: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not above `metres`."""
    power = 10.0 ** math.floor(math.log10(metres))
    return next(step * power for step in (5, 2, 1) if step * power <= metres * (1 + 1e-9))


def _bar(length_px: float, height_px: float) -> Markup:
    y = height_px - 6
    return element("path", d=f"M1 {cut(y - 5)}V{cut(y)}H{cut(1 + length_px)}V{cut(y - 5)}", class_="bar")


def _north(width_px: float) -> Markup:
    x = cut(width_px - 8)
    return element("path", d=f"M{x} 26V4m-5 7l5 -7l5 7", class_="bar")


# --- strips -----------------------------------------------------------------------------------------------------


def draw_strips(data: ReportData) -> tuple[Strip, ...]:
    """The runs of the places that have no positions, in the order of their names."""
    return strips_of(data.keys, data.split.blocks)


def strips_of(keys: Sequence[str], blocks: Sequence[Block]) -> tuple[Strip, ...]:
    """The same from the places' keys and the blocks of a split."""
    runs = [[block for block in blocks if block.place == key and not block.corners] for key in keys]
    return tuple(_strip(index, mine) for index, mine in enumerate(runs) if mine)


def _strip(index: int, blocks: Sequence[Block]) -> Strip:
    shown = sorted(blocks, key=lambda block: block.block)[:MOST_CELLS]
    total = sum(max(len(block.photos), 1) for block in shown)
    cells, at = [], 0
    for block in shown:
        photos = max(len(block.photos), 1)
        cells.append(
            element(
                "rect",
                x=f"{100 * at / total:.2f}%",
                y=1,
                width=f"{100 * photos / total:.2f}%",
                height=30,
                class_=f"block {block.subset} place-{index}",
            )
        )
        at += photos
    drawing = element("svg", *cells, width="100%", height=32, class_="strip", aria_hidden="true")
    return Strip(place=index, drawing=drawing, left_out=len(blocks) - len(shown))
