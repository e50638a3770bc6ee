"""The page: the template filled in, style and script inside, and a content policy that lets nothing else in."""

import base64
import hashlib
import json
import re
import shlex
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import jinja2
import numpy as np
from markupsafe import Markup, escape

from machinami.enough import BLOCKS_FOR_FINDING
from machinami.explain.colours import colour_values
from machinami.report import believing, sentences
from machinami.report.charts import accuracy_chart, accuracy_title, lift_chart
from machinami.report.facts import ReportData, Scores
from machinami.report.gallery import EVERY_PLACE_UP_TO, KINDS, Gallery
from machinami.report.map import draw_maps, draw_strips
from machinami.report.palette import PLACE_COLOURS
from machinami.report.plots import draw_curve, draw_reliability, draw_selective
from machinami.report.texts import LANGUAGES, Lang, Texts, texts

__all__ = ["render_page"]

_CODE = re.compile("`([^`]+)`")
_INTERVAL = re.compile(r"[(（][\d.]+[–〜][\d.]+[)）]")  # must not be broken over two lines


def render_page(data: ReportData, gallery: Gallery) -> str:
    """The whole HTML file."""
    environment = _environment()
    style = environment.get_template("style.css").render(
        places=range(len(data.places)),
        colours=[PLACE_COLOURS[index % len(PLACE_COLOURS)] for index in range(len(data.places))],
        ramp=_gradient(signed=False),
        signed_ramp=_gradient(signed=True),
        layers=[f"p{index}" for index in range(len(data.places))],
    )
    script = environment.get_template("script.js").render()
    script_digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("report.html").render(
        data=data,
        gallery=gallery,
        kinds=KINDS,
        every_place=len(data.places) <= EVERY_PLACE_UP_TO,
        style=Markup(style),  # our own file; places enter it as numbers alone
        script=Markup(script),  # our own file, without values
        script_digest=script_digest,
        accuracy=accuracy_chart(data),
        rivals=believing.rivals_chart(data.scores),
        draw={"reliability": draw_reliability, "selective": draw_selective, "curve": draw_curve},
        enough_blocks=BLOCKS_FOR_FINDING,
        lifts=lift_chart(data) if data.attention is not None else None,
        maps=draw_maps(data),
        strips=draw_strips(data),
        **_words(data),
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("machinami.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.filters["safe_link"] = _safe_link
    environment.filters["toml"] = _toml
    environment.filters["zip"] = zip
    environment.filters["shell"] = shlex.quote
    return environment


# --- words ------------------------------------------------------------------------------------------------------


def _words(data: ReportData) -> dict[str, Any]:
    """What the template calls for text: `t` for a key, `say` for a sentence of the data, `each` for a list of them."""

    def translate(key: str, **values: object) -> Markup:
        return _both(lambda lang: texts(lang).say(key, **_resolved(values, texts(lang))))

    def sentence(function: Callable[[ReportData, Lang], str]) -> Markup:
        return _both(lambda lang: function(data, lang))

    def of(function: Callable[[Scores, Lang], str]) -> Markup:
        return _both(lambda lang: function(data.scores, lang))

    def each_of(function: Callable[[Scores, Lang], list[str]]) -> list[Markup]:
        return each(lambda _, lang: function(data.scores, lang))

    def both_rows(function: Callable[[Scores, Lang], list[tuple[str, ...]]]) -> list[list[Markup]]:
        tables = {lang: function(data.scores, lang) for lang in LANGUAGES}
        return [
            [_both(lambda lang, r=r, c=c: tables[lang][r][c]) for c in range(len(row))]  # type: ignore[misc]
            for r, row in enumerate(tables["en"])
        ]

    def each(function: Callable[[ReportData, Lang], list[str]]) -> list[Markup]:
        lists = {lang: function(data, lang) for lang in LANGUAGES}
        return [_both(lambda lang, i=i: lists[lang][i]) for i in range(len(lists["en"]))]  # type: ignore[misc]

    return {
        "languages": LANGUAGES,
        "texts": {lang: texts(lang) for lang in LANGUAGES},
        "t": translate,
        "say": sentence,
        "each": each,
        "of": of,
        "each_of": each_of,
        "both_rows": both_rows,
        "believing": believing,
        "both": _both,
        "word": lambda write: _both(lambda lang: write(texts(lang))),
        "words": sentences,
        "accuracy_title": lambda chart: _both(lambda lang: accuracy_title(chart, lang)),
        "fmt": _formats(),
    }


def _formats() -> dict[str, Callable[..., Callable[[Texts], str]]]:
    """Numbers whose form depends on the language, to be filled into texts."""
    return {
        "count": lambda n, noun: lambda t: t.count(n, noun),
        "percent": lambda share: lambda t: t.percent(share),
        "figure": lambda figure: lambda t: t.figure(figure),
        "metres": lambda metres: lambda t: t.metres(metres),
        "region": lambda name: lambda t: t.region(name),
        "say": lambda key, **values: lambda t: t.say(key, **_resolved(values, t)),
        "known": lambda key, default: lambda t: t.known(key, default),
        "listed": lambda items: lambda t: t.listed(items),
    }


def _resolved(values: dict[str, object], t: Texts) -> dict[str, object]:
    return {name: value(t) if callable(value) else value for name, value in values.items()}


def _both(sentence: Callable[[Lang], object]) -> Markup:
    """A text in every language, escaped, `code` as such; the page shows one of them."""
    spans = [
        Markup('<span class="t" lang="{}">{}</span>').format(lang, _coded(str(sentence(lang)))) for lang in LANGUAGES
    ]
    return Markup("").join(spans)


def _coded(text: str) -> Markup:
    marked = _CODE.sub(r"<code>\1</code>", str(escape(text)))
    return Markup(_INTERVAL.sub(r'<span class="whole">\g<0></span>', marked))  # escaped before it is marked


# --- filters ----------------------------------------------------------------------------------------------------


def _safe_link(url: str | None) -> str | None:
    """The address where it is one of a web page, else None: a `javascript:` from a table must not become a link."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc else None


def _toml(config: dict[str, Any]) -> str:
    """All settings, a line each, `section.key = value`."""
    lines = []
    for key, value in config.items():
        if isinstance(value, dict):
            lines += [f"{key}.{name} = {json.dumps(inner, ensure_ascii=False)}" for name, inner in value.items()]
        else:
            lines.append(f"{key} = {json.dumps(value, ensure_ascii=False, default=str)}")
    return "\n".join(lines)


def _gradient(*, signed: bool) -> str:
    """The colours of the heatmaps from one end to the other, as stops of a CSS gradient."""
    values = np.linspace(-1 if signed else 0, 1, 17)
    stops = [f"rgba({r},{g},{b},{a / 255:.3f})" for r, g, b, a in colour_values(values, signed=signed).tolist()]
    return f"linear-gradient(to right,{','.join(stops)})"
