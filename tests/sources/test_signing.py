from urllib.parse import parse_qsl, urlsplit

import pytest

from machinami.errors import CredentialError
from machinami.sources.secret import Secret
from machinami.sources.signing import sign, sign_request
from machinami.sources.transport import Request

VECTORS = [
    (
        "/maps/api/staticmap?center=40.714%2C+-73.998&client=myclient&size=400x400&zoom=12",
        "bXlrZXk=",
        "C1UG9w-v41q7i1lISpZsw1xzOV8=",
    ),
    (
        "/maps/api/geocode/json?address=New+York&client=clientID",
        "vNIXE0xscrmjlyV-12Nj_BvUPaw=",
        "chaRF2hTJKOScPr-RQCEhZbSzIE=",
    ),
]


@pytest.mark.parametrize(("path", "secret", "signature"), VECTORS)
def test_known_signatures(path, secret, signature):
    assert sign(path, Secret(secret)).value == signature
    assert sign(path, Secret(f" {secret.rstrip('=')}\n")).value == signature


def test_a_request_is_signed_as_it_goes_over_the_wire():
    query = {"center": "40.714, -73.998", "client": "myclient", "size": "400x400", "zoom": "12"}
    request = sign_request(Request(url="https://example.org/maps/api/staticmap", query=query), Secret("bXlrZXk="))
    assert parse_qsl(urlsplit(request.full_url()).query)[-1] == ("signature", "C1UG9w-v41q7i1lISpZsw1xzOV8=")


def test_the_signature_covers_the_key():
    plain = Request(url="https://example.org/a", query={"b": "c"}, secret_query={"key": Secret("AIza")})
    signed = sign_request(plain, Secret("bXlrZXk="))
    assert signed.secret_query["signature"] == sign("/a?b=c&key=AIza", Secret("bXlrZXk="))
    assert signed.full_url().startswith("https://example.org/a?b=c&key=AIza&signature=")


@pytest.mark.parametrize("text", ["", "=", "n o", "ключ", "a?b=", "abcde"])
def test_what_is_no_secret_is_refused_and_not_shown(text):
    with pytest.raises(CredentialError, match="signing secret is no URL-safe base64") as caught:
        sign("/a", Secret(text))
    assert len(text) < 3 or text not in str(caught.value)
