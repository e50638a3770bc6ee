"""The report's words in every language, and how numbers are written in them."""

import json
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Literal, get_args

from machinami.report.facts import Figure

__all__ = ["LANGUAGES", "Lang", "Texts", "texts"]

Lang = Literal["en", "ja"]
LANGUAGES: tuple[Lang, ...] = get_args(Lang)
NO_BREAK = "\N{NO-BREAK SPACE}"


class Texts:
    """One language: sentences by key, with numbers in its own manner. Strings are plain text, not HTML."""

    def __init__(self, lang: Lang) -> None:
        self.lang = lang
        source = files("machinami.report") / "i18n" / f"{lang}.json"
        self._entries: dict[str, str] = json.loads(source.read_text(encoding="utf-8"))

    def say(self, key: str, **values: object) -> str:
        """The text of a key, its `{names}` filled in. Raises KeyError for an unknown key."""
        return self._entries[key].format(**values)

    def known(self, key: str, default: str) -> str:
        """The text of a key, or `default` where there is none."""
        return self._entries.get(key, default)

    def names(self) -> tuple[str, ...]:
        """All keys, in the order of the file."""
        return tuple(self._entries)

    def count(self, n: int, noun: Literal["photo", "block", "time"]) -> str:
        """So many of something: 1 photo, 2 photos."""
        text = self.say(f"count.{noun}.{'one' if n == 1 else 'other'}", n=f"{n:,}")
        return text.replace(" ", NO_BREAK)

    def percent(self, share: float | None) -> str:
        """A share 0 … 1 in whole per cent; with a decimal where rounding would claim all or nothing."""
        if share is None:
            return self.say("dash")
        return self.say("number.percent", n=_percent(share)).replace(" ", NO_BREAK)

    def figure(self, figure: Figure) -> str:
        """A share with its interval in the same breath: 96 % (93–98)."""
        if figure.value is None or figure.low is None or figure.high is None:
            return self.percent(figure.value)
        return self.say(
            "number.interval",
            value=self.percent(figure.value),
            low=_percent(figure.low),
            high=_percent(figure.high),
        ).replace(" (", NO_BREAK + "(")

    def times(self, figure: Figure) -> str:
        """A factor with its interval: 3.1× (2.5–3.8)."""
        if figure.value is None:
            return self.say("dash")
        value = self.say("number.times", n=f"{figure.value:.1f}")
        if figure.low is None or figure.high is None:
            return value
        text = self.say("number.interval", value=value, low=f"{figure.low:.1f}", high=f"{figure.high:.1f}")
        return text.replace(" (", NO_BREAK + "(")

    def points(self, share: float) -> str:
        """A difference between shares, in percentage points with a decimal."""
        return self.say("number.points", n=f"{100 * share:.1f}").replace(" ", NO_BREAK)

    def number(self, value: float | None, *, digits: int = 3) -> str:
        """A plain number, or a dash."""
        return self.say("dash") if value is None else f"{value:.{digits}f}"

    def listed(self, items: Sequence[str]) -> str:
        """a, b and c."""
        if len(items) < 2:
            return "".join(items)
        return self.say("list.and", head=self.say("list.comma").join(items[:-1]), last=items[-1])

    def region(self, name: str) -> str:
        """A region's name in this language, where it is a common one; else as the masks name it."""
        return self.known(f"region.{name}", name)

    def metres(self, metres: float) -> str:
        """A distance without its unit: 88, or 1,200."""
        return f"{metres:,.0f}"


@lru_cache
def texts(lang: Lang) -> Texts:
    """The texts of one language."""
    return Texts(lang)


def _percent(share: float) -> str:
    percent = 100 * share
    rounds_to_end = (percent >= 99.5 and share < 1) or (percent < 0.5 and share > 0)
    if not rounds_to_end:
        return f"{percent:.0f}"
    return f"{min(max(percent, 0.1), 99.9):.1f}"
