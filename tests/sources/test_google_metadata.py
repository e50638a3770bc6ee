import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from machinami.catalog import Catalog, Photo
from machinami.errors import CredentialError, HostBlocked, SourceError
from machinami.geo import LatLon
from machinami.sampling import Sample
from machinami.sources.google_metadata import judge_metadata, read_metadata, read_ref
from machinami.sources.manners import TryAgain
from machinami.sources.source import PhotoRef
from machinami.sources.transport import Answer

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HERE = Sample(number=7, lat=35.67, lon=139.77)
PANO = "tu510ie_z4ptBZYo2BGEJg"
GOOD = {
    "copyright": "© Google",
    "date": "2016-05",
    "location": {"lat": 35.67001, "lng": 139.77},
    "pano_id": PANO,
    "status": "OK",
}


def judge(value, status=200):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return judge_metadata(Answer(status=status, body=body), host="h", now=NOW)


def ref(match_m=15.0, **changes):
    value = {name: item for name, item in (GOOD | changes).items() if item is not None}
    return read_ref(read_metadata(json.dumps(value).encode()), HERE, match_m=match_m, now=NOW)


def test_a_panorama_of_googles():
    found = ref()
    assert judge(GOOD) is None
    assert (found.source_id, found.lat, found.lon, found.reason) == (PANO, 35.67001, 139.77, None)
    assert (found.projection, found.creator, found.licence) == ("spherical", None, "proprietary")
    assert found.attribution == "© Google"
    assert found.page_url == (
        f"https://www.google.com/maps/@?api=1&map_action=pano&pano={PANO}&viewpoint=35.6700100%2C139.7700000"
    )


@pytest.mark.parametrize("status", ["ZERO_RESULTS", "NOT_FOUND"])
def test_nothing_there_is_empty(status):
    assert judge({"status": status}) is None
    assert read_ref(read_metadata(json.dumps({"status": status}).encode()), HERE, match_m=15, now=NOW) is None


@pytest.mark.parametrize("status", ["OVER_QUERY_LIMIT", "UNKNOWN_ERROR", "SOMETHING_NEW"])
def test_what_says_nothing_yet_is_asked_again(status):
    assert status in judge({"status": status, "error_message": "slowly"}).why


def test_a_limit_makes_all_rest():
    assert judge({"status": "OVER_QUERY_LIMIT"}).after_s == 1
    assert judge({"status": "UNKNOWN_ERROR"}).after_s is None


def test_a_refusal_comes_with_200_and_says_why():
    verdict = judge({"status": "REQUEST_DENIED", "error_message": "Billing is off. key=AIzaSecret was given"})
    assert type(verdict) is CredentialError
    assert "Billing is off" in str(verdict)
    assert type(judge({"status": "INVALID_REQUEST"})) is SourceError


@pytest.mark.parametrize(
    ("status", "kind"),
    [(403, CredentialError), (400, SourceError), (302, HostBlocked), (429, TryAgain), (500, TryAgain), (408, TryAgain)],
)
def test_other_http_statuses(status, kind):
    assert type(judge({"status": "OK"}, status)) is kind


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>login</html>", b"[]", b"{}", b'{"status": 3}', b"\xff\xfe", b"null", b"[" * 100_000, b"1" * 9000],
)
def test_what_is_no_metadata_is_asked_again(body):
    assert isinstance(judge(body), TryAgain)


@pytest.mark.parametrize(
    "changes",
    [
        {"pano_id": None},
        {"pano_id": ""},
        {"location": None},
        {"location": [1, 2]},
        {"location": {"lat": 35.0}},
        {"location": {"lat": True, "lng": True}},
        {"location": {"lat": "35", "lng": "139"}},
        {"location": {"lat": float("nan"), "lng": 139.0}},
        {"location": {"lat": 91.0, "lng": 139.0}},
        {"location": {"lat": 10**400, "lng": 139.0}},
    ],
)
def test_ok_without_a_panorama_is_unknown_rather_than_empty(changes):
    assert isinstance(judge(GOOD | changes), TryAgain)
    assert ref(**changes) is None


