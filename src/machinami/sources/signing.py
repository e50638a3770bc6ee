"""Google's signature of a request: proof that it comes from the owner of the key."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import replace

from machinami.errors import CredentialError
from machinami.sources.secret import Secret
from machinami.sources.transport import Request

__all__ = ["sign", "sign_request"]


def sign(path_and_query: str, secret: Secret) -> Secret:
    """The signature of an encoded path with its query: HMAC-SHA1 in URL-safe base64, with its "=".

    Raises CredentialError for a secret that is no URL-safe base64. Method: "Use a digital signature", Google Maps
    Platform documentation.

    >>> sign("/maps/api/geocode/json?address=New+York&client=clientID", Secret("vNIXE0xscrmjlyV-12Nj_BvUPaw=")).value
    'chaRF2hTJKOScPr-RQCEhZbSzIE='
    """
    digest = hmac.new(_key(secret), path_and_query.encode(), hashlib.sha1).digest()
    return Secret(base64.urlsafe_b64encode(digest).decode())


def sign_request(request: Request, secret: Secret) -> Request:
    """The same request with its signature as the last part of the query, since it is made over all the others."""
    signature = sign(request.path_and_query(), secret)
    return replace(request, secret_query={**request.secret_query, "signature": signature})


def _key(secret: Secret) -> bytes:
    text = secret.value.strip()
    text += "=" * (-len(text) % 4)  # some programs copy it without its "="
    try:
        key = base64.b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise CredentialError(
            "the signing secret is no URL-safe base64: copy it again from the Google Cloud console "
            "(Google Maps Platform, Keys & Credentials, Secret generator)"
        )
    return key
