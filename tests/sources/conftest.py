import json
from datetime import UTC, datetime

import pytest

from machinami.config import CollectConfig, SourceConfig
from machinami.sources.secret import Secret
from machinami.sources.setup import Setup
from machinami.sources.transport import Answer

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Script:
    """A transport that gives the answers written for it, in turn, and keeps the requests; its clock is its own."""

    def __init__(self):
        self.answers, self.requests, self.time_s = [], [], 0.0

    def send(self, request, *, deadline_s):
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def clock(self):
        return self.time_s

    def sleep(self, seconds):
        self.time_s += seconds

    def says(self, *answers):
        self.answers += answers


@pytest.fixture
def script():
    script = Script()
    yield script
    assert not script.answers, "answers that nobody asked for"


@pytest.fixture
def make_source(script):
    """A source that asks the script."""

    def make(source, *, base_url="", keys=None, **collect):
        return source(
            Setup(
                source=SourceConfig(kind=source.name, base_url=base_url),
                collect=CollectConfig(**collect),
                transport=script,
                keys={name: Secret(value) for name, value in (keys or {}).items()},
                clock=script.clock,
                sleep=script.sleep,
                now=lambda: NOW,
            )
        )

    return make


@pytest.fixture
def as_json():
    """An answer with a value as JSON."""

    def answer(value, status=200, **headers):
        kind = {"content-type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
        return Answer(status=status, headers=kind, body=json.dumps(value).encode())

    return answer


@pytest.fixture
def as_image():
    """An answer that looks like a JPEG, as far as its first bytes tell."""

    def answer(status=200, body=b"\xff\xd8\xff street"):
        return Answer(status=status, headers={"content-type": "image/jpeg"}, body=body)

    return answer