@pytest.mark.parametrize("owner", ["© Taro Google", "© Google Fan", "© google", "Google", "©Google", "© Google, Inc."])
def test_only_googles_own_exactly(owner):
    found = ref(copyright=owner)
    assert found.reason == f"third-party: {owner}"
    assert found.attribution == owner


def test_strangers_are_known_by_their_ids_too():
    assert ref(copyright=None).reason == "third-party: no copyright is named"
    assert ref(pano_id="x" * 23).reason.startswith("third-party: the id")
    assert ref(pano_id="CIHM0ogKEICAgI").reason.startswith("third-party: the id")
    assert ref(pano_id="x" * 22).reason is None


def test_the_distance_is_checked():
    far = {"lat": HERE.lat - 31.458, "lng": HERE.lon}
    assert ref(location=far).reason == "too-far: 3497975 m"
    north = {"lat": HERE.lat + 14.9 / 111_195, "lng": HERE.lon}
    assert ref(location=north).reason is None
    assert ref(location=north, match_m=14.8).reason == "too-far: 15 m"


@pytest.mark.parametrize(
    ("text", "captured"),
    [
        ("2016-05", ("2016-05", "month")),
        ("2016-05-09", ("2016-05-09", "day")),
        ("2026-11", ("2026-11", "month")),
        (None, None),
        ("2016", None),
        ("2016-13", None),
        ("2016-02-30", None),
        ("2003-12", None),  # before there was any
        ("2026-12", None),  # to come
        ("318857-01-01", None),
        ("２０１６-05", None),
        ("soon", None),
    ],
)
def test_dates_in_three_forms(text, captured):
    found = ref(date=text)
    assert (found.captured and (found.captured.text, found.captured.precision)) == captured
    assert found.reason is None


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))
numbers = st.floats(-200, 200) | scalars
answers = st.fixed_dictionaries(
    {"status": st.sampled_from(["OK", "ZERO_RESULTS", "REQUEST_DENIED", "OVER_QUERY_LIMIT"]) | values},
    optional={
        "pano_id": st.sampled_from([PANO, "CIHM0ogX"]) | values,
        "location": st.fixed_dictionaries({"lat": numbers, "lng": numbers}) | values,
        "copyright": st.just("© Google") | values,
        "date": st.from_regex(r"\d{4}-\d\d(-\d\d)?", fullmatch=True) | values,
        "error_message": values,
    },
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the first text is slow to make
@given(st.binary(max_size=60) | answers.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_read_or_refused(body):
    """No answer raises anything unexpected, and what is taken for a panorama can be a row of the catalogue."""
    verdict = judge_metadata(Answer(status=200, body=body), host="h", now=NOW)
    assert verdict is None or isinstance(verdict, TryAgain | SourceError)
    if verdict is not None:
        return
    found = read_ref(read_metadata(body), HERE, match_m=15, now=NOW)
    if found is not None:
        assert -90 <= found.lat <= 90
        assert -180 <= found.lon <= 180
        for text in (found.source_id, found.page_url, found.reason or "", found.attribution or ""):
            assert text.encode("utf-8").decode() == text
        assert found.reason is not None or (found.attribution == "© Google" and len(found.source_id) <= 22)


def test_a_hostile_answer_fits_into_the_catalogue(tmp_path):
    found = ref(pano_id="\ud800../&key=\0x\n", copyright="\ud8ff<b>")
    assert isinstance(found, PhotoRef)
    with Catalog(tmp_path / "c.sqlite") as catalog:
        row = catalog.add(
            Photo(source="google", source_id=found.source_id, lat=found.lat, lon=found.lon, reason=found.reason)
        )
        assert catalog.photo(row).reason == "third-party: <b>"
    assert LatLon(found.lat, found.lon) == LatLon(35.67001, 139.77)
