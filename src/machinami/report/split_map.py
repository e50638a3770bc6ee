"""split.svg: the maps, or strips of runs, of a split by themselves, in one picture that opens anywhere."""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from markupsafe import Markup

from machinami.config import Config
from machinami.files import write_bytes
from machinami.places import label_of, resolve_places
from machinami.project import Project
from machinami.report.data import read_holdings
from machinami.report.map import MARGIN_PX, WIDE_PX, Panel, Sight, draw_panels, strips_of
from machinami.report.palette import PLACE_COLOURS
from machinami.report.svg import cut, element
from machinami.report.texts import LANGUAGES, texts
from machinami.split import Split

__all__ = ["draw_split", "write_split_map"]

_LINE_PX = 22.0
_GAP_PX = 16.0
_LETTERS = 88  # that fit into a line; Japanese ones count twice
_STYLE = """
text { font: 14px system-ui, "Segoe UI", "Noto Sans", "Hiragino Sans", "Noto Sans JP", "Noto Sans CJK JP", sans-serif; fill: #1b1d21; }
.quiet { fill: #5c5f66; } .title { font-weight: 650; font-size: 17px; } .brand { font-weight: 650; fill: #a3261b; }
.block { stroke: #fcfbf8; stroke-width: 1.5; }
.block.train { fill-opacity: .2; } .block.validation { fill-opacity: .5; }
.photos { stroke: #1b1d21; stroke-width: 2.6; stroke-linecap: round; stroke-opacity: .55; fill: none; }
.outline { fill: none !important; stroke-width: 1.2; }
.ground-name { font-size: 15px; font-weight: 600; paint-order: stroke; stroke: #fcfbf8 !important; stroke-width: 4px; }
.bar { fill: none; stroke: #1b1d21; stroke-width: 1.2; }
"""  # noqa: E501  a rule a line


def write_split_map(project: Project, config: Config, split: Split) -> Path:
    """Writes split.svg beside split.json; its path."""
    with project.catalog() as catalog:
        places = resolve_places(config, catalog)
        holdings = read_holdings(catalog, {place.key for place in places})
    sight = Sight(
        keys=tuple(place.key for place in places),
        labels=tuple(label_of(place) for place in places),
        blocks=split.blocks,
        holdings=holdings,
    )
    write_bytes(project.split_map, draw_split(sight, split).encode())
    return project.split_map


def draw_split(sight: Sight, split: Split) -> str:
    """The picture as SVG: what it shows, a legend, and the maps one below the other; strips for runs of names."""
    parts: list[Markup] = []
    y = MARGIN_PX
    for sentence, kind in _lines(sight, split):
        for text in _wrapped(sentence):
            parts.append(element("text", text, x=0, y=y, class_=kind))
            y += _LINE_PX
    parts.append(_legend(y, squares=split.branded is None))
    y += _LINE_PX + _GAP_PX
    for panel in draw_panels(sight):
        parts += _placed(panel, y, sight)
        y += panel.height_px * WIDE_PX / panel.width_px + _LINE_PX + _GAP_PX
    for strip in () if split.branded else strips_of(sight.keys, split.blocks):
        parts.append(element("text", sight.labels[strip.place], x=0, y=y + 14, class_=f"place-{strip.place}"))
        parts.append(element("svg", strip.drawing, x=0, y=y + _LINE_PX, width=WIDE_PX, height=32))
        y += _LINE_PX + 32 + _GAP_PX
    paper = element("rect", x=-MARGIN_PX, y=0, width=WIDE_PX + 2 * MARGIN_PX, height=y, fill="#fcfbf8")
    view = f"{cut(-MARGIN_PX)} 0 {cut(WIDE_PX + 2 * MARGIN_PX)} {cut(y)}"
    size = {"width": WIDE_PX + 2 * MARGIN_PX, "height": y}
    style = element("style", Markup(_STYLE + _colours(len(sight.keys))))  # our own rules; places enter as numbers
    return str(element("svg", style, paper, *parts, xmlns="http://www.w3.org/2000/svg", viewBox=view, **size))


def _lines(sight: Sight, split: Split) -> Iterator[tuple[str, str]]:
    """What stands over the maps, in every language, and its class."""
    tested = sum(block.subset == "test" for block in split.blocks)
    every = sight.holdings.points_every
    for lang in LANGUAGES:
        say = texts(lang).say
        if split.branded:
            yield say("headline.branded"), "brand"
            continue
        yield f"{say('map.title')}: {say('map.blocks', test=tested, all=len(split.blocks))}", "title"
        if every > 1:
            yield say("map.sample", n=every), "quiet"


def _wrapped(sentence: str) -> list[str]:
    """Lines that fit into the picture, broken at spaces or, in Japanese, before any character but a full stop."""
    pieces = re.findall(r"[ -~]+? |[ -~]+|.[、。]?", sentence)
    lines, width = [""], 0
    for piece in pieces:
        wide = sum(1 + (unicodedata.east_asian_width(letter) in "WF") for letter in piece)
        if width + wide > _LETTERS:
            lines.append("")
            width = 0
        lines[-1] += piece
        width += wide
    return lines


def _legend(y: float, *, squares: bool) -> Markup:
    """What the tints mean; in a random split there are only dots."""
    marks, x = [], 0.0
    for subset in ("test", "validation", "train") if squares else ():
        marks.append(element("rect", x=x, y=y - 11, width=22, height=14, class_=f"block {subset} place-0"))
        marks.append(element("text", _in_all(f"map.{subset}"), x=x + 28, y=y, class_="quiet"))
        x += 180
    marks.append(element("path", d=f"M{cut(x + 11)} {cut(y - 4)}h0", class_="photos"))
    marks.append(element("text", _in_all("map.point"), x=x + 28, y=y, class_="quiet"))
    return element("g", *marks)


def _in_all(key: str) -> str:
    return " · ".join(texts(lang).say(key) for lang in LANGUAGES)


def _placed(panel: Panel, y: float, sight: Sight) -> Iterator[Markup]:
    """A map at its height in the picture, with its place where it shows one, and the length of its bar."""
    height = panel.height_px * WIDE_PX / panel.width_px
    yield element("svg", panel.drawing, x=0, y=y, width=WIDE_PX, height=height)
    if len(panel.places) == 1:
        index = panel.places[0]
        yield element("text", sight.labels[index], x=0, y=y + 4, class_=f"ground-name place-{index}")
    long = panel.scale_m >= 1000
    length = f"{panel.scale_m / 1000 if long else panel.scale_m:g}"
    unit = "map.kilometres" if long else "map.metres"
    yield element("text", texts(LANGUAGES[0]).say(unit, n=length), x=0, y=y + height + 16, class_="quiet")


def _colours(places: int) -> str:
    shown = [PLACE_COLOURS[index % len(PLACE_COLOURS)][0] for index in range(places)]
    return "".join(f".place-{index} {{ fill: {colour}; stroke: {colour}; }}\n" for index, colour in enumerate(shown))
