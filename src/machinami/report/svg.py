"""SVG as text: elements with escaped attributes and children, numbers cut to a tenth of a pixel."""

from collections.abc import Callable
from typing import Any

from markupsafe import Markup, escape

from machinami.report.texts import LANGUAGES, Lang

__all__ = ["both", "cut", "element", "label", "picture"]


def cut(value: float) -> str:
    """A coordinate with one decimal at most, so that the same chart is the same bytes everywhere."""
    text = f"{value:.1f}"
    return "0" if text == "-0.0" else text.removesuffix(".0")


def element(name: str, *children: object, **attributes: Any) -> Markup:
    """`<name …>children</name>`; `class_` is class, `_` in names is `-`; attributes that are None are left out."""
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _value(value))
        for key, value in attributes.items()
        if value is not None
    )
    inside = Markup("").join(escape(child) for child in children)
    return Markup("<{0}{1}>{2}</{0}>").format(name, written, inside)


def _value(value: Any) -> Any:
    return cut(value) if isinstance(value, float) else value


def both(sentence: Callable[[Lang], object], *, tag: str = "span") -> Markup:
    """A text in every language; the page shows one of them."""
    return Markup("").join(element(tag, sentence(lang), class_="t", lang=lang) for lang in LANGUAGES)


def label(sentence: Callable[[Lang], object] | str, x: float, y: float, **attributes: Any) -> Markup:
    """Text in a picture: a plain string, or one in every language."""
    inside = sentence if isinstance(sentence, str) else both(sentence, tag="tspan")
    return element("text", inside, x=x, y=y, **attributes)


def picture(width: float, height: float, *children: object, title: Callable[[Lang], object]) -> Markup:
    """An SVG that scales with its column, with a title for those who cannot see it."""
    names = Markup("").join(element("title", title(lang), lang=lang) for lang in LANGUAGES)
    return element(
        "svg",
        names,
        *children,
        viewBox=f"0 0 {cut(width)} {cut(height)}",
        role="img",
    )
