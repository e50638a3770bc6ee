"""Panoramax, and every other GeoVisio server: a STAC catalogue whose photos may each have another licence.

What a server does beyond the documents was measured on geovisio 2.15.1 (2026-11): a search gives 10 items without a
limit and at most 10,000, totals nothing and names no next page, so that a full answer is taken for a cut one.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urljoin, urlsplit

from machinami.areas import Area
from machinami.errors import SourceError
from machinami.geo import LatLon
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
from machinami.sources.images import judge_image
from machinami.sources.manners import Asker, Unanswered, Verdict
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

__all__ = ["PanoramaxSource", "judge_search", "parse_item", "parse_search", "picture_request", "search_request"]

API = "https://api.panoramax.xyz"
TERMS = Terms(
    name="Panoramax",
    licence="",
    attribution="Panoramax contributors",
    url="https://docs.panoramax.fr/api/",
)
LIMIT = 1000  # items an answer; 10,000 is the most a server gives, and slow
BOX_DEG = 0.02  # about 2 km: a first guess, quartered where there is more
PACE_PER_S = 5.0  # no limit is documented (2026-11); this is what one polite client asks
IMAGE_BYTES = 500_000  # an "sd" picture, 2048 px wide at most: an assumption for the plan
_THUMB_PX, _SD_PX = 500, 2048  # widths of a "thumb" and an "sd" picture
_REDIRECTS = 3


def search_request(base: str, box: Box) -> Request:
    """The search for what lies in a box."""
    bbox = ",".join(f"{edge:.7f}" for edge in (box.west, box.south, box.east, box.north))
    return Request(url=f"{base}/api/search", query={"bbox": bbox, "limit": str(LIMIT)})


def next_request(url: str, base: str) -> Request:
    """The next page of a search, where a server names one. Raises SourceError where it leads to another host."""
    parts = urlsplit(url)
    if parts.netloc != urlsplit(base).netloc:
        raise SourceError(f"{urlsplit(base).netloc}: the next page of a search is said to be on {parts.netloc}")
    return Request(url=url)


def judge_search(answer: Answer, *, host: str, now: datetime) -> Verdict:
    """What an answer to a search says; None where it can be read."""
    verdict = judge_json(answer, host=host, now=now)
    if verdict is None and not isinstance((read_object(answer.body) or {}).get("features"), list):
        return SourceError(f"{host}: a search is answered without features")
    return verdict


def parse_search(body: bytes, *, now: datetime) -> tuple[list[PhotoRef], int, str | None]:
    """The photos of a judged answer, the number of items it holds, and the address of the next page, if any.

    Items without id or position cannot be named, so that they are left out.
    """
    value = read_object(body) or {}
    features, links = (found if isinstance(found := value.get(name), list) else [] for name in ("features", "links"))
    refs = [ref for item in features if (ref := parse_item(table_of(item), now=now)) is not None]
    following = (table_of(link) for link in links)
    address = next((text_of(link.get("href")) for link in following if link.get("rel") == "next"), None)
    return refs, len(features), address


def parse_item(item: dict[str, object], *, now: datetime) -> PhotoRef | None:
    """One STAC item; None where it has no id or no position."""
    told = table_of(item.get("properties"))
    optics = table_of(told.get("pers:interior_orientation"))
    position, source_id = _point(table_of(item.get("geometry"))), id_of(item.get("id"))
    if source_id is None or position is None:
        return None
    view_deg = number_of(optics.get("field_of_view"))
    size = optics.get("sensor_array_dimensions")
    width, height = size if isinstance(size, list) and len(size) == 2 else (None, None)
    uploaded = provider_date(_moment(told.get("created")), now=now)
    licence, creator = text_of(told.get("license")), text_of(told.get("geovisio:producer"))
    return PhotoRef(
        source_id=source_id,
        lat=position.lat,
        lon=position.lon,
        projection="spherical" if view_deg == 360 else "flat",
        heading_deg=_heading(told),
        field_of_view_deg=view_deg,
        captured=provider_date(_moment(told.get("datetime")), now=now),
        uploaded_at=uploaded.text if uploaded else None,
        width=whole_of(width),
        height=whole_of(height),
        sequence=text_of(item.get("collection")),
        creator=creator,
        camera_make=text_of(optics.get("camera_manufacturer")),
        camera_model=text_of(optics.get("camera_model")),
        licence=licence,
        attribution=f"© {', '.join(part for part in (creator, licence, 'Panoramax') if part)}",
        page_url=f"https://api.panoramax.xyz/#focus=pic&pic={source_id}",
    )


def picture_request(base: str, ref: PhotoRef, *, image_px: int) -> Request:
    """The picture at a size that is enough.

    "thumb" is 500 px wide (and shows a part of a 360° photo only), "sd" 2048; both enlarge what is smaller, so that
    a small photo is asked for as it was sent ("hd").
    """
    width = ref.width or _SD_PX + 1
    size = "sd" if width > _SD_PX else "hd"
    if ref.projection == "flat" and image_px <= _THUMB_PX < width:
        size = "thumb"
    return Request(url=f"{base}/api/pictures/{quote(ref.source_id, safe='')}/{size}.jpg")


@dataclass(slots=True)
class PanoramaxSource:
    """Photos of a Panoramax server."""

    setup: Setup
    name: str = "panoramax"
    terms: Terms = TERMS
    spots: bool = False
    cuts_views: bool = False
    _base: str = field(init=False)
    _asker: Asker = field(init=False)

    def __post_init__(self) -> None:
        self._base = self.setup.url(API)
        self._asker = self.setup.asker(PACE_PER_S)

    def plan(self, area: Area, *, photos: int) -> Estimate:
        """What `photos` photos of an area would take. Asks nothing."""
        host = urlsplit(self._base).netloc
        searches = sum(1 for _ in boxes_over(area, side_deg=BOX_DEG))
        images = photos if self.setup.collect.views == 1 else math.ceil(photos / self.setup.collect.views)
        return Estimate(
            requests={host: searches + images},
            images=images,
            image_bytes=images * IMAGE_BYTES,
            pace_per_s={host: self._asker.pace.per_s},
            notes=("searches are those before a box with more than 1,000 photos is asked in parts",),
        )

    def cells(self, area: Area, samples: Sequence[Sample]) -> Iterator[Cell]:
        """Boxes over the area."""
        del samples
        yield from boxes_over(area, side_deg=BOX_DEG)

    def search(self, cell: Cell) -> Found:
        """The photos in a box. Raises Unanswered and SourceError."""
        assert isinstance(cell, Box)
        request: Request | None = search_request(self._base, cell)
        refs: list[PhotoRef] = []
        while request is not None:
            answer = self._asker.ask(request, self._judge_search)
            page, items, following = parse_search(answer.body, now=self.setup.now())
            refs += page
            request = next_request(following, self._base) if following and items else None
            if request is None and not following:
                return Found(refs=tuple(refs), whole=items < LIMIT)
        return Found(refs=tuple(refs))

    def fetch(self, ref: PhotoRef, *, heading_deg: float | None, before: Callable[[], None]) -> Fetched:
        """The picture as the server has it, 360° photos whole. Raises PhotoGone, Unanswered, SourceError."""
        del heading_deg
        request = picture_request(self._base, ref, image_px=self.setup.collect.image_px)
        for hop in range(_REDIRECTS + 1):  # a picture's address leads to the storage: still one picture
            answer = self._asker.ask(request, self._judge_picture, before=before if hop == 0 else _nothing)
            if answer.status == 200:
                return Fetched(data=answer.body, source_id=ref.source_id)
            url = urljoin(request.url, answer.headers["location"])
            if not is_safe_image_url(url, base_url=self._base):
                raise PhotoGone("unsafe-address: the picture is said to be where nothing is asked")
            request = Request(url=url)
        raise PhotoGone(f"lost: more than {_REDIRECTS} redirects to the picture")

    def _judge_search(self, answer: Answer) -> Verdict:
        return judge_search(answer, host=urlsplit(self._base).netloc, now=self.setup.now())

    def _judge_picture(self, answer: Answer) -> Verdict:
        """As for every image; a redirect to the storage is followed by the caller, and 102 means "not yet"."""
        host = urlsplit(self._base).netloc
        if answer.status in {301, 302, 303, 307, 308} and answer.headers.get("location"):
            return None
        if answer.status in {102, 403}:  # a photo that is not ready, or no longer public
            return Unanswered(f"{host} does not show it ({answer.status})")
        return judge_image(answer, host=host, now=self.setup.now())


def _nothing() -> None:
    pass


def _heading(told: dict[str, object]) -> float | None:
    """Where the camera looked: as the photo says, to a fraction of a degree.

    `view:azimuth` is a whole number, which the server makes up from the drive where the photo says nothing.
    """
    exif = table_of(told.get("exif"))
    numerator, _, denominator = (text_of(exif.get("Exif.GPSInfo.GPSImgDirection")) or "").partition("/")
    above, below = number_of(numerator), number_of(denominator or 1)
    if above is not None and below:
        return heading_of(above / below)
    return heading_of(told.get("view:azimuth"))


def _point(geometry: dict[str, object]) -> LatLon | None:
    """Where a GeoJSON point lies."""
    pair = geometry.get("coordinates")
    if geometry.get("type") != "Point" or not isinstance(pair, list) or len(pair) < 2:
        return None
    return position_of(pair[1], pair[0])


def _moment(value: object) -> datetime | None:
    """A time that says in which zone it is."""
    try:
        moment = datetime.fromisoformat(text_of(value) or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else None
