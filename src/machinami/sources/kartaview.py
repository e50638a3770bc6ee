"""KartaView: searched circle by circle (API 1.0), each photo's address asked for anew (API 2.0) when it is fetched."""

import logging
import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from machinami.areas import Area
from machinami.dates import CaptureDate, parse_date
from machinami.errors import CredentialError, SourceError
from machinami.geo import LatLon, ground_distance_m
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
from machinami.sources.manners import TryAgain, Unanswered, Verdict
from machinami.sources.secret import Secret, redact
from machinami.sources.setup import Setup
from machinami.sources.source import (
    EARLIEST_PROVIDER_YEAR,
    Box,
    Cell,
    Estimate,
    Fetched,
    Found,
    PhotoGone,
    PhotoRef,
    Terms,
    boxes_over,
)
from machinami.sources.transport import Answer, Request, is_safe_image_url

__all__ = [
    "Circle", "KartaViewSource", "Page", "address_request", "addresses_for", "circle_around", "judge_address",
    "judge_api", "judge_search", "parse_page", "search_request",
]  # fmt: skip

_SEARCH = "https://kartaview.org/1.0/list/nearby-photos/"  # as the OpenStreetMap editor iD asks, read in 2026
_PHOTO = "https://api.openstreetcam.org/2.0/photo/"  # https://doc.kartaview.org, read in 2026
_IMAGE_HOST = "cdn.kartaview.org"

SIDE_DEG = 0.0125  # the circle around such a box has a radius of 993 m on the equator, less elsewhere
SMALLEST_RADIUS_M = 50.0
EASY_RADIUS_M = 500.0  # a host that is well answers for so little ground, as other programs' steps suggest
# 2000 is the most that the provider's own JOSM plugin asks for (nearbyPhotos.maxItems, read in 2026).
PAGE_PHOTOS = 1000
MOST_PAGES = 100
OVERLOADS_BORNE = 3  # answers "too much" to one question before it is made smaller
REQUESTS_PER_S = 1.0  # for each host. The FAQ (2026) names the rates below; in 130 requests they were not seen enforced
REQUESTS_PER_HOUR, REQUESTS_PER_HOUR_WITH_TOKEN = 100, 1000

_LARGE_THUMB_PX = 1280  # longer side of the large thumbnail, measured on two photos by others; else 1920 to 3840
_FULL_PX = 3840
_BYTES_PER_PX = 0.3  # those two JPEGs of 1280x720 had 270 159 and 292 304 bytes
_OK, _EMPTY = 600, 601
_OVERLOADED = frozenset({408, 690})  # query timeout, overload; inside HTTP 400
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """The ground that one search asks for."""

    lat: float
    lon: float
    radius_m: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a search."""

    refs: tuple[PhotoRef, ...]
    unusable: int  # rows without an id or a position
    total: int | None  # photos in all pages, where the answer says so


class Overload(TryAgain):
    """The same question may be too large."""


class _TooMuch(Exception):
    """The host could answer if less ground were asked for at once."""


class _Busy(_TooMuch, Unanswered):
    """It says the same of little ground: after many such answers it counts as silent."""


def circle_around(box: Box) -> Circle:
    """The smallest circle that holds a box, and one in a hundred more: the provider's metres need not be ours."""
    centre = LatLon((box.south + box.north) / 2, (box.west + box.east) / 2)
    corners = (LatLon(box.south, box.west), LatLon(box.north, box.west))  # the one nearer the equator is farther
    radius_m = max(ground_distance_m(centre, corner) for corner in corners)
    return Circle(lat=centre.lat, lon=centre.lon, radius_m=math.ceil(1.01 * radius_m))


def search_request(address: str, circle: Circle, *, page: int, token: Secret | None = None) -> Request:
    """The question for one page (from 1) of the photos in a circle."""
    form = {
        "lat": f"{circle.lat:.7f}",
        "lng": f"{circle.lon:.7f}",
        "radius": f"{circle.radius_m}",
        "page": f"{page}",
        "ipp": f"{PAGE_PHOTOS}",
    }
    return Request(url=address, method="POST", form=form, secret_query={"access_token": token} if token else {})


def address_request(address: str, source_id: str, *, token: Secret | None = None) -> Request:
    """The question for one photo's addresses."""
    return Request(url=address, query={"id": source_id}, secret_headers={"X-Auth-Token": token} if token else {})


