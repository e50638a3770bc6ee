"""A Street View Static API on this machine, with its habits: statuses behind HTTP 200, grey cards, strangers' photos.

`python -m tests.servers.streetview --help` runs it as a process.
"""

import base64
import hashlib
import hmac
import re
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar

from tests.servers.chance import chance
from tests.servers.pictures import card_bytes, photo_bytes
from tests.servers.serving import Asked, ProviderServer, Reply
from tests.servers.world import World, WorldPhoto, utc

__all__ = ["CARD_TEXT", "StreetViewServer", "sign"]

CARD_TEXT = "Sorry, we have no imagery here."
MAX_SIDE_PX = 640
_PATH = "/maps/api/streetview"
_NUMBER = r"-?\d+(?:\.\d+)?"
_LAT_LNG = re.compile(rf"\s*({_NUMBER})\s*,\s*({_NUMBER})\s*")
_SIZE = re.compile(r"(\d{1,4})x(\d{1,4})")
_NO_KEY = "You must use an API key to authenticate each request to Google Maps Platform APIs."
_BAD_KEY = "The provided API key is invalid. "
_BAD_SIGNATURE = "Unable to authenticate the request. Provided 'signature' is not valid for the provided API key."
_RANGES = {"heading": (0.0, 360.0), "fov": (0.0, 120.0), "pitch": (-90.0, 90.0), "radius": (0.0, 1e7)}


