"""Background jobs at work: the worker's loop, its schedules, and the same in a caller's thread.

Whatever runs them - `payorch worker`, a thread in each web process, a test - needs one
`Background`, which the wiring makes.
"""

from payorch.infrastructure.jobs.background import Background
from payorch.infrastructure.jobs.drain import drain, run_for
from payorch.infrastructure.jobs.worker import Worker

__all__ = ["Background", "Worker", "drain", "run_for"]
