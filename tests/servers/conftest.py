import http.client
import json
import os
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import pytest

from tests.servers.geovisio import running_geovisio, send_photos
from tests.servers.postgres import CannotRun
from tests.servers.storage import redirecting
from tests.servers.uploads import made_uploads, street_uploads
from tests.servers.world import World


class Got(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@pytest.fixture(scope="session")
def world():
    return World(photos=600, seed=3)


@pytest.fixture
def ask():
    """One request on a connection of its own, redirects not followed; a form makes it a POST."""

    def ask(url, *, headers=None, form=None, **query):
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        both = "&".join(text for text in (parts.query, urlencode(query)) if text)
        target = f"{parts.path or '/'}?{both}" if both else parts.path or "/"
        try:
            connection.request(
                "GET" if form is None else "POST", target, urlencode(form) if form else None, headers or {}
            )
            answer = connection.getresponse()
            return Got(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    return ask


@pytest.fixture(scope="session")
def panoramax_server():
    """A PanoramaxServer with made photos and, where this machine has them, real ones. Not to be changed.

    Skips, with the reason, where the server cannot be run; fails instead where $MACHINAMI_SERVERS is "required".
    """
    try:
        with running_geovisio() as instance:
            yield send_photos(instance, [*made_uploads(), *street_uploads()])
    except CannotRun as error:
        if os.environ.get("MACHINAMI_SERVERS") == "required":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def redirecting_server(panoramax_server):
    """(url, storage_url): the same photos from a server that redirects to a storage host for every picture."""
    with redirecting(panoramax_server.instance) as urls:
        yield urls
