from datetime import UTC, datetime

import pytest

from payorch.infrastructure.gateways.retry_after import retry_after_s

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 1 ", 1.0),
        ("Sun, 22 Nov 2026 12:01:30 GMT", 90.0),
        (None, None),
        ("", None),
        ("0", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("9" * 400, None),
        ("soon", None),
        ("Sun, 22 Nov 2026 11:00:00 GMT", None),
        ("Sun, 22 Nov 2026 12:01:30", None),
    ],
)
def test_seconds_or_a_date_and_nothing_else(text, seconds):
    assert retry_after_s(text, NOW) == seconds
