from datetime import UTC, datetime

import pytest

from machinami.catalog import Photo
from machinami.check.times import doubt_date

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("taken", "precision", "uploaded", "doubt"),
    [
        (None, None, "2020-01-01T00:00:00Z", None),
        ("2019-05", "month", None, None),
        ("1989", "year", None, "impossible-date"),
        ("1990", "year", None, None),
        ("0000", "year", None, "impossible-date"),
        ("2026-06-02T11:00:00Z", "second", None, None),
        ("2026-06-03", "day", None, "impossible-date"),
        ("2027", "year", None, "impossible-date"),
        ("2020-01-01T10:00:00Z", "second", "2020-01-01T10:00:00Z", "upload-date"),
        ("2020-01-01T10:00:01Z", "second", "2020-01-01T10:00:00Z", "upload-date"),
        ("2020-01-01T09:59:59Z", "second", "2020-01-01T10:00:00Z", None),
        ("2020-01-01", "day", "2020-01-01T10:00:00Z", None),
        ("2020-01-02", "day", "2020-01-01T10:00:00Z", "upload-date"),
        ("2020-01-01T10:00:00Z", "second", "2020-01-01", None),
        ("2020", "year", "2020-01-01", None),
        ("2021", "year", "2020-01-01", "upload-date"),
    ],
)
def test_dates_that_cannot_be(taken, precision, uploaded, doubt):
    photo = Photo(source="s", source_id="1", captured_at=taken, captured_precision=precision, uploaded_at=uploaded)
    assert doubt_date(photo, now=NOW) == doubt
