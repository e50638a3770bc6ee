"""Keys and tokens that cannot slip into a text by accident."""

import re
from dataclasses import dataclass

__all__ = ["Secret", "redact"]

_HIDDEN = "***"
# A value ends where a query or a quoted text does.
_IN_QUERY = re.compile(r"(?i)\b(key|access_token|token|signature|sig)=[^&\s\"'<>)\]]+")
_IN_HEADER = re.compile(r"(?i)\b(OAuth|Bearer)\s+[^\s\"',]+")


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A key; it shows itself to no one but who asks for `value`."""

    value: str

    def __repr__(self) -> str:
        return f"Secret({_HIDDEN!r})"

    __str__ = __repr__


def redact(text: str) -> str:
    """The text with what looks like a key in a URL or a header hidden.

    >>> redact("GET https://example.org/image?size=640x640&key=abc&signature=d_e= failed")
    'GET https://example.org/image?size=640x640&key=***&signature=*** failed'
    """
    return _IN_HEADER.sub(rf"\1 {_HIDDEN}", _IN_QUERY.sub(rf"\1={_HIDDEN}", text))
