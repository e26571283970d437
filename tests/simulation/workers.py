"""What runs beside the web processes, and how everything comes to rest when the sky is clear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from payorch.application.jobs import NOTIFY_CUSTOMER, RECONCILE, RECONCILE_REFUNDS, Job
from payorch.application.verify_ledger import TIMELESS_KINDS
from payorch.domain.errors import LedgerUnavailable
from payorch.infrastructure.jobs import drain

if TYPE_CHECKING:
    from tests.simulation.lives import Life
    from tests.simulation.world import World

RECOVERY_STEPS_S = (20, 20, 40, 70, 330, 1000, 4000, 8000, 25_000, 90_000)
"""Somewhat more than the pauses between two looks at one payment, or two tries of one job."""

MAIL = NOTIFY_CUSTOMER
"""Letters are written elsewhere: they take most of the time and move no money."""

SHARE_OF_COMMANDS = 0.2

REVIEW_AFTER_S = 8 * 86_400


def start_worker(life: Life) -> None:
    """`payorch worker`"""
    world = life.world

    def work() -> None:
        while True:
            world.scheduler.sleep(world.chance.choice((10, 45, 120)))
            run_once(life)

    world.scheduler.spawn(f"{life.name} works", work, life)


def run_once(life: Life) -> None:
    """One pass of what runs in the background: the sweeps, and every job that is due; now and
    then somebody runs `payorch reconcile` as well.
    """
    background = life.wired.background
    try:
        if life.world.chance.random() < SHARE_OF_COMMANDS:
            life.wired.reconcile.execute()
        for sweep in (RECONCILE, RECONCILE_REFUNDS):
            background.handlers[sweep.name](_NO_JOB)
        queues = background.queue.due_queues(
            [queue for queue in background.queues if queue != MAIL.queue],
            kinds=background.handlers.keys(),
        )
        if queues:
            drain(background, queues=sorted(queues))
    except (LedgerUnavailable, SQLAlchemyError):
        life.world.note("the books are away")


def recover(world: World, life: Life) -> None:
    """The sky is clear: run until nothing is open, or until it is a case for people."""
    for step_s in RECOVERY_STEPS_S:
        world.scheduler.sleep(step_s)
        run_once(life)
        if not world.books.is_work_left() and not world.scheduler.has_plans():
            break
    if world.books.has_open():
        world.scheduler.sleep(REVIEW_AFTER_S)
        run_once(life)
    for error in life.wired.verify.execute(since=None, kinds=TIMELESS_KINDS).errors:
        world.find(f"{error.violation.subject}: {error.rule.says}")


_NO_JOB = Job(id=0, kind=RECONCILE_REFUNDS.name, payload={}, attempts=1)
