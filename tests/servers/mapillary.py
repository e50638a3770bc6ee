"""A Mapillary Graph API v4 on this machine, with its habits: silent cuts, missing fields, addresses that expire.

`python -m tests.servers.mapillary --help` runs it as a process.
"""

import hmac
import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, ClassVar

from tests.servers.pictures import photo_bytes
from tests.servers.serving import Asked, ProviderServer, Reply
from tests.servers.world import World, WorldPhoto

__all__ = ["MapillaryServer"]

MAX_LIMIT = 2000
MAX_IDS = 50
BOX_SIDE_DEG = 0.01
_FIRST_ID = 1_000_000_000_000_017
_ID_STEP = 1_000_003
_SIDES_PX = {"256": 256, "1024": 1024, "2048": 2048, "original": 0}
_FILTERS = frozenset(
    {"is_pano", "start_captured_at", "end_captured_at", "sequence_id", "creator_username", "make", "model"}
)


class _Refused(Exception):
    def __init__(self, message: str, *, code: int = 100, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


class MapillaryServer(ProviderServer):
    """Wants `Authorization: OAuth <token>`; kinds of requests: search, entity, photo, other.

    Its lies: an answer is cut silently at the limit; boxes reach `margin_deg` further than asked, so that ids come
    twice; fields are missing; `gone` is the share of photos whose picture is no more (404). Picture addresses
    expire after `expiry_s`. A limit above `fails_above` is answered with a 500.
    """

    name: ClassVar[str] = "mapillary"

    def __init__(
        self,
        world: World,
        *,
        token: str = "MLY|123|test",
        expiry_s: float = 3600.0,
        margin_deg: float = 0.0002,
        gone: float = 0.01,
        backoff_ms: int = 50,
        fails_above: int | None = None,
        **common: Any,
    ) -> None:
        super().__init__(world, **common)
        self.token, self.expiry_s, self.margin_deg = token, expiry_s, margin_deg
        self.gone, self.backoff_ms, self.fails_above = gone, backoff_ms, fails_above
        self._secret = secrets.token_bytes(16)
        self._throttled = 0

    def id_of(self, photo: WorldPhoto) -> str:
        """The photo's id here."""
        return str(_FIRST_ID + photo.number * _ID_STEP)

    def photo_of(self, image_id: str) -> WorldPhoto | None:
        """The photo with this id, if any."""
        number, rest = divmod(int(image_id) - _FIRST_ID, _ID_STEP) if image_id.isdecimal() else (-1, 0)
        return self.world.photos[number] if rest == 0 and 0 <= number < len(self.world.photos) else None

    def is_gone(self, photo: WorldPhoto) -> bool:
        """Whether its picture is no more."""
        return self.world.chance("mapillary gone", photo.number) < self.gone

    def kind(self, asked: Asked) -> str:
        if asked.path.startswith("/thumb/"):
            return "photo"
        if asked.path in {"/images", "/images/"}:
            return "search"
        return "entity" if asked.path == "/" or asked.path.strip("/").isdecimal() else "other"

    def answer(self, asked: Asked) -> Reply:
        if asked.path.startswith("/thumb/"):
            return self._picture(asked)
        try:
            self._authorize(asked)
            return Reply.of(self._graph(asked))
        except _Refused as refusal:
            return _error(refusal)

    def overloaded(self, asked: Asked) -> Reply:
        """By turns with 429 and with 400, as the API does; how long to wait stands in the body."""
        self._throttled += 1
        body = {"backoff": self.backoff_ms, "debug_info": {"retriable": True, "type": "ThrottledException"}}
        return Reply.of(body, 429 if self._throttled % 2 else 400)

    def refused(self, asked: Asked, status: int) -> Reply:
        return _error(_Refused("Application does not have permission", code=10, status=status))

    def _authorize(self, asked: Asked) -> None:
        if asked.query.get("access_token"):
            raise _Refused("A token in the address is refused here: send it as a header", code=190, status=401)
        if not hmac.compare_digest(asked.headers.get("authorization", "").encode(), f"OAuth {self.token}".encode()):
            raise _Refused("Invalid OAuth access token - Cannot parse access token", code=190, status=401)

    def _graph(self, asked: Asked) -> Any:
        path = asked.path.strip("/")
        if path == "images":
            return {"data": self._search(asked.query)}
        if path == "image_ids":
            return {"data": [{"id": self.id_of(p)} for p in self._sequence(asked.query.get("sequence_id", ""))]}
        if not path and "ids" in asked.query:
            return self._several(asked.query)
        photo = self.photo_of(path)
        if photo is None:
            raise _Refused(f"Unsupported get request. Object with ID '{path}' does not exist, cannot be loaded due to "
                           "missing permissions, or does not support this operation")  # fmt: skip
        return self._record(photo, _fields(asked.query))

    def _several(self, query: Mapping[str, str]) -> dict[str, Any]:
        ids = query["ids"].split(",")
        if len(ids) > MAX_IDS:
            raise _Refused(f"Too many IDs. Maximum: {MAX_IDS}. Provided: {len(ids)}.")
        fields = _fields(query)
        photos = {image_id: self.photo_of(image_id) for image_id in ids}
        return {image_id: self._record(photo, fields) for image_id, photo in photos.items() if photo is not None}

    def _search(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        fields, limit = _fields(query), _limit(query)
        if self.fails_above is not None and limit > self.fails_above:
            raise _Refused("Please reduce the amount of data you're asking for, then retry your request", code=1,
                           status=500)  # fmt: skip
        if "bbox" in query:
            west, south, east, north = _bbox(query["bbox"])
            margin = self.margin_deg
            found = self.world.within(west - margin, south - margin, east + margin, north + margin)
        elif "sequence_id" in query:
            found = self._sequence(query["sequence_id"])
        else:
            raise _Refused("(#100) Missing parameter: bbox or sequence_id")
        wanted = [photo for photo in found if self._passes(photo, query)]
        rows = [self._record(photo, fields) for photo in wanted[:limit]]
        return self.draw.repeat_some(rows, key=lambda row: row["id"])[:limit]

    def _sequence(self, sequence_id: str) -> Sequence[WorldPhoto]:
        wanted = [number for number in self.world.sequences if _sequence_id(number) == sequence_id]
        return self.world.sequences[wanted[0]] if wanted else []

    def _passes(self, photo: WorldPhoto, query: Mapping[str, str]) -> bool:
        if not _FILTERS & query.keys():
            return True
        facts = {
            "is_pano": str(photo.spherical).lower(),
            "sequence_id": _sequence_id(photo.sequence),
            "creator_username": photo.creator,
            "make": photo.make,
            "model": photo.model,
        }
        return (
            all(query.get(name, fact) == fact for name, fact in facts.items())
            and photo.captured_ms >= _milliseconds(query.get("start_captured_at", "0001-01-01"))
            and photo.captured_ms <= _milliseconds(query.get("end_captured_at", "9999-12-31"))
        )

    def _record(self, photo: WorldPhoto, fields: Sequence[str]) -> dict[str, Any]:
        """The fields asked for, as far as there are any; the id always."""
        row: dict[str, Any] = {"id": self.id_of(photo)}
        for name in fields:
            if name.startswith("thumb_"):
                if self.world.chance("no thumb", photo.number) >= 0.005:
                    row[name] = self._thumb_url(photo, name.removeprefix("thumb_").removesuffix("_url"))
            elif name in _FIELDS and _PARTS.get(name) not in photo.absent:
                value = _FIELDS[name](photo)
                if value is not None:
                    row[name] = value
        return row

    def _thumb_url(self, photo: WorldPhoto, size: str) -> str:
        path = f"/thumb/{size}/{self.id_of(photo)}"
        expires_ms = int((time.time() + self.expiry_s) * 1000)
        return f"{self.url}{path}?exp={expires_ms}&sig={self._signature(path, str(expires_ms))}"

    def _signature(self, path: str, expires_ms: str) -> str:
        return blake2b(f"{path}?{expires_ms}".encode(), key=self._secret, digest_size=12).hexdigest()

    def _picture(self, asked: Asked) -> Reply:
        expires_ms = asked.query.get("exp", "")
        if not hmac.compare_digest(asked.query.get("sig", ""), self._signature(asked.path, expires_ms)):
            return Reply.text("Bad URL hash", 403)
        if time.time() * 1000 > int(expires_ms):
            return Reply.text("URL signature expired", 403)
        size, image_id = asked.path.removeprefix("/thumb/").split("/")
        photo = self.photo_of(image_id)
        if photo is None or self.is_gone(photo):
            return Reply.text("Content not found", 404)
        return Reply.jpeg(photo_bytes(f"mapillary {image_id}", size=self._size_of(photo, _SIDES_PX[size])))

    def _size_of(self, photo: WorldPhoto, side_px: int) -> tuple[int, int]:
        width, height = self.picture_size
        width = min(width, side_px or width)
        return (width, width // 2) if photo.spherical else (width, width * height // self.picture_size[0])


_PARTS = {"captured_at": "captured_at", "compass_angle": "heading", "computed_compass_angle": "computed",
          "computed_geometry": "computed", "creator": "creator", "make": "camera", "model": "camera",
          "sequence": "sequence", "width": "size", "height": "size"}  # fmt: skip

_FIELDS = {
    "id": lambda photo: None,  # stands there already
    "geometry": lambda photo: {"type": "Point", "coordinates": [photo.lon, photo.lat]},
    "computed_geometry": lambda photo: {"type": "Point", "coordinates": [photo.computed_lon, photo.computed_lat]},
    "captured_at": lambda photo: photo.captured_ms,
    "compass_angle": lambda photo: 360.0 if photo.number % 97 == 0 else photo.heading_deg,
    "computed_compass_angle": lambda photo: round((photo.heading_deg + 1.5) % 360, 9),
    "camera_type": lambda photo: "spherical" if photo.spherical else "perspective",
    "is_pano": lambda photo: photo.spherical,
    "make": lambda photo: photo.make,
    "model": lambda photo: photo.model,
    "sequence": lambda photo: _sequence_id(photo.sequence),
    "creator": lambda photo: {"username": photo.creator, "id": str(105_705_978_529_028 + len(photo.creator))},
    "quality_score": lambda photo: 0,
    "width": lambda photo: photo.size[0],
    "height": lambda photo: photo.size[1],
    "camera_parameters": lambda photo: None if photo.spherical else [0.39823893, -0.0062, 0.00205],
    "altitude": lambda photo: 20 + photo.number % 50 / 4,
    "atomic_scale": lambda photo: 1,
    "computed_altitude": lambda photo: 2.0000000009313,
    "computed_rotation": lambda photo: [1.4633673118025, 0.70202674499964, -0.69509454892201],
    "exif_orientation": lambda photo: 1,
    "merge_cc": lambda photo: 603_976_401 + photo.sequence,
    "mesh": lambda photo: None if photo.number % 60 == 0 else {"id": str(984_090_230_184_661 + photo.number)},
    "sfm_cluster": lambda photo: {"id": str(871_996_628_103_847 + photo.sequence)},
    **dict.fromkeys(("detections", "organization"), lambda photo: None),
    **dict.fromkeys((f"thumb_{size}_url" for size in _SIDES_PX), lambda photo: None),
}


def _sequence_id(number: int) -> str:
    return f"seq{blake2b(str(number).encode(), digest_size=9).hexdigest()}0"


def _fields(query: Mapping[str, str]) -> list[str]:
    names = [name for name in query.get("fields", "geometry").split(",") if name]
    for name in names:
        if name not in _FIELDS:
            raise _Refused(f"Tried accessing nonexisting field ({name}) on node type (Image)")
    return names


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", str(MAX_LIMIT))
    if not text.isdecimal() or int(text) < 1:
        raise _Refused("(#100) Param limit must be a positive number")
    return min(int(text), MAX_LIMIT)


def _bbox(text: str) -> list[float]:
    try:
        west, south, east, north = map(float, text.split(","))
    except ValueError:
        raise _Refused("(#100) Param bbox must be four numbers: west,south,east,north") from None
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise _Refused("(#100) Param bbox must be west,south,east,north in degrees")
    if max(east - west, north - south) >= BOX_SIDE_DEG - 1e-9:
        raise _Refused("(#100) Param bbox must be smaller than 0.01 degrees square")
    return [west, south, east, north]


def _milliseconds(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _Refused(f"(#100) {text!r} is no ISO 8601 time") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000


def _error(refusal: _Refused) -> Reply:
    kind = "OAuthException" if refusal.code == 190 else "MLYApiException"
    trace = {"fbtrace_id": "A" + blake2b(str(refusal).encode(), digest_size=11).hexdigest()}
    error = {"message": str(refusal), "type": kind, "code": refusal.code, **trace}
    return Reply.of({"error": error}, refusal.status)


if __name__ == "__main__":
    from tests.servers.process import serve

    serve(MapillaryServer, token=str, expiry_s=float, margin_deg=float, gone=float, backoff_ms=int, fails_above=int)
