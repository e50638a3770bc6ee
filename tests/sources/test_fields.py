import math
from datetime import UTC, datetime

import pytest

from machinami.errors import HostBlocked, SourceError
from machinami.geo import LatLon
from machinami.sources.fields import (
    heading_of,
    id_of,
    judge_json,
    number_of,
    position_of,
    read_object,
    table_of,
    text_of,
    whole_of,
)
from machinami.sources.manners import TryAgain
from machinami.sources.transport import Answer

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HUGE = int("9" * 400)


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (text_of, "  a\nb\x00c ", "a b"),
        (text_of, "\ud800", None),  # half a character: no database takes it
        (text_of, 17, "17"),
        (text_of, HUGE, None),
        (text_of, True, None),
        (text_of, ["a"], None),
        (number_of, "12.5", 12.5),
        (number_of, 3, 3.0),
        (number_of, HUGE, None),
        (number_of, math.inf, None),
        (number_of, "nan", None),
        (number_of, "", None),
        (number_of, True, None),
        (number_of, {}, None),
        (whole_of, "640", 640),
        (whole_of, 640.5, None),
        (whole_of, -1, None),
        (whole_of, 1e30, None),
        (id_of, 2406369572905907, "2406369572905907"),
        (id_of, "tu510ie_z4ptBZYo2BGEJg", "tu510ie_z4ptBZYo2BGEJg"),
        (id_of, "../me", None),
        (id_of, "1?fields=id", None),
        (id_of, "", None),
        (id_of, 1.5, None),
        (heading_of, 360, 0.0),
        (heading_of, "74.00", 74.0),
        (heading_of, -1, None),
        (heading_of, 361, None),
        (table_of, {"a": 1}, {"a": 1}),
        (table_of, [1], {}),
        (table_of, None, {}),
    ],
)
def test_any_type_of_field(read, value, expected):
    assert read(value) == expected


def test_positions_that_can_be():
    assert position_of("35.5", 139.25) == LatLon(35.5, 139.25)
    for lat, lon in ((0, 0), (91, 0), (35.5, 181), (None, 139), ("", ""), ([35.5], 139), (35.5, math.nan)):
        assert position_of(lat, lon) is None


@pytest.mark.parametrize("body", [b"", b"[1]", b"null", b"{", b"\xff", b"[" * 100_000, b"1" * 5000, b'{"a":1}x'])
def test_what_is_no_object(body):
    assert read_object(body) is None


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(status=200, body=b"{}"), type(None)),
        (Answer(status=200, headers={"content-type": "text/html"}, body=b'{"a": 1}'), type(None)),
        (Answer(status=200, headers={"content-type": "text/html"}, body=b"Log in"), HostBlocked),
        (Answer(status=200, body=b"\n<!DOCTYPE html>"), HostBlocked),
        (Answer(status=200, body=b'{"a": '), TryAgain),
        (Answer(status=200, body=b"[]"), TryAgain),
        (Answer(status=503, body=b"<html>"), TryAgain),
        (Answer(status=302, body=b""), HostBlocked),
        (Answer(status=418, body=b"{}"), SourceError),
    ],
)
def test_judging_what_must_be_json(answer, kind):
    assert type(judge_json(answer, host="example.org", now=NOW)) is kind
