"""The photos that are shown: chosen by rule, small, with their heatmaps as see-through layers on one scale."""

import base64
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from machinami.catalog import Catalog, Photo
from machinami.config import Config
from machinami.explain.choice import Candidate, Choice, Kind, choose_photos, margin_of
from machinami.explain.colours import colour_values
from machinami.explain.gallery import read_choices
from machinami.explain.heatmap_files import read_centred
from machinami.explain.pictures import common_scale, heatmap_layer
from machinami.images.decode import PhotoError, decode_photo
from machinami.progress import Progress
from machinami.project import Project
from machinami.report.facts import Predictions, ReportData

__all__ = ["KINDS", "Gallery", "Layer", "Shot", "make_gallery"]

Floats = npt.NDArray[np.float32]
KINDS: tuple[Kind, ...] = ("typical", "borderline", "wrong")
LONGER_SIDE_PX = 480
QUALITY = 70
_BLANK = (200, 198, 192)  # the ground of a heatmap whose photo may not be shown
EVERY_PLACE_UP_TO = 6  # places; with more, only the evidence for the place named is in the file
PICTURES_BYTES = 7_000_000  # base64 included; the whole file stays under 8 MB


@dataclass(frozen=True, slots=True)
class Layer:
    """A heatmap as two see-through pictures (data URIs), to be stretched over its photo."""

    kind: str  # "p0", "p1", … evidence for that place; "chosen" for the place named; "signed" for and against it
    smooth: str
    cells: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A photo in the gallery."""

    kind: Kind
    place: int
    predicted: int
    probability: float  # of the place named
    photo: Photo
    width: int  # pixels in the report
    height: int
    picture: str  # data URI; a blank one where the photo may not be shown
    is_shown: bool
    layers: tuple[Layer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """All shots, in the order they were chosen within each kind."""

    shots: tuple[Shot, ...]
    scale: float | None  # logits a cell of the strongest colour; None where there are no heatmaps
    grid: tuple[int, int] | None  # rows, columns of the heatmaps
    chosen: int  # photos that the rules chose; more than shown where the file would grow too large
    unreadable: int

    def of(self, place: int, kind: Kind) -> tuple[Shot, ...]:
        """The shots of one place and kind."""
        return tuple(shot for shot in self.shots if shot.place == place and shot.kind == kind)

    def among(self, photos: Sequence[int]) -> tuple[Shot, ...]:
        """The shots of these photo ids that may be shown, in the order of the ids."""
        by_id = {shot.photo.photo_id: shot for shot in self.shots if shot.is_shown}
        return tuple(by_id[photo_id] for photo_id in photos if photo_id in by_id)

    def lead(self, place: int) -> Shot | None:
        """The picture that stands for a place: the first typical one that is not upright, else the nearest to it."""
        shots = [shot for kind in KINDS for shot in self.of(place, kind)]
        shots.sort(key=lambda shot: (shot.predicted != place, KINDS.index(shot.kind), shot.width < shot.height))
        return shots[0] if shots else None


def make_gallery(project: Project, config: Config, data: ReportData, *, progress: Progress) -> Gallery:
    """Chooses, reads and shrinks photos until all are in or the room in the file is used up."""
    choices = _by_rank(_choices(project, config, data))
    chosen = {choice.photo.photo_id for choice in choices}
    maps = read_centred(project.explanations / "heatmaps", chosen, data.keys)
    scale = common_scale([maps[photo_id] for photo_id in sorted(maps)]) if maps else None
    with project.catalog() as catalog:
        hidden = _hidden_sources(catalog)
    maker = _Maker(project=project, config=config, data=data, maps=maps, scale=scale or 1.0, hidden=hidden)
    shots: list[Shot] = []
    unreadable, room = 0, PICTURES_BYTES
    for choice in progress.track(choices, total=len(choices), label="Photos for the report"):
        shot = maker.shot(choice)
        if shot is None:
            unreadable += 1
            continue
        room -= len(shot.picture) + sum(len(layer.smooth) + len(layer.cells) for layer in shot.layers)
        if room < 0:
            break
        shots.append(shot)
    grid = next(iter(maps.values())).shape[-2:] if maps else None
    return Gallery(
        shots=tuple(shots),
        scale=scale,
        grid=None if grid is None else (int(grid[0]), int(grid[1])),
        chosen=len(choices) - unreadable,
        unreadable=unreadable,
    )


def _hidden_sources(catalog: Catalog) -> frozenset[str]:
    """The sources whose terms forbid showing their photos, as they were noted when the photos were collected."""
    terms = {name.partition(":")[2]: json.loads(value) for name, value in catalog.facts("terms:").items()}
    return frozenset(source for source, told in terms.items() if not told.get("may_be_shown", True))


def _choices(project: Project, config: Config, data: ReportData) -> list[Choice]:
    """The photos that `explain` chose; where it has not run on these predictions, what its rules choose from them."""
    candidates = _candidates(data.predictions)
    told = {(photo.photo_id, photo.place, photo.predicted) for photo in candidates}
    explained = read_choices(project.explanations / "pictures", data.keys)
    photos = [choice.photo for choice in explained]
    if explained and told >= {(photo.photo_id, photo.place, photo.predicted) for photo in photos}:
        return explained
    return choose_photos(candidates, places=len(data.places), at_most=config.explain.pictures)


def _candidates(predictions: Predictions) -> list[Candidate]:
    """The test photos with the margins of log p: those of the logits divided by the temperature, in the same order."""
    logs = np.log(np.maximum(predictions.probabilities.astype(np.float64), 1e-30))
    rows = zip(
        predictions.photo_id.tolist(),
        predictions.block,
        predictions.true.tolist(),
        predictions.predicted.tolist(),
        logs,
        strict=True,
    )
    return [
        Candidate(photo_id=photo_id, block=block, place=place, predicted=predicted, margin=margin_of(scores, place))
        for photo_id, block, place, predicted, scores in rows
    ]


def _by_rank(choices: Sequence[Choice]) -> list[Choice]:
    """First the first of each rule and place, then the second, …: whatever does not fit is the least needed."""
    ranks: dict[tuple[int, Kind], int] = {}
    ranked = []
    for choice in choices:
        group = (choice.photo.place, choice.kind)
        ranks[group] = ranks.get(group, -1) + 1
        ranked.append((ranks[group], KINDS.index(choice.kind), choice))
    return [choice for _, _, choice in sorted(ranked, key=lambda item: (item[0], item[1], item[2].photo.place))]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Maker:
    """Makes shots; holds what is the same for all of them."""

    project: Project
    config: Config
    data: ReportData
    maps: Mapping[int, Floats]
    scale: float
    hidden: frozenset[str]  # sources whose photos may not be shown

    def shot(self, choice: Choice) -> Shot | None:
        """The shot of a choice; None where its photo cannot be read."""
        candidate = choice.photo
        try:
            with self.project.catalog() as catalog:
                photo = catalog.photo(candidate.photo_id)
            pixels = decode_photo(
                self.project.path_of(photo.file or ""),
                max_pixels=self.config.check.max_pixels,
                shorter_side_px=LONGER_SIDE_PX,
            )
        except (KeyError, PhotoError):
            return None
        small = Image.fromarray(pixels)
        small.thumbnail((LONGER_SIDE_PX, LONGER_SIDE_PX), Image.Resampling.LANCZOS)
        is_shown = photo.source not in self.hidden
        if not is_shown:
            small = Image.new("RGB", small.size, _BLANK)
        row = int(np.searchsorted(self.data.predictions.photo_id, candidate.photo_id))
        return Shot(
            kind=choice.kind,
            place=candidate.place,
            predicted=candidate.predicted,
            probability=float(self.data.predictions.probabilities[row, candidate.predicted]),
            photo=photo,
            width=small.width,
            height=small.height,
            picture=_webp(small),
            is_shown=is_shown,
            layers=tuple(self._layers(candidate)),
        )

    def _layers(self, candidate: Candidate) -> Iterator[Layer]:
        maps = self.maps.get(candidate.photo_id)
        if maps is None:
            return
        places = range(len(maps)) if len(maps) <= EVERY_PLACE_UP_TO else [candidate.predicted]
        for place in places:
            kind = f"p{place} chosen" if place == candidate.predicted else f"p{place}"
            yield self._layer(kind, maps[place], signed=False)
        yield self._layer("signed", maps[candidate.predicted], signed=True)

    def _layer(self, kind: str, cells: Floats, *, signed: bool) -> Layer:
        smooth = heatmap_layer(cells, scale=self.scale, signed=signed)
        return Layer(kind=kind, smooth=_data_uri(smooth, "webp"), cells=_cells_png(cells / self.scale, signed=signed))


def _cells_png(values: Floats, *, signed: bool) -> str:
    """One pixel a cell; the page enlarges it without smoothing."""
    file = io.BytesIO()
    Image.fromarray(colour_values(values, signed=signed)).save(file, "PNG", optimize=True)
    return _data_uri(file.getvalue(), "png")


def _webp(image: Image.Image) -> str:
    """The pixels alone, without EXIF."""
    file = io.BytesIO()
    image.save(file, "WEBP", quality=QUALITY, method=4)
    return _data_uri(file.getvalue(), "webp")


def _data_uri(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
