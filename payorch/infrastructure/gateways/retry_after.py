"""The Retry-After header: seconds or a date (RFC 9110, 10.2.3)."""

from datetime import datetime
from email.utils import parsedate_to_datetime

MAX_DIGITS = 9


def retry_after_s(text: str | None, now: datetime) -> float | None:
    """How many seconds to wait from `now`; None when the header is missing, odd or in the past."""
    text = (text or "").strip()
    if text.isascii() and text.isdecimal():
        seconds = float(text) if len(text) <= MAX_DIGITS else 0.0
    else:
        try:
            seconds = (parsedate_to_datetime(text) - now).total_seconds()
        except (ValueError, TypeError):
            # TypeError: a date without a time zone.
            return None
    return seconds if seconds > 0 else None