def judge_api(answer: Answer, *, host: str, now: datetime) -> Verdict:
    """What an answer of either API says; None where it is a JSON object with apiCode 600 or 601."""
    value = read_object(answer.body) or {}
    code = _api_code(value)
    if code in _OVERLOADED:
        return Overload(f"{host} is overloaded (apiCode {code})", retry_after_s(answer.headers, now=now))
    if code in {401, 403} or answer.status == 401:
        return CredentialError(
            f"{host} refuses access (apiCode {code}): check the token in KARTAVIEW_ACCESS_TOKEN, or take it away: "
            "reading needs none"
        )
    if code is not None and (code == 429 or 500 <= code < 600):
        return TryAgain(f"{host} answers apiCode {code}", retry_after_s(answer.headers, now=now))
    if code is not None and code not in {_OK, _EMPTY} and answer.status in {200, 400}:
        message = text_of(table_of(value.get("status")).get("apiMessage")) or "nothing more"
        return SourceError(f"{host} answers apiCode {code}: {redact(message)}")
    verdict = judge_json(answer, host=host, now=now)
    if verdict is None and code is None:
        return SourceError(f"{host}: an answer without 'apiCode'; a newer Machinami may know the change")
    return verdict


def judge_search(answer: Answer, *, host: str, now: datetime) -> Verdict:
    """As `judge_api`; nothing without the code or the total that says "nothing" is no answer: empty is not none."""
    verdict = judge_api(answer, host=host, now=now)
    if verdict is not None:
        return verdict
    value = read_object(answer.body) or {}
    if _items(value) == [] and _total(value) is None and _api_code(value) != _EMPTY:
        return TryAgain(f"{host} sends an empty page without saying that there is nothing")
    return None


def judge_address(answer: Answer, *, host: str, now: datetime) -> Verdict:
    """As `judge_api`, for the question about one photo, which may no longer be there."""
    if _api_code(read_object(answer.body) or {}) in {_EMPTY, 404}:
        return PhotoGone(f"gone: {host} no longer knows it")
    return judge_api(answer, host=host, now=now)


def _api_code(value: Mapping[str, object]) -> int | None:
    return whole_of(table_of(value.get("status")).get("apiCode"))


def _items(value: Mapping[str, object]) -> list[object] | None:
    """The rows of a page, which stand at the top or under `osv`."""
    for holder in (value, table_of(value.get("osv"))):
        items = holder.get("currentPageItems")
        if isinstance(items, list):
            return items
    return None


def _total(value: Mapping[str, object]) -> int | None:
    """`totalFilteredItems`, a list with a text: ["737"]."""
    for holder in (value, table_of(value.get("osv"))):
        total = holder.get("totalFilteredItems")
        total = total[0] if isinstance(total, list) and total else total
        if (number := whole_of(total)) is not None:
            return number
    return None


def parse_page(body: bytes, *, now: datetime) -> Page:
    """The photos of a page; rows without id or position, which cannot become photos, are counted and logged.

    Raises SourceError for an answer that is not built as documented.
    """
    value = read_object(body) or {}
    rows = _items(value)
    if rows is None:
        if _api_code(value) == _EMPTY:
            return Page(refs=(), unusable=0, total=_total(value))
        raise SourceError("kartaview.org: an answer without 'currentPageItems'; a newer Machinami may know the change")
    refs = tuple(ref for row in rows if (ref := _ref(table_of(row), now)) is not None)
    if len(refs) < len(rows):
        _log.warning("kartaview: %d of %d photos have no id or no position", len(rows) - len(refs), len(rows))
    return Page(refs=refs, unusable=len(rows) - len(refs), total=_total(value))


def _ref(row: Mapping[str, object], now: datetime) -> PhotoRef | None:
    source_id = id_of(row.get("id"))
    position = position_of(row.get("match_lat"), row.get("match_lng")) or position_of(row.get("lat"), row.get("lng"))
    if source_id is None or position is None:
        return None
    creator = text_of(row.get("username"))
    field_of_view_deg = number_of(row.get("field_of_view"))
    known = field_of_view_deg is not None and 0 < field_of_view_deg <= 360
    return PhotoRef(
        source_id=source_id,
        lat=position.lat,
        lon=position.lon,
        projection="spherical" if (text_of(row.get("projection")) or "").upper() == "SPHERE" else "flat",
        heading_deg=heading_of(row.get("heading")),
        field_of_view_deg=field_of_view_deg if known else None,
        captured=_captured(row, now),
        uploaded_at=_uploaded_at(row, now),
        sequence=id_of(row.get("sequence_id")),
        creator=creator,
        licence=TERMS.licence,
        attribution=", ".join(filter(None, ("© Grab and KartaView contributors", creator, "CC BY-SA 4.0"))),
        page_url=_page_url(row),
    )


