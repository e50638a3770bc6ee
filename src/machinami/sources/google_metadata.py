"""What Street View's free metadata says of a spot: the answer judged, and the panorama there, of use or not."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from machinami.dates import CaptureDate, parse_date
from machinami.errors import CredentialError, SourceError
from machinami.geo import LatLon, check_lat_lon, ground_distance_m
from machinami.images.exif import clean_text
from machinami.sampling import Sample
from machinami.sources.manners import TryAgain, Verdict, first_words, judge_status
from machinami.sources.source import EARLIEST_PROVIDER_YEAR, PhotoRef
from machinami.sources.transport import Answer

__all__ = [
    "ATTRIBUTION",
    "Metadata",
    "judge_metadata",
    "read_metadata",
    "read_ref",
    "refuse_key",
    "said",
    "third_party_reason",
]

ATTRIBUTION = "© Google"  # and no other text: a user's name can contain the word
_EMPTY = frozenset({"ZERO_RESULTS", "NOT_FOUND"})
_LIMIT_REST_S = 1.0  # at least; all threads rest so long: the limit is the project's, not one question's
_LONGEST_OWN_ID = 22  # ids of panoramas that users gave are longer, or begin with these letters (seen in streetlevel)
_USERS_ID = "CIHM0og"
_DATE = re.compile(r"\d{4}-\d\d(-\d\d)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """One answer. All but the status can be absent."""

    status: str
    pano_id: str | None = None
    position: LatLon | None = None
    copyright: str | None = None
    date: str | None = None
    error_message: str | None = None


def read_metadata(body: bytes) -> Metadata:
    """The answer as it stands; fields that are absent or impossible are None. Raises ValueError where it is none."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("what is no JSON") from None
    status = clean_text(value.get("status")) if isinstance(value, dict) else None
    if status is None:
        raise ValueError("JSON without a status")
    return Metadata(
        status=status,
        pano_id=clean_text(value.get("pano_id")),
        position=_position(value.get("location")),
        copyright=clean_text(value.get("copyright")),
        date=clean_text(value.get("date")),
        error_message=clean_text(value.get("error_message")),
    )


def _position(location: Any) -> LatLon | None:
    if not isinstance(location, Mapping):
        return None
    lat, lon = _number(location.get("lat")), _number(location.get("lng"))
    return LatLon(lat, lon) if check_lat_lon(lat, lon) is None else None


def _number(value: object) -> float:
    """NaN for what is no number."""
    try:
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except OverflowError:
        return math.nan


def judge_metadata(answer: Answer, *, host: str, now: datetime) -> Verdict:
    """What an answer says; None where `read_ref` can read it. Refusals come with HTTP 200 too."""
    if answer.status == 403:
        return refuse_key(host, said(answer))
    verdict = judge_status(answer, host=host, now=now)
    if verdict is not None:
        return verdict
    try:
        metadata = read_metadata(answer.body)
    except ValueError as error:
        return TryAgain(f"{host} sends {error} where metadata should be")
    return _judge_read(metadata, host)


def _judge_read(metadata: Metadata, host: str) -> Verdict:
    """The verdict on the status. Statuses: "Street View Image Metadata", Google Maps Platform documentation."""
    message = metadata.error_message or "no reason given"
    if metadata.status in _EMPTY:
        return None
    if metadata.status == "OK":
        whole = metadata.pano_id is not None and metadata.position is not None
        return None if whole else TryAgain(f"{host} answers OK without a panorama's id or position")
    if metadata.status == "REQUEST_DENIED":
        return refuse_key(host, message)
    if metadata.status == "INVALID_REQUEST":
        return SourceError(f"{host} cannot read a request that Machinami made ({message}): please report it")
    rest_s = _LIMIT_REST_S if metadata.status == "OVER_QUERY_LIMIT" else None
    return TryAgain(f"{host} answers {metadata.status}: {message}", rest_s)


def said(answer: Answer) -> str:
    """What a refusal says in words; trouble with quota or billing comes as a picture."""
    if answer.content_type.startswith("image/"):
        return "with an error picture, as for a used-up quota or unpaid bills"
    return first_words(answer)


def refuse_key(host: str, message: str) -> CredentialError:
    """The error for a key that is not accepted, with what to look at."""
    return CredentialError(
        f"{host} refuses the key ({message}): see in the Google Cloud console that the key is right, that the Street "
        "View Static API is enabled for it, that billing is on, and that its restrictions and signature allow this"
    )


def read_ref(metadata: Metadata, sample: Sample, *, match_m: float, now: datetime) -> PhotoRef | None:
    """The panorama, with the reason if it is of no use for this sample; None where there is none.

    Of use is what Google itself took, within `match_m` metres of the sample: an answer may be indoors, by anyone,
    and thousands of kilometres away.
    """
    if metadata.pano_id is None or metadata.position is None:
        return None
    distance_m = ground_distance_m(metadata.position, LatLon(sample.lat, sample.lon))
    return PhotoRef(
        source_id=metadata.pano_id,
        lat=metadata.position.lat,
        lon=metadata.position.lon,
        projection="spherical",
        captured=_captured(metadata.date, now),
        licence="proprietary",
        attribution=metadata.copyright,
        page_url=_page_url(metadata.pano_id, metadata.position),
        reason=third_party_reason(metadata.pano_id, metadata.copyright) or _too_far(distance_m, match_m),
    )


def third_party_reason(pano_id: str, credit: str | None) -> str | None:
    """Why a panorama is not Google's own, by its copyright and the form of its id; None where it is."""
    if credit != ATTRIBUTION:
        return f"third-party: {credit or 'no copyright is named'}"
    if len(pano_id) > _LONGEST_OWN_ID or pano_id.startswith(_USERS_ID):
        return "third-party: the id is of the users' kind"
    return None


def _too_far(distance_m: float, match_m: float) -> str | None:
    return f"too-far: {distance_m:.0f} m" if distance_m > match_m else None


def _captured(text: str | None, now: datetime) -> CaptureDate | None:
    """A month or a day; None for one that cannot be."""
    if text is None or not _DATE.fullmatch(text) or int(text[:4]) < EARLIEST_PROVIDER_YEAR:
        return None
    try:
        return parse_date(text, now=now)
    except ValueError:
        return None


def _page_url(pano_id: str, position: LatLon) -> str:
    """Where to look at it; with the position, since ids change over time ("Maps URLs", Google documentation)."""
    query = {
        "api": "1",
        "map_action": "pano",
        "pano": pano_id,
        "viewpoint": f"{position.lat:.7f},{position.lon:.7f}",
    }
    return f"https://www.google.com/maps/@?{urlencode(query)}"
