import io
import itertools
import json
import threading
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import shapely
from PIL import Image, ImageDraw

from machinami.areas import Area
from machinami.config import CheckConfig, CollectConfig, SourceConfig
from machinami.errors import BudgetError, CredentialError, HostBlocked, SourceError, TermsError
from machinami.sampling import Sample
from machinami.sources import google
from machinami.sources.google import GoogleSource
from machinami.sources.manners import Unanswered
from machinami.sources.secret import Secret
from machinami.sources.setup import Setup
from machinami.sources.signing import sign
from machinami.sources.source import Box, PhotoGone, PhotoRef, Spot
from machinami.sources.transport import Answer, HttpxTransport, TransportError

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PANO = "tu510ie_z4ptBZYo2BGEJg"
KEY, SECRET = "AIzaVerySecretKey", "vNIXE0xscrmjlyV-12Nj_BvUPaw="
AREA = Area(place="a", source="f", code=None, shape=shapely.box(139.7, 35.6, 139.8, 35.7))
SPOT = Spot(sample=Sample(number=7, lat=35.67, lon=139.77), radius_m=50.0)
REF = PhotoRef(source_id=PANO, lat=35.67, lon=139.77, projection="spherical")
GOOD = {
    "copyright": "© Google", "date": "2016-05", "location": {"lat": 35.67, "lng": 139.77}, "pano_id": PANO,
    "status": "OK",
}  # fmt: skip


def jpeg(image):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()


STREET = jpeg(Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)))


def card(text="Sorry, we have no imagery here."):
    """A drawn stand-in for Street View's card."""
    image = Image.new("RGB", (640, 640), (228, 227, 223))
    ImageDraw.Draw(image).text((180, 310), text, fill=(90, 90, 90), font_size=20)
    return jpeg(image)


def picture(body=STREET, status=200, kind="image/jpeg"):
    return Answer(status=status, headers={"content-type": kind}, body=body)


def metadata(value, status=200):
    return Answer(status=status, headers={"content-type": "application/json"}, body=json.dumps(value).encode())


