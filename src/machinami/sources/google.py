"""Google Street View: asked only with permission, for free what lies where first, and paid for what is of use."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from machinami.areas import Area
from machinami.config import CheckConfig
from machinami.errors import TermsError
from machinami.images.decode import PhotoError, decode_photo
from machinami.images.flatness import grey_share
from machinami.sampling import Sample
from machinami.sources.google_metadata import ATTRIBUTION, judge_metadata, read_metadata, read_ref, refuse_key, said
from machinami.sources.images import judge_image
from machinami.sources.manners import Asker, Verdict
from machinami.sources.setup import Setup
from machinami.sources.signing import sign_request
from machinami.sources.source import Cell, Estimate, Fetched, Found, PhotoGone, PhotoRef, Spot, Terms
from machinami.sources.transport import Answer, Request

__all__ = ["GoogleSource"]

_IMAGE_URL = "https://maps.googleapis.com/maps/api/streetview"
_METADATA_URL = f"{_IMAGE_URL}/metadata"
_TERMS_URL = "https://cloud.google.com/maps-platform/terms"
_PACE_PER_S = 400.0  # 24,000 a minute, 80 % of the documented limit, which metadata and images have each
_MAX_SIDE_PX = 640
_MAX_PIXELS = 4 * _MAX_SIDE_PX**2
_BYTES_PER_PIXEL = 0.2  # of a JPEG of a street, roughly
_SPOTS_PER_PANORAMA = 2  # assumed for the plan: every second answer is of use
_A_DAY_AHEAD = timedelta(hours=14)  # the largest offset there is: where today begins first
_PLACEHOLDER_SHARE = CheckConfig().placeholder_share


class GoogleSource:
    """Street View Static: the panorama nearest to each sample, and flat views cut from it. Every image costs.

    Off until source.acknowledgement says that the user has permission: `cells`, `search` and `fetch` raise
    TermsError before anything is asked. `match_m` is how far a panorama may lie from its sample, in metres.
    """

    name = "google"
    cuts_views: bool = True
    spots = True
    terms = Terms(
        name="Google Street View",
        licence="proprietary",
        attribution=ATTRIBUTION,
        url=_TERMS_URL,
        may_be_shown=False,  # the acknowledgement is of storing and training; showing is another permission
    )

    def __init__(self, setup: Setup, *, match_m: float, placeholder_share: float = _PLACEHOLDER_SHARE) -> None:
        self._setup = setup
        self._match_m = match_m
        self._placeholder_share = placeholder_share
        self._side_px = min(setup.collect.image_px, _MAX_SIDE_PX)
        self._questions = setup.asker(_PACE_PER_S)
        self._images = setup.asker(_PACE_PER_S)

    def plan(self, area: Area, *, photos: int) -> Estimate:
        """What `photos` photos of an area would take: free questions, and one paid request for each photo."""
        del area  # the samples are as many as the photos want, however large it is
        spots = _SPOTS_PER_PANORAMA * math.ceil(photos / self._setup.collect.views)
        host = Request(url=self._setup.url(_IMAGE_URL)).host
        notes = [f"{_SPOTS_PER_PANORAMA} free questions are counted for each panorama, since not every spot has one"]
        if self._setup.source.acknowledgement is None:
            notes.append("source google is off until source.acknowledgement holds a date")
        return Estimate(
            requests={host: spots + photos},
            images=photos,
            image_bytes=round(photos * self._side_px**2 * _BYTES_PER_PIXEL),
            pace_per_s={host: self._setup.pace_per_s(_PACE_PER_S)},
            paid_images=photos,
            notes=tuple(notes),
        )

    def cells(self, area: Area, samples: Sequence[Sample]) -> Iterator[Cell]:
        """A spot for each sample. Raises TermsError and CredentialError at once, not with the first spot."""
        del area
        self._check_terms()
        self._sign(Request(url=_METADATA_URL))
        return (Spot(sample=sample, radius_m=self._match_m) for sample in samples)

    def search(self, cell: Cell) -> Found:
        """The panorama nearest to a spot, with a reason where it is of no use. Raises Unanswered and SourceError."""
        if not isinstance(cell, Spot):
            raise TypeError("Street View is asked for spots, not for boxes")
        self._check_terms()
        sample = cell.sample
        query = {
            "location": f"{sample.lat:.7f},{sample.lon:.7f}",
            "radius": f"{max(1, math.ceil(self._match_m))}",  # a hint at most, so that the distance is checked too
            "source": "outdoor",
        }
        request = self._sign(Request(url=self._setup.url(_METADATA_URL), query=query))
        answer = self._ask(self._questions, request, judge_metadata)
        ref = read_ref(read_metadata(answer.body), sample, match_m=self._match_m, now=self._setup.now())
        return Found(refs=() if ref is None else (ref,))

    def fetch(self, ref: PhotoRef, *, heading_deg: float | None, before: Callable[[], None]) -> Fetched:
        """The bytes of one flat view of a panorama; `before` may raise BudgetError, and then nothing is asked.

        A "no imagery" card, which may also stand for a used-up quota, is no photo. Raises PhotoGone, Unanswered,
        SourceError.
        """
        self._check_terms()
        if ref.reason is not None:
            raise PhotoGone(ref.reason, state="rejected")
        answer = self._ask(self._images, self._sign(self._image_request(ref, heading_deg)), _judge_view, before)
        self._refuse_card(answer.body)
        return Fetched(data=answer.body, source_id=ref.source_id)

    def _image_request(self, ref: PhotoRef, heading_deg: float | None) -> Request:
        collect = self._setup.collect
        query = {"pano": ref.source_id, "size": f"{self._side_px}x{self._side_px}"}
        if heading_deg is not None:
            query["heading"] = f"{round(heading_deg, 2) % 360:g}"
        query |= {
            "fov": f"{collect.field_of_view_deg:g}",
            "pitch": f"{collect.pitch_deg:g}",
            "return_error_code": "true",
        }
        return Request(url=self._setup.url(_IMAGE_URL), query=query)

    def _refuse_card(self, data: bytes) -> None:
        try:
            share = grey_share(decode_photo(data, max_pixels=_MAX_PIXELS))
        except PhotoError as error:  # asking again would cost again
            raise PhotoGone(error.reason) from None
        if share >= self._placeholder_share:
            raise PhotoGone(f"placeholder: {100 * share:.1f} % is one grey", state="rejected")

    def _sign(self, request: Request) -> Request:
        """The request with the key and, where there is a signing secret, its signature."""
        key = self._setup.key("google_key", needed_for="source google")
        request = replace(request, secret_query={"key": key})
        secret = self._setup.optional_key("google_signing_secret")
        return request if secret is None else sign_request(request, secret)

    def _ask(
        self,
        asker: Asker,
        request: Request,
        judge: Callable[..., Verdict],
        before: Callable[[], None] = lambda: None,
    ) -> Answer:
        return asker.ask(request, lambda answer: judge(answer, host=request.host, now=self._setup.now()), before=before)

    def _check_terms(self) -> None:
        """Raises TermsError where no permission is stated, or one of a day that has not yet come."""
        given = self._setup.source.acknowledgement
        today = (self._setup.now() + _A_DAY_AHEAD).date()
        if given is None or given > today:
            raise TermsError(_refusal(given))


def _refusal(given: date | None) -> str:
    problem = "holds no date" if given is None else f"= {given} has not yet come"
    return (
        f"source google is off, since source.acknowledgement {problem}. Section 3.2.3 of Google's terms ({_TERMS_URL}) "
        "forbids storing Street View images and training models on them. Where you have Google's permission for both, "
        "set source.acknowledgement to the day on which you had it. Otherwise choose another source.kind: panoramax, "
        "mapillary or kartaview have open licences, folder takes photos of your own"
    )


def _judge_view(answer: Answer, *, host: str, now: datetime) -> Verdict:
    """What an answer to a request for a view says, with return_error_code=true."""
    if answer.status == 404:
        return PhotoGone("no-imagery")
    if answer.status == 403:
        return refuse_key(host, said(answer))
    return judge_image(answer, host=host, now=now)
