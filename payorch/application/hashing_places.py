"""How many passwords one process checks at the same moment.

Each check takes 64 MiB and a fifth of a second of several cores: without a cap, logins alone could
take the memory and the threads that payments need. Who comes waits in turn for a moment, and is
then told to come again. Nothing here knows whose password it is, so it tells nobody who exists.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock

from payorch.domain.login_errors import LoginBusy

WAIT_S = 3.0
"""Long enough for all who wait before, at a fifth of a second each; short for a person."""

WAITING_PER_PLACE = 3
"""Who waits keeps one of the threads that payments need as well."""

_RETRY_AFTER_S = 2


class HashingPlaces:
    """`places` at once; all others in the order in which they came."""

    def __init__(
        self, places: int, *, wait_s: float = WAIT_S, waiting_per_place: int = WAITING_PER_PLACE
    ) -> None:
        self._free = places
        self._wait_s = wait_s
        self._longest_line = places * waiting_per_place
        self._line: deque[Event] = deque()
        self._lock = Lock()

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for as long as the block runs. Raises LoginBusy when there is none in time."""
        self._take()
        try:
            yield
        finally:
            self._pass_on()

    @property
    def waiting(self) -> int:
        with self._lock:
            return len(self._line)

    def _take(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            if len(self._line) >= self._longest_line:
                raise _busy()
            turn = Event()
            self._line.append(turn)
        if turn.wait(self._wait_s):
            return
        with self._lock:
            if turn in self._line:
                self._line.remove(turn)
                raise _busy()
        # The place was passed on in the moment in which the waiting ended: it is ours.

    def _pass_on(self) -> None:
        """To who has waited longest. It is free at no moment: nobody gets past the line."""
        with self._lock:
            if self._line:
                self._line.popleft().set()
            else:
                self._free += 1


def _busy() -> LoginBusy:
    return LoginBusy(
        "Too many logins are being checked at this moment.", retry_after_s=_RETRY_AFTER_S
    )
