"""Background work put together: payorch's own jobs, and what a worker needs to run all of them."""

from collections.abc import Mapping

from payorch.application.background_work import (
    purge_jobs_handler,
    reconcile_handler,
    settle_transaction_handler,
)
from payorch.application.jobs import (
    HOUR_S,
    PURGE_JOBS,
    RECONCILE,
    SETTLE_TRANSACTION,
    JobHandler,
    Schedule,
)
from payorch.application.reconcile import ReconcileUseCase
from payorch.infrastructure.jobs import Background
from payorch.wiring.base import Base

RECONCILE_EVERY_S = 5.0

SCHEDULES = (Schedule(RECONCILE, RECONCILE_EVERY_S), Schedule(PURGE_JOBS, HOUR_S))


def own_handlers(reconcile: ReconcileUseCase) -> dict[str, JobHandler]:
    return {
        RECONCILE.name: reconcile_handler(reconcile),
        SETTLE_TRANSACTION.name: settle_transaction_handler(reconcile),
    }


def background_work(
    base: Base,
    *,
    handlers: Mapping[str, JobHandler],
    schedules: tuple[Schedule, ...] = (),
) -> Background:
    """`handlers` and `schedules` are all parts' own; purging comes on top."""
    all_schedules = (*SCHEDULES, *schedules)
    purge = purge_jobs_handler(base.jobs, base.clock, all_schedules)
    return Background(
        queue=base.jobs,
        handlers={**handlers, PURGE_JOBS.name: purge},
        schedules=all_schedules,
        clock=base.clock,
        random=base.ids.random,
        checkpoint=base.checkpoint,
    )
