from datetime import UTC, datetime

import pytest

from machinami.retry import retry_after_s

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3", 3.0), ("0", 0.0), ("", None), ("soon", None), ("-3", None), ("1.5", None), ("٣", None),
        ("99999999999999999999", 1e6), ("Wed, 25 Nov 2026 12:00:30 GMT", 30.0), ("Wed, 25 Nov 2026 11:00:00 GMT", 0.0),
        ("Wed, 99 Nov 2026 11:00:00 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_a_number_or_a_date_or_nothing(text, seconds):
    assert retry_after_s({"retry-after": text}, now=NOW) == seconds


def test_without_the_header_nothing_is_asked_for():
    assert retry_after_s({}, now=NOW) is None