class StreetViewServer(ProviderServer):
    """Wants `key`; with `secret` every image request must be signed. Kinds of requests: metadata, image, other.

    Its lies, as shares of the panoramas: `third_party` are photospheres of users, which `source=outdoor` does not
    exclude; `undated` have no date; `gone` are known to the metadata but have no picture (404 or a card);
    `cards` are a card with status 200 even where an error code was asked for. As shares of the points asked for:
    `loose` answers lie beyond the radius, `far` ones in another country. After `image_quota` images the answer is
    an error picture. Every image that is answered with 200 is counted as billed, cards too.
    """

    name: ClassVar[str] = "streetview"

    def __init__(
        self,
        world: World,
        *,
        key: str = "AIzaTestKey",
        secret: str | None = None,
        third_party: float = 0.06,
        undated: float = 0.03,
        gone: float = 0.01,
        cards: float = 0.005,
        loose: float = 0.03,
        far: float = 0.005,
        image_quota: int | None = None,
        **common: Any,
    ) -> None:
        super().__init__(world, **common)
        self.key, self.secret = key, secret
        self.third_party, self.undated, self.gone, self.cards = third_party, undated, gone, cards
        self.loose, self.far, self.image_quota = loose, far, image_quota
        self._by_id = {self.id_of(photo): photo for photo in world.photos}
        self._lock = threading.Lock()
        self._billed: Counter[str] = Counter()
        self._cards_billed = 0

    def id_of(self, photo: WorldPhoto) -> str:
        """The panorama's id here: 22 characters, or the long sort that users' photospheres have."""
        digest = hashlib.sha256(f"pano {self.world.seed} {photo.number}".encode()).digest()
        text = base64.urlsafe_b64encode(digest).decode()
        if not self.is_third_party(photo):
            return text[:22]
        return text[:22] if photo.number % 4 == 0 else f"CIHM0ogKEICAgI{text[:20]}"

    def photo_of(self, pano_id: str) -> WorldPhoto | None:
        """The photo with this id, if any."""
        return self._by_id.get(pano_id)

    def is_third_party(self, photo: WorldPhoto) -> bool:
        """Whether a user made it."""
        return self._happens("third party", photo, self.third_party)

    def is_gone(self, photo: WorldPhoto) -> bool:
        """Whether there is no picture of it any more, told with 404 where an error code is asked for."""
        return self._happens("street view gone", photo, self.gone)

    def is_card(self, photo: WorldPhoto) -> bool:
        """Whether its picture is a card, with status 200 in any case."""
        return self._happens("card", photo, self.cards)

    def stats(self) -> dict[str, Any]:
        """The common counts, and `billed`: images answered with 200, by panorama and heading."""
        with self._lock:
            repeated = {name: count for name, count in self._billed.items() if count > 1}
            billed = {"images": self._billed.total(), "distinct": len(self._billed), "cards": self._cards_billed,
                      "repeated": repeated}  # fmt: skip
        return {**super().stats(), "billed": billed}

    def billed(self) -> dict[str, int]:
        """How often each `pano_id@heading` was billed."""
        with self._lock:
            return dict(self._billed)

    def reset(self) -> None:
        super().reset()
        with self._lock:
            self._billed.clear()
            self._cards_billed = 0

    def kind(self, asked: Asked) -> str:
        path = asked.path.rstrip("/")
        return {f"{_PATH}/metadata": "metadata", _PATH: "image"}.get(path, "other")

    def answer(self, asked: Asked) -> Reply:
        kind = self.kind(asked)
        if kind == "metadata":
            return _metadata(self._metadata(asked))
        return self._image(asked) if kind == "image" else Reply.text("Not Found", 404)

    def overloaded(self, asked: Asked) -> Reply:
        """OVER_QUERY_LIMIT with HTTP 200 for metadata, HTTP 429 for an image."""
        if self.kind(asked) == "metadata":
            return _metadata(
                {"status": "OVER_QUERY_LIMIT", "error_message": "You have exceeded your rate-limit for this API."}
            )
        return Reply.text("You have exceeded your rate-limit for this API.", 429)

    def failed(self, asked: Asked) -> Reply:
        """For metadata half the time UNKNOWN_ERROR with HTTP 200."""
        if self.kind(asked) == "metadata" and chance(asked.target) < 0.5:
            return _metadata({"status": "UNKNOWN_ERROR"})
        return super().failed(asked)

    def refused(self, asked: Asked, status: int) -> Reply:
        if self.kind(asked) == "metadata":
            return _metadata(
                {"status": "REQUEST_DENIED", "error_message": "This API project is not authorized to use this API."}
            )
        return Reply.text("The Google Maps Platform server rejected your request.", status)

    def _happens(self, what: str, photo: WorldPhoto, share: float) -> bool:
        return self.world.chance(what, photo.number) < share

    def _denied(self, asked: Asked, *, must_sign: bool) -> str | None:
        """Why the key or the signature is not accepted."""
        if not asked.query.get("key"):
            return _NO_KEY
        if asked.query["key"] != self.key:
            return _BAD_KEY
        if self.secret is None or ("signature" not in asked.query and not must_sign):
            return None
        unsigned = asked.raw_query.rpartition("&signature=")[0]
        wanted = sign(f"{asked.path}?{unsigned}", self.secret)
        return None if hmac.compare_digest(asked.query.get("signature", ""), wanted) else _BAD_SIGNATURE

    def _metadata(self, asked: Asked) -> dict[str, Any]:
        denied = self._denied(asked, must_sign=False)
        if denied:
            return {"status": "REQUEST_DENIED", "error_message": denied}
        problem = _problem(asked.query)
        if problem:
            return {"status": "INVALID_REQUEST", "error_message": problem}
        status, photo, moved_deg = self._pano(asked.query)
        return {"status": status} if photo is None else self._facts(photo, moved_deg)

    def _facts(self, photo: WorldPhoto, moved_deg: float) -> dict[str, Any]:
        owner = (
            "Google"
            if not self.is_third_party(photo)
            else ("Taro Google", "Google Fan 2", photo.creator)[photo.number % 3]
        )
        facts = {
            "copyright": f"© {owner}",
            "date": self._date(photo),
            "location": {"lat": photo.lat - moved_deg, "lng": photo.lon},
            "pano_id": self.id_of(photo),
            "status": "OK",
        }
        return {name: value for name, value in facts.items() if value is not None}

    def _date(self, photo: WorldPhoto) -> str | None:
        moment = utc(photo.captured_ms)
        if moment is None or self._happens("undated", photo, self.undated):
            return None
        return moment.strftime("%Y-%m-%d" if self._happens("whole date", photo, 0.03) else "%Y-%m")

    def _pano(self, query: Mapping[str, str]) -> tuple[str, WorldPhoto | None, float]:
        """The status, the panorama, and how many degrees further south it is said to lie than it does."""
        if query.get("pano"):
            photo = self.photo_of(query["pano"])
            return ("OK" if photo else "ZERO_RESULTS"), photo, 0.0
        where = _LAT_LNG.fullmatch(query["location"])
        if where is None:
            return "NOT_FOUND", None, 0.0  # an address, and there are none here
        lat, lon = map(float, where.groups())
        radius_m = float(query.get("radius") or 50)
        lot = chance(self.world.seed, "point", round(lat, 7), round(lon, 7))
        if lot < self.far and self.world.photos:
            return "OK", self.world.photos[int(lot * 1e9) % len(self.world.photos)], 31.45  # 3,498 km
        found = self.world.near(lat, lon, radius_m)
        if lot > 1 - self.loose:
            found = self.world.near(lat, lon, 8 * radius_m)[len(found) :] or found  # the radius is a hint
        return ("OK", found[0], 0.0) if found else ("ZERO_RESULTS", None, 0.0)

    def _image(self, asked: Asked) -> Reply:
        denied = self._denied(asked, must_sign=True)
        if denied:
            return Reply.text(f"The Google Maps Platform server rejected your request. {denied}", 403)
        strict = asked.query.get("return_error_code", "").lower() == "true"
        size = _SIZE.fullmatch(asked.query.get("size", ""))
        problem = _problem(asked.query) or (None if size else "Invalid request. Invalid 'size' parameter.")
        if problem or size is None:
            return Reply.text(problem or "", 400)
        width, height = (min(MAX_SIDE_PX, max(1, int(side))) for side in size.groups())
        with self._lock:
            over = self.image_quota is not None and self._billed.total() >= self.image_quota
        if over:
            return Reply.jpeg(card_bytes("g.co/staticmaperror/quota", size=(width, height)), 403 if strict else 200)
        _, photo, _ = self._pano(asked.query)
        return self._view(photo, asked.query, strict=strict, size=(width, height))

    def _view(
        self, photo: WorldPhoto | None, query: Mapping[str, str], *, strict: bool, size: tuple[int, int]
    ) -> Reply:
        missing = photo is None or self.is_gone(photo)
        if missing and strict:
            return Reply.text("Not Found", 404)
        pano = query.get("pano") or query.get("location", "") if photo is None else self.id_of(photo)
        name = f"{pano}@{float(query.get('heading') or 0):g}"
        is_card = missing or (photo is not None and self.is_card(photo))
        with self._lock:
            self._billed[name] += 1
            self._cards_billed += is_card
        return Reply.jpeg(card_bytes(CARD_TEXT, size=size) if is_card else photo_bytes(f"streetview {name}", size=size))


