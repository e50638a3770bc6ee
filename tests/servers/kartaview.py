"""A KartaView API (1.0 search, 2.0 photo) on this machine, with its habits: overload as HTTP 400, strings for numbers.

`python -m tests.servers.kartaview --help` runs it as a process.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from tests.servers.pictures import photo_bytes
from tests.servers.serving import Asked, ProviderServer, Reply
from tests.servers.world import World, WorldPhoto, distance_m, utc

__all__ = ["KartaViewServer"]

MAX_ITEMS = 2000  # a page of 1.0
MAX_ITEMS_2_0 = 150
_UNBOUNDED_M = 5000  # a search of 2.0 that names no radius
_SIZES = frozenset({"ori", "proc", "lth", "th"})
_FIRST_ID = 1_994_000_000
_FIRST_SEQUENCE = 9_073_001
_MESSAGES = {
    "600": "The request has been processed without incidents",
    "601": "The request has an empty response",
    "401": "Unauthorized",
    "403": "Forbidden",
    "404": "Not found",
    "408": "Request timeout",
    "612": "An argument is missing",
    "690": "An error occurred while the request was handled",
}


class KartaViewServer(ProviderServer):
    """Kinds of requests: search, photo_info, photo, other.

    Its lies: circles over `overload_radius_m` with more than `dense_photos` in them are answered with HTTP 400 and
    apiCode 690 or 408 inside; of a share `old_storage` of the photos the picture is no more (404); a share
    `upload_dated` was shot no earlier than it was uploaded; a share `unmatched` has no match position.
    `envelope="osv"` puts the items of 1.0 one level deeper.
    """

    name: ClassVar[str] = "kartaview"

    def __init__(
        self,
        world: World,
        *,
        envelope: str = "top",
        overload_radius_m: float = 600.0,
        dense_photos: int = 1000,
        old_storage: float = 0.03,
        upload_dated: float = 0.05,
        unmatched: float = 0.1,
        **common: Any,
    ) -> None:
        super().__init__(world, **common)
        self.envelope, self.overload_radius_m, self.dense_photos = envelope, overload_radius_m, dense_photos
        self.old_storage, self.upload_dated, self.unmatched = old_storage, upload_dated, unmatched
        self._complaints = 0

    def id_of(self, photo: WorldPhoto) -> str:
        """The photo's id here."""
        return str(_FIRST_ID + photo.number)

    def photo_of(self, photo_id: str) -> WorldPhoto | None:
        """The photo with this id, if any."""
        number = int(photo_id) - _FIRST_ID if photo_id.isdecimal() else -1
        return self.world.photos[number] if 0 <= number < len(self.world.photos) else None

    def is_gone(self, photo: WorldPhoto) -> bool:
        """Whether its picture lay on a storage that is no more."""
        return self.world.chance("old storage", photo.number) < self.old_storage

    def kind(self, asked: Asked) -> str:
        if "/files/photo/" in asked.path:
            return "photo"
        if asked.path.rstrip("/") == "/1.0/list/nearby-photos":
            return "search"
        if asked.path.startswith("/2.0/photo"):
            return "photo_info" if "id" in asked.query else "search"
        return "other"

    def answer(self, asked: Asked) -> Reply:
        kind = self.kind(asked)
        if kind == "photo":
            return self._picture(asked.path)
        if asked.path.startswith("/2.0/photo"):
            return self._photos_2_0(asked.query)
        if kind != "search":
            return _status_1_0("404", 404)
        return self._nearby(asked.form) if asked.method == "POST" else _status_1_0("404", 405)

    def overloaded(self, asked: Asked) -> Reply:
        """HTTP 400 with, by turns, 690 and 408 inside; the storage of the pictures says 503."""
        if self.kind(asked) == "photo":
            return Reply.text("Service Unavailable", 503)
        self._complaints += 1
        code = "690" if self._complaints % 2 else "408"
        return _status_2_0(code, 400) if asked.path.startswith("/2.0") else _status_1_0(code, 400)

    def refused(self, asked: Asked, status: int) -> Reply:
        if status in {301, 302}:
            return Reply(status=status, headers=(("Location", f"{self.url}/moved"),))
        return _status_1_0(str(status), status)

    def _nearby(self, form: Mapping[str, str]) -> Reply:
        try:
            found = self._found(form)
            page, size = max(1, int(form.get("page", 1))), min(MAX_ITEMS, max(1, int(form.get("ipp", 50))))
        except (KeyError, ValueError):
            return _status_1_0("612", 400)
        if found is None:
            return self.overloaded(Asked(method="POST", path="/1.0/list/nearby-photos/"))
        rows = [self._item(photo) for photo in found[(page - 1) * size : page * size]]
        rows = self.draw.repeat_some(rows, key=lambda row: row["id"])
        answer = {"currentPageItems": rows, "totalFilteredItems": [str(len(found))]}
        return _status_1_0("600" if rows else "601", 200, answer if self.envelope == "top" else {"osv": answer})

    def _found(self, where: Mapping[str, str]) -> list[WorldPhoto] | None:
        """The photos asked for, or None where that is too many for one answer."""
        if "bbTopLeft" in where:
            north, west = map(float, where["bbTopLeft"].split(","))
            south, east = map(float, where["bbBottomRight"].split(","))
            radius_m = distance_m(south, west, north, east) / 2
            found = [] if south < 0 else self.world.within(west, south, east, north)  # wrong below the equator
        else:
            radius_m = float(where.get("radius", 100))
            found = self.world.near(float(where["lat"]), float(where["lng"]), radius_m)
        return None if radius_m > self.overload_radius_m and len(found) > self.dense_photos else found

    def _item(self, photo: WorldPhoto) -> dict[str, Any]:
        """The photo as 1.0 tells it: strings, some of them empty, and null."""
        shot, added = self._dates(photo)
        matched = self.world.chance("unmatched", photo.number) >= self.unmatched
        file = self._file(photo)
        return {
            "id": self.id_of(photo),
            "sequence_id": str(_FIRST_SEQUENCE + photo.sequence),
            "sequence_index": str(photo.frame),
            "lat": f"{photo.lat:.6f}",
            "lng": f"{photo.lon:.6f}",
            "match_lat": f"{photo.computed_lat:.6f}" if matched else None,
            "match_lng": f"{photo.computed_lon:.6f}" if matched else None,
            "heading": None if "heading" in photo.absent else f"{photo.heading_deg:.2f}",
            "shot_date": shot,
            "date_added": added,
            "timestamp": added,
            "username": "" if "creator" in photo.absent else photo.creator,
            "projection": "SPHERE" if photo.spherical else "PLANE",
            "field_of_view": "360" if photo.spherical else None,
            "way_id": str(52_120_864 + photo.sequence) if matched else None,
            "name": file.format("proc"),
            "lth_name": file.format("lth"),
            "th_name": file.format("th"),
        }

    def _dates(self, photo: WorldPhoto) -> tuple[str | None, str]:
        added = _date(photo.uploaded_ms)
        if "captured_at" in photo.absent:
            return None, added
        if self.world.chance("upload dated", photo.number) < self.upload_dated:
            return _date(photo.uploaded_ms + photo.number % 2 * 1000), added
        return _date(photo.captured_ms), added

    def _file(self, photo: WorldPhoto) -> str:
        """The path of its pictures, host first, with {} for the size: `storage13/files/photo/2024/6/23/{}/….jpg`."""
        storage = 1 + photo.number % 5 if self.is_gone(photo) else 6 + photo.number % 8
        day = utc(photo.uploaded_ms)
        assert day is not None, "uploads have possible dates"
        name = f"{_FIRST_SEQUENCE + photo.sequence}_{photo.frame:05x}_{photo.number:013x}.jpg"
        return f"storage{storage}/files/photo/{day.year}/{day.month}/{day.day}/{{}}/{name}"

    def _picture(self, path: str) -> Reply:
        """With the storage's name before `/files` or without it, as when it was the host."""
        number = path.removesuffix(".jpg").rpartition("_")[2]
        photo = self.photo_of(str(_FIRST_ID + int(number, 16))) if number.isalnum() else None
        size = path.split("/")[-2]
        known = photo is not None and size in _SIZES and self._file(photo).format(size).endswith(path.lstrip("/"))
        if photo is None or not known or self.is_gone(photo):
            return Reply.text("404 Not Found", 404)
        width, height = self.picture_size
        width, height = (width, width // 2) if photo.spherical else (width, height)
        shown = (width // 2, height // 2) if size == "th" else (width, height)
        return Reply.jpeg(photo_bytes(f"kartaview {self.id_of(photo)}", size=shown))

    def _photos_2_0(self, query: Mapping[str, str]) -> Reply:
        try:
            page, size = (
                max(1, int(query.get("page", 1))),
                min(MAX_ITEMS_2_0, max(1, int(query.get("itemsPerPage", 40)))),
            )
            if "id" in query:
                photo = self.photo_of(query["id"])
                found = [] if photo is None else [photo]
            elif "lat" in query and "distance" not in query:
                within = self._found({"radius": str(_UNBOUNDED_M), **query})
                if within is None:
                    return self.overloaded(Asked(method="GET", path="/2.0/photo/"))
                found = within
            else:
                found = []  # boxes and `distance` find nothing
        except (KeyError, ValueError):
            return _status_2_0("612", 400)
        rows = [self._record_2_0(photo) for photo in found[(page - 1) * size : page * size]]
        result = {"data": rows, "hasMoreData": page * size < len(found)}
        return _status_2_0("600" if rows else "601", 200, result)

    def _record_2_0(self, photo: WorldPhoto) -> dict[str, Any]:
        """The photo as 2.0 tells it: every value a string or null."""
        shot, added = self._dates(photo)
        item = self._item(photo)
        storage, _, path = self._file(photo).partition("/")
        place = path.removeprefix("files/photo/")
        urls = {"": "{{sizeprefix}}", "LTh": "lth", "Th": "th", "Proc": "proc"}
        return {
            "id": item["id"],
            "lat": item["lat"],
            "lng": item["lng"],
            "matchLat": item["match_lat"],
            "matchLng": item["match_lng"],
            "heading": item["heading"],
            "shotDate": shot,
            "dateAdded": added,
            "projection": item["projection"],
            "fieldOfView": item["field_of_view"],
            "sequenceId": item["sequence_id"],
            "sequenceIndex": item["sequence_index"],
            "status": "active",
            "visibility": "public",
            "storage": storage,
            "gpsAccuracy": None,
            **{f"filepath{part}": place.format(size) for part, size in urls.items()},
            **{
                f"fileurl{part}": f"{self.url}/{storage}/files/photo/{place.format(size)}"
                for part, size in urls.items()
            },
        }


def _date(milliseconds: int) -> str:
    moment = utc(milliseconds)
    return "318857-05-04 03:02:01" if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S")


def _status(code: str, http: int) -> dict[str, Any]:
    return {"apiCode": code, "apiMessage": _MESSAGES.get(code, "Error"), "httpCode": http, "httpMessage": ""}


def _status_1_0(code: str, http: int, more: Mapping[str, Any] | None = None) -> Reply:
    return Reply.of({"status": _status(code, http), **(more or {})}, http)


def _status_2_0(code: str, http: int, result: Mapping[str, Any] | None = None) -> Reply:
    return Reply.of({"status": {**_status(code, http), "apiCode": int(code)}, "result": result or {}}, http)


if __name__ == "__main__":
    from tests.servers.process import serve

    serve(
        KartaViewServer, envelope=str, overload_radius_m=float, dense_photos=int, old_storage=float,
        upload_dated=float, unmatched=float,
    )  # fmt: skip
