"""A worker as a process of its own, for tests that kill it:

python -m tests.infrastructure.jobs.worker_process DATABASE_URL FOLDER

Its handler writes each try to a file in FOLDER, then waits until a file `go` is there.
"""

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from payorch.application.jobs import Job
from payorch.infrastructure.jobs import Worker
from payorch.infrastructure.system_clock import SystemClock
from tests.databases import open_database
from tests.infrastructure.jobs.work import Garden

LEASE_S = 2.0
LONGEST_S = 60


def main(url: str, folder: Path) -> None:
    def handle(job: Job) -> None:
        (folder / f"try-{job.id}-{job.attempts}-{os.getpid()}").touch()
        until = time.monotonic() + LONGEST_S
        while not (folder / "go").exists() and time.monotonic() < until:
            time.sleep(0.02)

    with open_database(url) as database:
        background = Garden(database, SystemClock()).background(handle, lease_s=LEASE_S)
        worker = Worker(background, places={"garden": 1}, poll_s=0.05)

        def stop(_signal: int, _frame: FrameType | None) -> None:
            worker.stop()

        signal.signal(signal.SIGTERM, stop)
        (folder / f"ready-{os.getpid()}").touch()
        sys.exit(worker.run(patience_s=LONGEST_S))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
