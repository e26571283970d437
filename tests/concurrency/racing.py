"""Threads that start at the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from payorch.domain.errors import PayorchError


def race(*runners: Callable[[], Any]) -> list[Any]:
    """What each runner returned, or the PayorchError that it was refused with.

    Anything else that a runner raises fails the test.
    """
    barrier = Barrier(len(runners))

    def run(runner: Callable[[], Any]) -> Any:
        barrier.wait(30)
        try:
            return runner()
        except PayorchError as refusal:
            return refusal

    with ThreadPoolExecutor(len(runners)) as pool:
        return list(pool.map(run, runners))
