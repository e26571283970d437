"""One background thread that works when something is due, or when it is told to look again."""

import sqlite3
import threading
from collections.abc import Callable

import structlog

_log = structlog.get_logger(__name__)

# After an error of the ledger's file: soon enough for a demo, seldom enough for its log.
_PAUSE_AFTER_ERROR_S = 1.0


class Alarm:
    """`wake` may be called from any thread, also inside a ledger transaction.

    The thread then asks the ledger what is due. The ledger lets it wait until that transaction
    has ended, so what woke the thread is there to be seen.
    """

    def __init__(self, name: str, now: Callable[[], float]) -> None:
        self._name, self._now = name, now
        self._awake = threading.Event()

    def wake(self) -> None:
        self._awake.set()

    def start(self, *, next_due_at: Callable[[], float | None], run: Callable[[], object]) -> None:
        """Calls `run` whenever `next_due_at` (epoch seconds, or None) has come.

        `run` has to take what it did off the list, or it is called again at once.
        """
        threading.Thread(
            target=self._watch, args=(next_due_at, run), name=self._name, daemon=True
        ).start()

    def _watch(self, next_due_at: Callable[[], float | None], run: Callable[[], object]) -> None:
        while True:
            # Cleared before the look, so that a call in between is not lost.
            self._awake.clear()
            try:
                due_at = next_due_at()
                if due_at is not None and due_at <= self._now():
                    run()
                    continue
            except sqlite3.Error as error:
                _log.error("practice_ledger_failed", thread=self._name, error=str(error))
                due_at = self._now() + _PAUSE_AFTER_ERROR_S
            self._awake.wait(None if due_at is None else due_at - self._now())
