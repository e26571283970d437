"""One try of one job: call its handler and write down what became of it."""

from enum import StrEnum

import structlog

from payorch.application.job_queue import ClaimedJob
from payorch.application.jobs import GiveUp, RetryLater
from payorch.infrastructure.jobs.background import Background
from payorch.infrastructure.observability.redaction import redact_text

JITTER = 0.2
"""Delays differ by up to this share both ways, so that jobs that failed together do not come
back together."""

_log = structlog.get_logger("payorch.jobs")


class JobEnd(StrEnum):
    DONE = "done"
    RETRIED = "retried"
    DEAD = "dead"
    FENCED = "fenced"


def run_job(background: Background, claimed: ClaimedJob) -> JobEnd:
    """Raises LedgerUnavailable when the end could not be recorded: the lease will run out, and
    the job runs again.
    """
    background.checkpoint("job_claimed")
    try:
        background.handlers[claimed.job.kind](claimed.job)
    except GiveUp as fact:
        end = _bury(background, claimed, redact_text(str(fact)))
    except RetryLater as wish:
        end = _retry(background, claimed, redact_text(str(wish)), delay_s=wish.delay_s)
    except Exception as error:  # noqa: BLE001 - the others in the queue must go on
        _log.exception("job_broke", **_facts(claimed))
        text = redact_text(f"{type(error).__name__}: {error}")
        end = _retry(background, claimed, text, delay_s=None)
    else:
        background.checkpoint("job_handled")
        is_recorded = background.queue.complete(claimed)
        end = JobEnd.DONE if is_recorded else JobEnd.FENCED
    if end is JobEnd.FENCED:
        _log.warning("job_fenced", **_facts(claimed))
    return end


def _retry(
    background: Background, claimed: ClaimedJob, error: str, *, delay_s: float | None
) -> JobEnd:
    if claimed.is_last_attempt:
        return _bury(background, claimed, error)
    if delay_s is None:
        delay_s = _delay_s(background, claimed)
    is_recorded = background.queue.retry(claimed, delay_s=delay_s, error=error)
    return JobEnd.RETRIED if is_recorded else JobEnd.FENCED


def _bury(background: Background, claimed: ClaimedJob, error: str) -> JobEnd:
    if not background.queue.bury(claimed, error=error):
        return JobEnd.FENCED
    _log.error("job_dead", **_facts(claimed), error=error)
    return JobEnd.DEAD


def _delay_s(background: Background, claimed: ClaimedJob) -> float:
    """The kind's own pause after this attempt, with jitter."""
    delays_s = background.kinds[claimed.job.kind].delays_s
    base_s = delays_s[min(claimed.job.attempts, len(delays_s)) - 1] if delays_s else 0.0
    return base_s * (1 - JITTER + 2 * JITTER * background.random())


def _facts(claimed: ClaimedJob) -> dict[str, str | int]:
    return {
        "job": claimed.job.id,
        "kind": claimed.job.kind,
        "attempt": claimed.job.attempts,
        "of": claimed.max_attempts,
    }
