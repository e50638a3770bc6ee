"""Mapillary (API v4): searched box by box, each photo's address asked for anew when it is fetched."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from machinami.areas import Area
from machinami.dates import CaptureDate
from machinami.errors import CredentialError, SourceError
from machinami.geo import LatLon
from machinami.retry import retry_after_s
from machinami.sampling import Sample
from machinami.sources.fields import (
    heading_of,
    id_of,
    judge_json,
    number_of,
    position_of,
    read_object,
    table_of,
    text_of,
    whole_of,
)
from machinami.sources.images import image_request, judge_image
from machinami.sources.manners import TryAgain, Unanswered, Verdict, judge_status
from machinami.sources.secret import Secret, redact
from machinami.sources.setup import Setup
from machinami.sources.source import (
    Box,
    Cell,
    Estimate,
    Fetched,
    Found,
    PhotoGone,
    PhotoRef,
    Terms,
    boxes_over,
    provider_date,
)
from machinami.sources.transport import Answer, Request, is_safe_image_url

__all__ = [
    "LIMITS", "MapillarySource", "address_request", "judge_address", "judge_graph", "judge_thumb", "parse_addresses",
    "parse_search", "search_request", "thumbs_for",
]  # fmt: skip

_GRAPH = "https://graph.mapillary.com"  # https://www.mapillary.com/developer/api-documentation, read in 2026
_IMAGE_HOST = "fbcdn.net"  # where the addresses lead: scontent-….fbcdn.net

# Photos in one answer. 2000 is default and maximum (same page), but users report failures that 1000 does not meet
# (streetscapes, issue 47, 2025): then fewer are asked for. A full answer is a truncated one.
LIMITS = (2000, 1000, 500)
SIDE_DEG = 0.009  # a box must be under "0.01 degrees square" since 16 January 2026; area or side, this is under both
# 10 000 searches and 60 000 other questions a minute are documented (same page). A search takes about a second, and
# streetscapes (pull request 212, 2025) gains nothing beyond a few in flight.
REQUESTS_PER_S = 5.0
FRESH_ADDRESSES = 3  # addresses that may expire between being given and being asked, for one photo

_FIELDS = (
    "id", "geometry", "computed_geometry", "captured_at", "compass_angle", "computed_compass_angle", "camera_type",
    "is_pano", "make", "model", "sequence", "creator", "width", "height",
)  # fmt: skip
_THUMBS: Mapping[int, str] = {256: "thumb_256_url", 1024: "thumb_1024_url", 2048: "thumb_2048_url"}
_ORIGINAL = "thumb_original_url"
_ORIGINAL_PX = 4000  # longer side of most flat originals among 400 recorded answers
_BYTES_PER_PX = 0.3  # assumed: JPEGs of 1280x720 street photos that others recorded had 270 159 and 292 304 bytes

# Error codes of the Graph API (https://developers.facebook.com/docs/graph-api/guides/error-handling, read in 2026).
_TOKEN, _PARAMETER, _NO_OBJECT = 190, 100, 33
_PASSING = frozenset({1, 2, 4, 17, 32, 341, 613})  # trouble of the server's own, and limits of rate
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_log = logging.getLogger(__name__)


def search_request(graph: str, box: Box, token: Secret, *, limit: int = LIMITS[0]) -> Request:
    """The question for the photos in a box, at most `limit`. It cannot be paged."""
    query = {"bbox": box.name, "fields": ",".join(_FIELDS), "limit": str(limit)}
    return Request(url=f"{graph}/images", query=query, secret_headers=_authorization(token))


def address_request(graph: str, source_id: str, token: Secret) -> Request:
    """The question for the addresses of one photo, in all sizes. They are signed and expire."""
    fields = ",".join((*_THUMBS.values(), _ORIGINAL))
    url = f"{graph}/{quote(source_id, safe='')}"
    return Request(url=url, query={"fields": fields}, secret_headers=_authorization(token))


def _authorization(token: Secret) -> Mapping[str, Secret]:
    return {"Authorization": Secret(f"OAuth {token.value}")}


def thumbs_for(image_px: int, *, spherical: bool) -> tuple[str, ...]:
    """The fields with a photo's addresses, the best first: at least `image_px` wide, then larger, then smaller.

    Of a spherical photo the next larger size is best, since only a part of it makes a view.

    >>> thumbs_for(1024, spherical=False)
    ('thumb_1024_url', 'thumb_2048_url', 'thumb_original_url', 'thumb_256_url')
    >>> thumbs_for(1024, spherical=True)[0]
    'thumb_2048_url'
    """
    fields = [*_THUMBS.values(), _ORIGINAL]
    first = sum(px < image_px for px in _THUMBS) + spherical
    first = min(first, len(fields) - 1)
    return (*fields[first:], *reversed(fields[:first]))


def judge_graph(answer: Answer, *, host: str, now: datetime) -> Verdict:
    """What an answer of the Graph API says; None where it is a JSON object without an error."""
    value = read_object(answer.body) or {}
    pause = _judge_pause(value, host)
    if pause is not None:
        return pause
    if value.get("error"):
        return _judge_error(value["error"], answer, host=host, now=now)
    if answer.status == 401:
        return _refused(host)
    return judge_json(answer, host=host, now=now)


def _judge_pause(value: Mapping[str, object], host: str) -> TryAgain | None:
    """Throttling: with 429 or 400, and a pause in milliseconds in the body."""
    pause_ms = number_of(value.get("backoff"))
    return None if pause_ms is None else TryAgain(f"{host} asks for a pause", max(0.0, pause_ms / 1000))


def judge_address(answer: Answer, *, host: str, now: datetime) -> Verdict:
    """As `judge_graph`, for the question about one photo, which may no longer be there."""
    error = table_of((read_object(answer.body) or {}).get("error"))
    missing = whole_of(error.get("error_subcode")) == _NO_OBJECT or "does not exist" in str(error.get("message"))
    if whole_of(error.get("code")) == _PARAMETER and missing:
        return PhotoGone(f"gone: {host} no longer knows it")
    verdict = judge_graph(answer, host=host, now=now)
    return TryAgain(str(verdict)) if isinstance(verdict, _TooMuch) else verdict


def _judge_error(error: object, answer: Answer, *, host: str, now: datetime) -> Verdict:
    facts = table_of(error)
    code = whole_of(facts.get("code"))
    message = redact(text_of(facts.get("message")) or text_of(error) or "an error without a message")
    if code == _TOKEN or answer.status == 401:
        return _refused(host)  # without the message: it can repeat the token
    if code == _PARAMETER:
        return SourceError(f"{host} does not understand a field or parameter of the question: {message}")
    if "reduce the amount of data" in message.lower():
        return _TooMuch(f"{host}: {message}")
    if code in _PASSING or facts.get("is_transient") is True:
        return TryAgain(f"{host}: {message}", retry_after_s(answer.headers, now=now))
    return judge_status(answer, host=host, now=now) or SourceError(f"{host}: {message}")


def _refused(host: str) -> CredentialError:
    return CredentialError(
        f"{host} refuses the token: make a new one at https://www.mapillary.com/dashboard/developers and put it "
        "into MAPILLARY_ACCESS_TOKEN"
    )


class _TooMuch(Exception):
    """The host could answer if fewer photos were asked for at once."""


class _Expired(Exception):
    """The address was good once."""


def judge_thumb(answer: Answer, *, host: str, now: datetime) -> Verdict:
    """As `judge_image`; 403 and 410 say that the address has expired, not that the photo is gone."""
    if answer.status in {403, 410}:
        return _Expired(f"{host} answers {answer.status}")
    pause = _judge_pause(read_object(answer.body) or {}, host) if answer.status == 400 else None
    return pause or judge_image(answer, host=host, now=now)


def parse_search(body: bytes, *, now: datetime, limit: int = LIMITS[0]) -> Found:
    """The photos of an answer; not whole where there are `limit`.

    Rows without id or position, which cannot become photos, are left out and logged. Raises SourceError for an
    answer that is not built as documented.
    """
    rows = (read_object(body) or {}).get("data")
    if not isinstance(rows, list):
        raise SourceError("graph.mapillary.com: an answer without 'data'; a newer Machinami may know the change")
    refs = [ref for row in rows if (ref := _ref(table_of(row), now)) is not None]
    if len(refs) < len(rows):
        _log.warning("mapillary: %d of %d photos have no id or no position", len(rows) - len(refs), len(rows))
    once = {ref.source_id: ref for ref in refs}
    return Found(refs=tuple(once.values()), whole=len(rows) < limit)


def _ref(row: Mapping[str, object], now: datetime) -> PhotoRef | None:
    source_id = id_of(row.get("id"))
    position = _position(row.get("computed_geometry")) or _position(row.get("geometry"))
    if source_id is None or position is None:
        return None
    heading_deg = heading_of(row.get("computed_compass_angle"))
    creator = text_of(table_of(row.get("creator")).get("username"))
    return PhotoRef(
        source_id=source_id,
        lat=position.lat,
        lon=position.lon,
        projection="spherical" if _is_spherical(row) else "flat",
        heading_deg=heading_of(row.get("compass_angle")) if heading_deg is None else heading_deg,
        captured=_captured(row.get("captured_at"), now),
        width=whole_of(row.get("width")) or None,
        height=whole_of(row.get("height")) or None,
        sequence=text_of(row.get("sequence")),
        creator=creator,
        camera_make=_camera(row.get("make")),
        camera_model=_camera(row.get("model")),
        licence=TERMS.licence,
        attribution=f"© {creator or 'a contributor'}, Mapillary, CC BY-SA 4.0",
        page_url=f"https://www.mapillary.com/app/?pKey={source_id}",
        reason="fisheye" if row.get("camera_type") == "fisheye" else None,
    )


def _position(geometry: object) -> LatLon | None:
    point = table_of(geometry).get("coordinates")
    return position_of(point[1], point[0]) if isinstance(point, list) and len(point) >= 2 else None


def _is_spherical(row: Mapping[str, object]) -> bool:
    kind = row.get("camera_type")
    if kind in ("perspective", "fisheye"):
        return False
    return kind in ("spherical", "equirectangular") or row.get("is_pano") is True


def _captured(value: object, now: datetime) -> CaptureDate | None:
    milliseconds = number_of(value)
    if milliseconds is None:
        return None
    try:
        return provider_date(_EPOCH + timedelta(milliseconds=milliseconds), now=now)
    except OverflowError:  # the year 318857 has been served
        return None


def _camera(value: object) -> str | None:
    text = text_of(value)
    return None if text == "none" else text


def parse_addresses(body: bytes) -> Mapping[str, str]:
    """The addresses of one photo by field, those that there are."""
    value = read_object(body) or {}
    return {name: url for name in (*_THUMBS.values(), _ORIGINAL) if isinstance(url := value.get(name), str) and url}


TERMS = Terms(
    name="Mapillary",
    licence="CC-BY-SA-4.0",
    attribution="© Mapillary contributors, CC BY-SA 4.0",
    url="https://www.mapillary.com/terms",
)


class MapillarySource:
    """Photos of Mapillary. Needs the key `mapillary_token`, from the first question on. Safe for several threads."""

    name: str = "mapillary"
    terms: Terms = TERMS
    spots: bool = False
    cuts_views: bool = False

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._graph = setup.url(f"{_GRAPH}/").rstrip("/")
        self._questions = setup.asker(REQUESTS_PER_S)
        self._images = setup.asker(REQUESTS_PER_S)

    def plan(self, area: Area, *, photos: int) -> Estimate:
        """One search a box, one question and one image a photo; the image's size is assumed. Asks nothing."""
        searches = sum(1 for _ in boxes_over(area, side_deg=SIDE_DEG))
        graph_host = Request(url=self._graph).host
        image_host = graph_host if self._setup.base_url() else _IMAGE_HOST
        requests = {graph_host: searches + photos}
        requests[image_host] = requests.get(image_host, 0) + photos
        pace_per_s = self._setup.pace_per_s(REQUESTS_PER_S)
        field = thumbs_for(self._setup.collect.image_px, spherical=False)[0]
        width = next((px for px, name in _THUMBS.items() if name == field), _ORIGINAL_PX)
        return Estimate(
            requests=requests,
            images=photos,
            image_bytes=round(photos * width * width * 3 / 4 * _BYTES_PER_PX),
            pace_per_s=dict.fromkeys(requests, pace_per_s),
            notes=(f"a box with {LIMITS[0]} photos or more is asked again as four: dense towns take more searches",),
        )

    def cells(self, area: Area, samples: Sequence[Sample]) -> Iterator[Box]:
        """Boxes of 0.009° over the area; the samples play no part."""
        del samples
        return boxes_over(area, side_deg=SIDE_DEG)

    def search(self, cell: Cell) -> Found:
        """The photos in a box. Raises Unanswered, SourceError, HostBlocked, CredentialError."""
        assert isinstance(cell, Box)
        for limit in LIMITS:
            request = search_request(self._graph, cell, self._token(), limit=limit)
            try:
                answer = self._questions.ask(request, self._judge(judge_graph, request))
            except _TooMuch as refusal:
                why = str(refusal)
                continue
            return parse_search(answer.body, now=self._setup.now(), limit=limit)
        raise Unanswered(why)

    def fetch(self, ref: PhotoRef, *, heading_deg: float | None, before: Callable[[], None]) -> Fetched:
        """The bytes of a photo, a spherical one whole. Raises PhotoGone, Unanswered, SourceError and its kin."""
        del heading_deg  # no provider of whole pictures cuts views
        for _ in range(FRESH_ADDRESSES):
            request = image_request(self._address(ref))
            try:
                answer = self._images.ask(request, self._judge(judge_thumb, request), before=before)
            except _Expired:
                continue
            return Fetched(data=answer.body, source_id=ref.source_id)
        raise Unanswered(f"the image's address had expired {FRESH_ADDRESSES} times")

    def _address(self, ref: PhotoRef) -> str:
        """The address of the size wanted, fresh. Raises PhotoGone where there is none that may be asked."""
        request = address_request(self._graph, ref.source_id, self._token())
        answer = self._questions.ask(request, self._judge(judge_address, request))
        addresses = parse_addresses(answer.body)
        base_url = self._setup.base_url()
        for field in thumbs_for(self._setup.collect.image_px, spherical=ref.projection == "spherical"):
            if field in addresses and is_safe_image_url(addresses[field], base_url=base_url):
                return addresses[field]
        raise PhotoGone("gone: Mapillary gives no address for it" if not addresses else "address is not https")

    def _judge(self, judge: Callable[..., Verdict], request: Request) -> Callable[[Answer], Verdict]:
        return lambda answer: judge(answer, host=request.host, now=self._setup.now())

    def _token(self) -> Secret:
        return self._setup.key("mapillary_token", needed_for="Mapillary")
