"""What runs beside the web processes, and how everything comes to rest when the sky is clear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from payorch.domain.errors import LedgerUnavailable

if TYPE_CHECKING:
    from tests.simulation.lives import Life
    from tests.simulation.world import World

RECOVERY_STEPS_S = (20, 20, 40, 70, 330, 1000, 4000, 25_000, 90_000)
"""Somewhat more than the reconciler's own pauses between two looks at one payment."""

REVIEW_AFTER_S = 8 * 86_400


def start_worker(life: Life) -> None:
    """`payorch reconcile --every ...`"""
    world = life.world

    def work() -> None:
        while True:
            world.scheduler.sleep(world.chance.choice((5, 20, 45)))
            run_once(life)

    world.scheduler.spawn(f"{life.name} reconciles", work, life)


def run_once(life: Life) -> None:
    """One pass of everything that runs in the background."""
    try:
        report = life.wired.reconcile.execute()
    except (LedgerUnavailable, SQLAlchemyError):
        life.world.note("the books are away")
        return
    if report.broken:
        life.world.find("the reconciler broke on a transaction")


def recover(world: World, life: Life) -> None:
    """The sky is clear: run until nothing is open, or until it is a case for people."""
    for step_s in RECOVERY_STEPS_S:
        world.scheduler.sleep(step_s)
        run_once(life)
        if not world.books.has_open():
            return
    world.scheduler.sleep(REVIEW_AFTER_S)
    run_once(life)
