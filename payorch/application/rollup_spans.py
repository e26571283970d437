"""The stretches of time in which the rollup is recounted, one transaction each."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from payorch.application.metrics_window import MINUTE

Span = tuple[datetime, datetime]
"""[start, end)"""

MAX_SPAN = timedelta(hours=1)
"""Longest stretch of changed minutes that one transaction recounts: payments on SQLite wait for
each other's writes, and so they do for this one."""

MAX_SPAN_ATTEMPTS = 2_000
"""Where everything is recounted, quiet hours go together up to about so many attempts."""


def spans_of(minutes: Sequence[datetime]) -> Iterator[Span]:
    """Sorted minutes as [start, end) spans without a gap, none longer than MAX_SPAN."""
    start: datetime | None = None
    end: datetime | None = None
    for minute in minutes:
        if start is not None and end is not None and minute == end and end - start < MAX_SPAN:
            end = minute + MINUTE
            continue
        if start is not None and end is not None:
            yield start, end
        start, end = minute, minute + MINUTE
    if start is not None and end is not None:
        yield start, end
