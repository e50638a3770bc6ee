from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machinami.dates import parse_date

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found", "precision"),
    [
        ("2014", "2014", "year"),
        (" 2014-07 ", "2014-07", "month"),
        ("2014-7", "2014-07", "month"),
        ("2014-07-09", "2014-07-09", "day"),
        ("2014:07:09 23:59:59", "2014-07-09", "day"),
        ("2014-07-09T12:00:00", "2014-07-09", "day"),
        ("2014-07-09T12:00:00Z", "2014-07-09T12:00:00Z", "second"),
        ("2024-07-09 03:25:24.045000+02:00", "2024-07-09T01:25:24Z", "second"),
        ("2014:07:09 01:00:00+09:00", "2014-07-08T16:00:00Z", "second"),
        ("2014-12-31T23:30:00-10:00", "2015-01-01T09:30:00Z", "second"),
        ("1990", "1990", "year"),
    ],
)
def test_forms(text, found, precision):
    date = parse_date(text, now=NOW)
    assert (date.text, date.precision) == (found, precision)


@pytest.mark.parametrize(
    "text",
    [
        "0000:00:00 00:00:00", "1970-01-01", "1989", "1989-12", "1980-01-01T00:00:00Z", "2027", "2026-12",
        "2026-12-01", "2026-11-25T00:00:00Z", "318857-01-01", "9999-12-31",
    ],
)  # fmt: skip
def test_what_cannot_be_is_unknown(text):
    assert parse_date(text, now=NOW) is None


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2014-13", "2014-00", "2014-02-30", "07/09/2014", "2014:07", "1720495404045", "2014-07-09T25:00"],
)
def test_what_is_no_date_is_an_error(text):
    with pytest.raises(ValueError):
        parse_date(text, now=NOW)


@given(st.datetimes(datetime(1991, 1, 1), datetime(2025, 1, 1)), st.integers(-14, 14))  # noqa: DTZ001  local ones
def test_a_time_with_an_offset_is_that_moment(moment, hours):
    sign = "-" if hours < 0 else "+"
    date = parse_date(f"{moment.replace(microsecond=0).isoformat()}{sign}{abs(hours):02}:00", now=NOW)
    there = datetime.fromisoformat(date.text)
    assert (moment.replace(microsecond=0, tzinfo=UTC) - there).total_seconds() == hours * 3600
