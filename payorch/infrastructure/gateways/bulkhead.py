"""A limit on how many threads of this process wait for one provider."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore


class Bulkhead:
    """At most `max_concurrency` calls at once; a full one refuses instead of queueing."""

    def __init__(self, max_concurrency: int) -> None:
        self._places = BoundedSemaphore(max_concurrency)

    @contextmanager
    def place(self) -> Iterator[bool]:
        """True when the caller may go in."""
        is_in = self._places.acquire(blocking=False)
        try:
            yield is_in
        finally:
            if is_in:
                self._places.release()
