"""Background jobs as the use cases see them: what to do later, and how often to try.

A job is enqueued in the transaction of its cause, so that either both exist or neither. It may
run twice and on any machine: every handler is idempotent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

MINUTE_S = 60
HOUR_S = 3600
DAY_S = 24 * HOUR_S


@dataclass(frozen=True, slots=True)
class JobKind:
    """`delays_s` are the pauses before each further try; after the last one the job is dead.

    A queue has its own places in every worker, so that one kind of work cannot starve another.
    """

    name: str
    queue: str
    delays_s: tuple[float, ...]

    @property
    def max_attempts(self) -> int:
        return len(self.delays_s) + 1


PATIENT_DELAYS_S = (5, 30, 2 * MINUTE_S, 10 * MINUTE_S, 30 * MINUTE_S, 2 * HOUR_S, 6 * HOUR_S)

SETTLE_TRANSACTION = JobKind("settle_transaction", "reconcile", (1, 5, 15, MINUTE_S, 5 * MINUTE_S))
"""One check of one transaction at its provider."""

EVENT_DELAYS_S = (
    *(2, 5, 10, 30, 2 * MINUTE_S, 10 * MINUTE_S, 30 * MINUTE_S, HOUR_S, 2 * HOUR_S),
    *(3 * HOUR_S,) * 10,
)
"""More than a day: for so long an event without a match is matched again (reliability.md, F34)."""

PROCESS_EVENT = JobKind("process_event", "webhooks", EVENT_DELAYS_S)
"""Follow up one event of the inbox."""

SEND_REFUND = JobKind("send_refund", "refunds", (2, 10, 30, *PATIENT_DELAYS_S[2:]))
"""Send one refund that is STARTED, or look it up when it was sent."""

APPLY_REVIEW = JobKind("apply_review", "reconcile", (2, 10, 30, *PATIENT_DELAYS_S[2:]))
"""Settle a transaction as two people of the staff have concluded."""

APPLY_REFUND_REVIEW = JobKind("apply_refund_review", APPLY_REVIEW.queue, APPLY_REVIEW.delays_s)
"""The same for a refund."""

VERIFY = JobKind("verify", "upkeep", (MINUTE_S, 5 * MINUTE_S))
"""Check the books against their invariants."""

COMPARE_PROVIDERS = JobKind("compare_providers", "comparison", (5 * MINUTE_S,))
"""Hold the books against the providers' own. It takes minutes, so it has a queue of its own."""

EXPIRE_ORDERS = JobKind("expire_orders", "upkeep", (30,))
"""Close the orders whose time to pay is over."""

EVALUATE_ALERTS = JobKind("evaluate_alerts", "upkeep", (15,))
"""Look at the numbers as the alert rules say."""

ADAPT_ROUTING = JobKind("adapt_routing", "upkeep", (15,))
"""One step of the adaptive shares."""

IMPORT_SETTLEMENT = JobKind(
    "import_settlement", "settlements", (5, 30, 2 * MINUTE_S, 10 * MINUTE_S)
)
"""Read a part of a provider's settlement report; the last batch of it enqueues the next part."""

UNDO_SETTLEMENT = JobKind("undo_settlement", IMPORT_SETTLEMENT.queue, IMPORT_SETTLEMENT.delays_s)
"""Take a part of an imported settlement report back; it enqueues the next part."""

WATCH_TRIALS = JobKind("watch_trials", "upkeep", (MINUTE_S,))
"""Keep the counts of the running trial of a routing policy."""

NOTIFY_CUSTOMER = JobKind("notify_customer", "mail", PATIENT_DELAYS_S)
"""Write and send the e-mail about one event of an order."""

ALERT_STAFF = JobKind("alert_staff", "mail", PATIENT_DELAYS_S)
"""Tell the staff about something that needs them."""


RECONCILE = JobKind("reconcile", "reconcile", (5, 15, MINUTE_S, 5 * MINUTE_S))
"""Enqueue a check of each open transaction that is due."""

RECONCILE_REFUNDS = JobKind("reconcile_refunds", "refunds", (5, 15, MINUTE_S))
"""Enqueue the open refunds whose next check is due."""

PURGE_JOBS = JobKind("purge_jobs", "upkeep", (MINUTE_S, 10 * MINUTE_S))
"""Delete jobs that were done long ago."""

PURGE_STAFF_SESSIONS = JobKind("purge_staff_sessions", "upkeep", (MINUTE_S, 10 * MINUTE_S))
"""Delete staff sessions that were over long ago."""


SEAL_PERSONAL_DATA = JobKind("seal_personal_data", "upkeep", (MINUTE_S, 10 * MINUTE_S))
"""Seal personal data that is in the clear or sealed with a former key."""

ERASE_OLD_CUSTOMERS = JobKind("erase_old_customers", "upkeep", (MINUTE_S, 10 * MINUTE_S))
"""Erase the personal data of orders that were over long ago."""


def job_kinds() -> dict[str, JobKind]:
    """Every kind of this module by its name."""
    return {kind.name: kind for kind in globals().values() if isinstance(kind, JobKind)}


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to enqueue. `payload` is JSON and never holds card data.

    With a `dedup_key` that exists already nothing is enqueued. `run_at` None means at once.
    `destination` is the host or provider the job will talk to.
    """

    kind: JobKind
    payload: Mapping[str, object] = field(default_factory=dict)
    dedup_key: str | None = None
    run_at: datetime | None = None
    destination: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed job as its handler gets it. `attempts` counts this one."""

    id: int
    kind: str
    payload: Mapping[str, object]
    attempts: int


class RetryLater(Exception):
    """Raised by a handler: not done, try again after `delay_s` or after the kind's own delay."""

    def __init__(self, reason: str, *, delay_s: float | None = None) -> None:
        super().__init__(reason)
        self.delay_s = delay_s


class GiveUp(Exception):
    """Raised by a handler: trying again cannot help. The job is dead and shown to ops."""


JobHandler = Callable[[Job], None]
"""Done when it returns. Any other exception is tried again like RetryLater."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job that is due every `every_s` seconds, once per fire time however many workers tick.

    Fire times are whole multiples of `every_s`. Those that passed while no worker ran, or while
    an earlier fire still waits or runs, are not made up for: one fire does it all.
    """

    kind: JobKind
    every_s: float