def _page_url(row: Mapping[str, object]) -> str | None:
    sequence, index = id_of(row.get("sequence_id")), whole_of(row.get("sequence_index"))
    return None if sequence is None or index is None else f"https://kartaview.org/details/{sequence}/{index}"


def _captured(row: Mapping[str, object], now: datetime) -> CaptureDate | None:
    """The day, since no time zone is given; none where the date is that of the upload, or cannot be."""
    shot, added = _moment(row.get("shot_date")), _moment(row.get("date_added"))
    if shot is None or shot.year < EARLIEST_PROVIDER_YEAR or (added is not None and shot >= added):
        return None
    return parse_date(shot.isoformat(), now=now)


def _uploaded_at(row: Mapping[str, object], now: datetime) -> str | None:
    """The day on which the provider received it, since no time zone is given."""
    added = _moment(row.get("date_added"))
    if added is None or added.year < EARLIEST_PROVIDER_YEAR:
        return None
    day = parse_date(added.isoformat(), now=now)
    return day.text if day else None


def _moment(value: object) -> datetime | None:
    """A time as written, "2024-06-09 09:11:51"; a zone, which was never seen, is left out."""
    try:
        return datetime.fromisoformat(text_of(value) or "").replace(tzinfo=None)
    except ValueError:
        return None


def addresses_for(body: bytes, image_px: int, *, spherical: bool, base_url: str) -> tuple[str, ...]:
    """Where to ask for a photo, the best first: one address a host, at least `image_px` wide where there is such.

    Those of the content network (`image…Url`) come before those of the storage hosts (`fileurl…`), of which old ones
    no longer answer. Of a spherical photo the whole size is best, since only a part of it makes a view. Raises
    PhotoGone where there is none, or where its owner took the photo back.
    """
    data = table_of((read_object(body) or {}).get("result")).get("data")
    rows = data if isinstance(data, list) else [data]
    photo = table_of(rows[0]) if rows else {}
    for name, usual in (("status", "active"), ("visibility", "public")):
        said = text_of(photo.get(name)) or usual
        if said.lower() != usual:
            raise PhotoGone(f"gone: its {name} is {said[:40]!r}")
    large, whole = ("imageLthUrl", "fileurlLTh"), ("imageProcUrl", "fileurlProc")
    fields = (*whole, *large) if spherical or image_px > _LARGE_THUMB_PX else (*large, *whole)
    by_host: dict[str, str] = {}
    for url in (photo.get(name) for name in fields):
        if isinstance(url, str) and "{" not in url and is_safe_image_url(url, base_url=base_url):
            by_host.setdefault(urlsplit(url).netloc, url)
    if not by_host:
        raise PhotoGone("gone: KartaView gives no address for it that may be asked")
    return tuple(by_host.values())


TERMS = Terms(
    name="KartaView",
    licence="CC-BY-SA-4.0",
    attribution="© Grab and KartaView contributors, CC BY-SA 4.0",
    url="https://kartaview.org/terms",
)


