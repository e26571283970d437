"""Keeps the metrics rollup up to date in a web process, beside its request threads.

Start it after the fork: a thread does not survive one. Every web process may have one; whoever
finds the rollup fresh, or another process at it, leaves it alone.
"""

import threading
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from payorch.application.metrics_rollup import MetricsRollup

_log = structlog.get_logger("payorch.rollup")


class RollupThread(threading.Thread):
    """Runs the rollup every `interval_s` seconds until `stop`, or the end of the process."""

    def __init__(self, rollup: MetricsRollup, *, interval_s: float) -> None:
        super().__init__(name="payorch-rollup", daemon=True)
        self._rollup = rollup
        self._interval_s = interval_s
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._rollup.run_if_older_than(timedelta(seconds=self._interval_s / 2))
            except SQLAlchemyError as error:
                # Charts read what is not rolled up from the transactions, so nothing is wrong
                # meanwhile; the next run catches up.
                _log.warning("rollup_failed", error=type(error).__name__)
            self._stopped.wait(self._interval_s)

    def stop(self, timeout_s: float = 5.0) -> None:
        self._stopped.set()
        self.join(timeout_s)


def start_rollup_thread(rollup: MetricsRollup, *, interval_s: float) -> RollupThread:
    thread = RollupThread(rollup, interval_s=interval_s)
    thread.start()
    return thread
