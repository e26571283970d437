"""A worker inside a web process, for an installation that runs nothing else.

Start it after the fork: a thread does not survive one. Every web process may have one, because
claims keep workers apart.
"""

import threading
from collections.abc import Mapping

from payorch.infrastructure.jobs.background import Background
from payorch.infrastructure.jobs.worker import Worker

PATIENCE_AT_END_S = 10.0


class EmbeddedWorker(threading.Thread):
    def __init__(self, background: Background, *, places: Mapping[str, int]) -> None:
        super().__init__(name="payorch-worker", daemon=True)
        self._worker = Worker(background, places=places)

    def run(self) -> None:
        self._worker.run(patience_s=PATIENCE_AT_END_S)

    def stop(self) -> None:
        """Claim nothing more, and let running jobs end."""
        self._worker.stop()
        self.join(PATIENCE_AT_END_S + 1.0)


def start_embedded_worker(background: Background, *, places: Mapping[str, int]) -> EmbeddedWorker:
    thread = EmbeddedWorker(background, places=places)
    thread.start()
    return thread