class KartaViewSource:
    """Photos of KartaView. The key `kartaview_token` is taken where there is one. Safe for several threads."""

    name: str = "kartaview"
    terms: Terms = TERMS
    spots: bool = False
    cuts_views: bool = False

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._search_url, self._photo_url = setup.url(_SEARCH), setup.url(_PHOTO)
        self._token = setup.optional_key("kartaview_token")
        self._searches, self._questions, self._images = (setup.asker(REQUESTS_PER_S) for _ in range(3))
        self._one_search = threading.Lock()

    def plan(self, area: Area, *, photos: int) -> Estimate:
        """One search a box, one question and one image a photo; the image's size is assumed. Asks nothing."""
        searches = sum(1 for _ in boxes_over(area, side_deg=SIDE_DEG))
        search_host, photo_host = Request(url=self._search_url).host, Request(url=self._photo_url).host
        image_host = photo_host if self._setup.base_url() else _IMAGE_HOST
        requests: dict[str, int] = {}
        for host, count in ((search_host, searches), (photo_host, photos), (image_host, photos)):
            requests[host] = requests.get(host, 0) + count
        pace_per_s = self._setup.pace_per_s(REQUESTS_PER_S)
        width = _LARGE_THUMB_PX if self._setup.collect.image_px <= _LARGE_THUMB_PX else _FULL_PX
        return Estimate(
            requests=requests,
            images=photos,
            image_bytes=round(photos * width * width * 9 / 16 * _BYTES_PER_PX),
            pace_per_s=dict.fromkeys(requests, pace_per_s),
            notes=self._notes(pace_per_s),
        )

    def _notes(self, pace_per_s: float) -> tuple[str, ...]:
        per_hour = REQUESTS_PER_HOUR if self._token is None else REQUESTS_PER_HOUR_WITH_TOKEN
        pages = "a circle with more photos than one answer holds is asked page by page, a busy one as four smaller ones"
        if self._setup.source.base_url or pace_per_s * 3600 <= per_hour:
            return (pages,)
        limit = (
            f"KartaView's FAQ allows {per_hour} requests an hour, this pace is {pace_per_s * 3600:.0f}: that was not "
            f"seen enforced; collect.requests_per_s = {math.floor(per_hour / 3.6) / 1000:g} would keep to it"
        )
        return pages, limit

    def cells(self, area: Area, samples: Sequence[Sample]) -> Iterator[Box]:
        """Boxes of 0.0125° over the area, each asked for by the circle around it; the samples play no part."""
        del samples
        return boxes_over(area, side_deg=SIDE_DEG)

    def search(self, cell: Cell) -> Found:
        """The photos in the circle around a box, all pages. Raises Unanswered, SourceError and its kin.

        Not whole where fewer came than the answers promise, or where the host has too much to do for such a circle.
        """
        assert isinstance(cell, Box)
        circle = circle_around(cell)
        refs: dict[str, PhotoRef] = {}
        why = "fewer photos came than the answers promise"
        try:
            whole = self._follow_pages(circle, refs)
        except _TooMuch as overload:
            whole, why = False, str(overload)
        if not whole and circle.radius_m / 2 < SMALLEST_RADIUS_M:
            raise Unanswered(f"{why} (radius {circle.radius_m} m)")
        return Found(refs=tuple(refs.values()), whole=whole)

    def _follow_pages(self, circle: Circle, refs: dict[str, PhotoRef]) -> bool:
        """Fill `refs`, page after page until nothing new comes; whether that is all that was promised."""
        total: int | None = None
        unusable = 0
        for number in range(1, MOST_PAGES + 1):
            page = self._page(circle, number)
            before = len(refs) + unusable
            refs.update((ref.source_id, ref) for ref in page.refs)
            unusable += page.unusable
            total = total if page.total is None else page.total
            arrived = len(refs) + unusable
            if arrived == before or (total is not None and arrived >= total):
                return total is None or arrived >= total
        return False

    def _page(self, circle: Circle, number: int) -> Page:
        request = search_request(self._search_url, circle, page=number, token=self._token)
        patience = min(OVERLOADS_BORNE, self._setup.collect.attempts)
        refusal = _TooMuch if circle.radius_m > EASY_RADIUS_M else _Busy

        def judge(answer: Answer) -> Verdict:
            nonlocal patience
            verdict = judge_search(answer, host=request.host, now=self._setup.now())
            patience -= isinstance(verdict, Overload)
            return refusal(verdict.why) if isinstance(verdict, Overload) and patience <= 0 else verdict

        with self._one_search:  # one after the other: this host is easily overloaded
            answer = self._searches.ask(request, judge)
        return parse_page(answer.body, now=self._setup.now())

    def fetch(self, ref: PhotoRef, *, heading_deg: float | None, before: Callable[[], None]) -> Fetched:
        """The bytes of a photo, a spherical one whole. Raises PhotoGone, Unanswered, SourceError and its kin."""
        del heading_deg  # no provider of whole pictures cuts views
        gone = PhotoGone("gone: no address")
        for url in self._addresses(ref):
            request = image_request(url)
            judge = self._judge(judge_image, request)
            try:
                return Fetched(data=self._images.ask(request, judge, before=before).body, source_id=ref.source_id)
            except PhotoGone as error:
                gone = error
        raise gone

    def _addresses(self, ref: PhotoRef) -> tuple[str, ...]:
        request = address_request(self._photo_url, ref.source_id, token=self._token)
        answer = self._questions.ask(request, self._judge(judge_address, request))
        return addresses_for(
            answer.body,
            self._setup.collect.image_px,
            spherical=ref.projection == "spherical",
            base_url=self._setup.base_url(),
        )

    def _judge(self, judge: Callable[..., Verdict], request: Request) -> Callable[[Answer], Verdict]:
        return lambda answer: judge(answer, host=request.host, now=self._setup.now())
