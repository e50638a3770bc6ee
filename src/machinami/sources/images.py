"""How an image is asked for, and what an answer must be before it counts: status, type, magic bytes, length."""

from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

from machinami.sources.manners import TryAgain, Verdict, judge_status
from machinami.sources.secret import Secret
from machinami.sources.source import PhotoGone
from machinami.sources.transport import Answer, Request

__all__ = ["image_request", "judge_image"]

_MAGIC = {
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/webp": (b"RIFF",),
}
_ANY_TYPE = frozenset({"", "application/octet-stream", "binary/octet-stream"})  # what plain storage says of a file


def image_request(url: str) -> Request:
    """The request for an image at an address that a provider gave; its query may be a signature, so it is never shown.

    >>> str(image_request("https://example.org/a.jpg?oh=5f3&oe=6a"))
    'GET https://example.org/a.jpg'
    """
    parts = urlsplit(url)
    query = {name: Secret(value) for name, value in parse_qsl(parts.query, keep_blank_values=True)}
    return Request(url=parts._replace(query="", fragment="").geturl(), secret_query=query)


def judge_image(answer: Answer, *, host: str, now: datetime) -> Verdict:
    """What an answer to a request for an image says; None where it is one, as far as its first bytes tell.

    404 and 410 are the photo's end. A web page in place of a photo (a captive portal, a login, an error page sent
    with 200) is asked again.
    """
    if answer.status in {404, 410}:
        return PhotoGone(f"gone: {host} answers {answer.status}")
    verdict = judge_status(answer, host=host, now=now)
    if verdict is not None:
        return verdict
    wanted = _MAGIC.get(answer.content_type, ())
    if not wanted and answer.content_type not in _ANY_TYPE:
        return TryAgain(f"{host} sends {answer.content_type!r} where a photo should be")
    known = wanted or tuple(magic for kinds in _MAGIC.values() for magic in kinds)
    if not answer.body.startswith(known):
        return TryAgain(f"{host} sends bytes that are no {answer.content_type or 'image'}")
    length = answer.headers.get("content-length", "")
    if length.isdigit() and "content-encoding" not in answer.headers and int(length) != len(answer.body):
        return TryAgain(f"{host} sent {len(answer.body)} bytes of {length}")
    return None