class Script:
    """A transport that gives one answer after the other, the last one for ever, and keeps what was asked."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def send(self, request, *, deadline_s):
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def query(self, number=-1):
        return {name: values[0] for name, values in parse_qs(urlsplit(self.asked[number].full_url()).query).items()}


def make(*answers, acknowledgement=date(2026, 1, 31), keys=None, base_url="", now=NOW, transport=None, **collect):
    clock = [0.0]
    keys = {"google_key": KEY} if keys is None else keys

    def sleep(seconds):
        clock[0] += seconds

    setup = Setup(
        source=SourceConfig(kind="google", acknowledgement=acknowledgement, base_url=base_url),
        collect=CollectConfig(**collect),
        transport=transport or Script(*answers),
        keys={name: Secret(value) for name, value in keys.items()},
        clock=lambda: clock[0],
        sleep=sleep,
        now=lambda: now,
    )
    return GoogleSource(setup, match_m=15)


def script(source):
    return source._setup.transport


def nothing():
    pass


# --- terms and keys ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [None, date(2026, 11, 25), date(2126, 1, 1)])
def test_off_without_permission(given):
    source = make(metadata(GOOD), acknowledgement=given)
    for ask in (
        lambda: source.cells(AREA, [SPOT.sample]),
        lambda: source.search(SPOT),
        lambda: source.fetch(REF, heading_deg=0, before=nothing),
    ):
        with pytest.raises(TermsError, match=r"3\.2\.3.*panoramax.*mapillary.*kartaview.*folder"):
            ask()
    assert script(source).asked == []


@pytest.mark.parametrize("given", [date(2026, 11, 23), date(2026, 11, 24), date(2019, 1, 1)])
def test_on_with_it(given):
    """Where it is noon on the 23rd by UTC, the 24th has begun in Kiribati."""
    assert len(make(metadata(GOOD), acknowledgement=given).search(SPOT).refs) == 1


def test_what_is_stored_may_still_not_be_shown():
    assert GoogleSource.terms.may_be_shown is False
    assert GoogleSource.spots


@pytest.mark.parametrize("keys", [{}, {"google_signing_secret": SECRET}])
def test_a_missing_key_is_told_before_anything_is_asked(keys):
    source = make(metadata(GOOD), keys=keys)
    with pytest.raises(CredentialError, match="GOOGLE_MAPS_API_KEY"):
        source.cells(AREA, [SPOT.sample])
    with pytest.raises(CredentialError, match="signing secret"):
        make(metadata(GOOD), keys={"google_key": KEY, "google_signing_secret": "no-secret"}).cells(AREA, [])
    assert script(source).asked == []


# --- searching -----------------------------------------------------------------------------------------------


def test_a_spot_for_each_sample():
    samples = [Sample(number=n, lat=35.6 + n / 100, lon=139.7) for n in range(3)]
    assert [cell.sample for cell in make(metadata(GOOD)).cells(AREA, samples)] == samples
    with pytest.raises(TypeError):
        make(metadata(GOOD)).search(Box(west=0, south=0, east=1, north=1))


def test_the_free_question():
    source = make(metadata(GOOD))
    (ref,) = source.search(SPOT).refs
    assert (ref.source_id, ref.reason) == (PANO, None)
    (request,) = script(source).asked
    assert request.url == "https://maps.googleapis.com/maps/api/streetview/metadata"
    assert script(source).query() == {
        "location": "35.6700000,139.7700000", "radius": "15", "source": "outdoor", "key": KEY
    }  # fmt: skip
    assert KEY not in f"{request} {request!r}"


def test_nothing_there():
    assert make(metadata({"status": "ZERO_RESULTS"})).search(SPOT).refs == ()


def test_a_strangers_photo_is_found_with_its_reason():
    (ref,) = make(metadata(GOOD | {"copyright": "© Google Fan"})).search(SPOT).refs
    assert ref.reason == "third-party: © Google Fan"


def test_a_limit_is_waited_for_and_bounded():
    limit = metadata({"status": "OVER_QUERY_LIMIT"})
    source = make(limit, limit, metadata(GOOD))
    assert len(source.search(SPOT).refs) == 1
    assert source._setup.clock() >= 2
    source = make(limit, attempts=4)
    with pytest.raises(Unanswered, match=r"OVER_QUERY_LIMIT.*4 attempts"):
        source.search(SPOT)
    assert len(script(source).asked) == 4


def test_keys_never_get_into_a_message():
    """Whether Google repeats the key, or the connection fails with the URL in its text."""
    keys = {"google_key": KEY, "google_signing_secret": SECRET}
    said = f"The provided API key {KEY} is invalid, {SECRET} too"
    refusals = [
        metadata({"status": "REQUEST_DENIED", "error_message": said}),
        metadata({"status": "OVER_QUERY_LIMIT", "error_message": said}),
        metadata({"status": "INVALID_REQUEST", "error_message": said}),
        picture(said.encode(), 403, "text/plain"),
        picture(said.encode(), 400, "text/plain"),
        TransportError(f"https://maps.googleapis.com/maps/api/streetview?pano=a&key={KEY}&signature=abc"),
    ]
    asks = [
        lambda source: source.search(SPOT),
        lambda source: source.fetch(REF, heading_deg=0, before=nothing),
    ]
    for refusal, ask in itertools.product(refusals, asks):
        with pytest.raises((SourceError, Unanswered)) as caught:
            ask(make(refusal, keys=keys))
        assert KEY not in repr(caught.value)
        assert SECRET not in repr(caught.value)
        assert "abc" not in str(caught.value)


# --- fetching ------------------------------------------------------------------------------------------------


def test_the_view_that_is_paid_for():
    source = make(picture(), image_px=1024, field_of_view_deg=80, pitch_deg=-5)
    assert source.fetch(REF, heading_deg=359.999, before=nothing).data == STREET
    assert script(source).query() == {
        "pano": PANO, "size": "640x640", "heading": "0", "fov": "80", "pitch": "-5", "return_error_code": "true",
        "key": KEY,
    }  # fmt: skip
    assert script(source).asked[0].url == "https://maps.googleapis.com/maps/api/streetview"


def test_smaller_views_and_no_heading():
    source = make(picture(), image_px=320)
    source.fetch(REF, heading_deg=None, before=nothing)
    assert script(source).query()["size"] == "320x320"
    assert "heading" not in script(source).query()


def test_every_question_is_signed_where_there_is_a_secret():
    keys = {"google_key": KEY, "google_signing_secret": SECRET}
    for answer, ask in [
        (metadata(GOOD), lambda source: source.search(SPOT)),
        (picture(), lambda source: source.fetch(REF, heading_deg=90, before=nothing)),
    ]:
        source = make(answer, keys=keys)
        ask(source)
        (request,) = script(source).asked
        unsigned, _, _ = request.path_and_query().rpartition("&signature=")
        assert f"&key={KEY}" in unsigned
        assert script(source).query()["signature"] == sign(unsigned, Secret(SECRET)).value


def test_before_comes_before_every_image_request():
    asked = []
    source = make(picture(status=500), picture(status=429), TransportError("reset"), picture())
    source.fetch(REF, heading_deg=0, before=lambda: asked.append(len(script(source).asked)))
    assert asked == [0, 1, 2, 3]


def test_a_used_up_budget_asks_nothing():
    source = make(picture())

    def refuse():
        raise BudgetError("no")

    with pytest.raises(BudgetError):
        source.fetch(REF, heading_deg=0, before=refuse)
    assert script(source).asked == []
    assert source._setup.requests.by_host() == {}


def test_what_is_of_no_use_is_not_paid_for():
    source = make(picture())
    with pytest.raises(PhotoGone) as caught:
        source.fetch(PhotoRef(source_id=PANO, lat=1, lon=1, reason="too-far: 99 m"), heading_deg=0, before=pytest.fail)
    assert (caught.value.reason, caught.value.state) == ("too-far: 99 m", "rejected")
    assert script(source).asked == []


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (picture(b"bad size", 400, "text/plain"), SourceError, "400: bad size"),
        (picture(b"no billing", 403, "text/plain"), CredentialError, "refuses the key.*no billing"),
        (picture(card("g.co/staticmaperror"), 403), CredentialError, "error picture"),
        (picture(b"", 302, "text/html"), HostBlocked, "302"),
        (picture(b"<html>", 200, "text/html"), Unanswered, "text/html"),
        (picture(b"", 503), Unanswered, "503"),
    ],
)
def test_refusals(answer, kind, words):
    with pytest.raises(kind, match=words) as caught:
        make(answer).fetch(REF, heading_deg=0, before=nothing)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        (picture(b"Not Found", 404, "text/plain"), "failed", "no-imagery"),
        (picture(card()), "rejected", "placeholder: 9"),
        (picture(card("g.co/staticmaperror/quota")), "rejected", "placeholder: 9"),
        (picture(STREET[:200]), "failed", "undecodable"),
    ],
)
def test_what_is_no_photo(answer, state, reason):
    source = make(answer)
    with pytest.raises(PhotoGone) as caught:
        source.fetch(REF, heading_deg=0, before=nothing)
    assert caught.value.state == state
    assert caught.value.reason.startswith(reason)
    assert len(script(source).asked) == 1, "it is not paid for twice"


def test_the_share_that_makes_a_card_is_checks():
    assert google._PLACEHOLDER_SHARE == CheckConfig().placeholder_share == 0.9


# --- the plan ------------------------------------------------------------------------------------------------


def test_the_plan_asks_nothing_and_needs_no_permission():
    source = make(metadata(GOOD), acknowledgement=None, keys={})
    plan = source.plan(AREA, photos=300)
    assert script(source).asked == []
    assert plan.requests == {"maps.googleapis.com": 900}
    assert (plan.images, plan.paid_images) == (300, 300)
    assert plan.pace_per_s == {"maps.googleapis.com": 400}
    assert plan.image_bytes == 300 * 81_920
    assert any("acknowledgement" in note for note in plan.notes)
    assert not any("acknowledgement" in note for note in make(metadata(GOOD)).plan(AREA, photos=300).notes)


def test_views_share_a_panorama():
    assert make(metadata(GOOD), views=4).plan(AREA, photos=301).requests == {"maps.googleapis.com": 2 * 76 + 301}


@pytest.mark.parametrize(("asked", "base_url", "pace"), [(9, "", 9), (999, "", 400), (999, "http://127.0.0.1:1", 999)])
def test_the_pace_is_never_above_googles(asked, base_url, pace):
    plan = make(metadata(GOOD), requests_per_s=asked, base_url=base_url).plan(AREA, photos=1)
    assert list(plan.pace_per_s.values()) == [pace]


# --- over the wire -------------------------------------------------------------------------------------------


class Google(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append(self.path)
        if "/metadata?" in self.path:
            kind, body = "application/json", json.dumps(GOOD).encode()
        else:
            kind, body = "image/jpeg", STREET
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Google) as server:
        server.seen = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_signature_holds_for_what_goes_over_the_wire(server):
    keys = {"google_key": KEY, "google_signing_secret": SECRET}
    with HttpxTransport(timeout_s=5, connections=1) as transport:
        source = make(keys=keys, transport=transport, base_url=f"http://127.0.0.1:{server.server_port}")
        (ref,) = source.search(SPOT).refs
        assert source.fetch(ref, heading_deg=12.5, before=nothing).data == STREET
    assert len(server.seen) == 2
    for path in server.seen:
        unsigned, _, _ = path.rpartition("&signature=")
        assert parse_qs(urlsplit(path).query)["signature"] == [sign(unsigned, Secret(SECRET)).value]
