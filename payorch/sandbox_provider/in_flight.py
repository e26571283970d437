"""Requests that are being worked on now, so that a second one with the same key is told to wait."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from payorch.sandbox_provider.api_errors import conflict


class InFlight:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fingerprints: dict[tuple[str, str], str] = {}

    def __len__(self) -> int:
        return len(self._fingerprints)

    @contextmanager
    def claim(self, account: str, key: str | None, fingerprint: str) -> Iterator[None]:
        """Holds the key for the block; raises ApiRefusal 409 when another request holds it."""
        if key is None:
            yield
            return
        name = (account, key)
        with self._lock:
            other = self._fingerprints.get(name)
            if other is None:
                self._fingerprints[name] = fingerprint
        if other is not None:
            if other != fingerprint:
                raise key_reused()
            raise conflict(
                "idempotency_in_flight",
                "A request with this idempotency key is being processed.",
                retry_after_s=1,
            )
        try:
            yield
        finally:
            with self._lock:
                del self._fingerprints[name]


def key_reused() -> Exception:
    return conflict("idempotency_mismatch", "This idempotency key was used with another request.")
