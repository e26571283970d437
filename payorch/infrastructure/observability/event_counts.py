"""How many provider events came to this process, by provider and by what became of them."""

from collections import Counter
from collections.abc import Mapping
from threading import Lock

import structlog

from payorch.application.receive_provider_event import TOO_MANY_REFUSED

_log = structlog.get_logger("payorch.webhooks")

_NOT_LOGGED = frozenset({"received", "duplicate", TOO_MANY_REFUSED})
"""What is past the limit was logged while it was within, and should not fill the disk."""


class EventCounts:
    """Thread-safe. Refused events are logged as well: somebody may be forging them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[tuple[str, str]] = Counter()

    def note(self, provider: str, result: str) -> None:
        with self._lock:
            self._counts[provider, result] += 1
        if result not in _NOT_LOGGED:
            _log.warning("webhook_refused", provider=provider, reason=result)

    def snapshot(self) -> Mapping[tuple[str, str], int]:
        """Numbers by (provider, result) since this process started."""
        with self._lock:
            return dict(self._counts)