def sign(path_and_query: str, secret: str) -> str:
    """The signature of a request: HMAC-SHA1 under the secret, both in URL-safe base64.

    >>> sign("/maps/api/geocode/json?address=New+York&client=clientID", "vNIXE0xscrmjlyV-12Nj_BvUPaw=")
    'chaRF2hTJKOScPr-RQCEhZbSzIE='
    """
    digest = hmac.new(base64.urlsafe_b64decode(secret), path_and_query.encode(), hashlib.sha1).digest()
    return base64.urlsafe_b64encode(digest).decode()


def _problem(query: Mapping[str, str]) -> str | None:
    """What is wrong with the parameters."""
    if not query.get("location") and not query.get("pano"):
        return "Invalid request. Missing the 'location' or 'pano' parameter."
    if query.get("source", "default") not in {"default", "outdoor"}:
        return "Invalid request. Invalid 'source' parameter."
    for name, (least, most) in _RANGES.items():
        text = query.get(name)
        if text and not (re.fullmatch(_NUMBER, text) and least <= float(text) <= most):
            return f"Invalid request. Invalid '{name}' parameter."
    return None


def _metadata(value: Mapping[str, Any]) -> Reply:
    return Reply.of(dict(sorted(value.items())))


if __name__ == "__main__":
    from tests.servers.process import serve

    serve(
        StreetViewServer, key=str, secret=str, third_party=float, undated=float, gone=float, cards=float, loose=float,
        far=float, image_quota=int,
    )  # fmt: skip
