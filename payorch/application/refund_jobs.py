"""The jobs that belong to a refund: sending it, telling the customer, telling the staff."""

from datetime import datetime

from payorch.application.jobs import ALERT_STAFF, NOTIFY_CUSTOMER, SEND_REFUND, NewJob
from payorch.domain.refund import Refund, RefundId

SEND_KEY = "send_refund"
"""Keys of these jobs: {SEND_KEY}:{refund}:{token}, and {...}:{hour} of those of a pass."""


def send_job(
    refund_id: RefundId,
    provider_code: str,
    token: int,
    *,
    run_at: datetime | None = None,
    hour: str | None = None,
) -> NewJob:
    """Carries the refund on. Each try bumps the token, so there is one job per try to come.

    A pass over what is due names its `hour`: a job that died may be followed by another one then.
    """
    key = f"{SEND_KEY}:{refund_id}:{token}"
    return NewJob(
        SEND_REFUND,
        {"refund": refund_id, "sends": True},
        dedup_key=key if hour is None else f"{key}:{hour}",
        run_at=run_at,
        destination=provider_code,
    )


def notice(refund: Refund) -> NewJob:
    payload = {"order": refund.order_id, "event": "refunded", "refund": refund.id}
    return NewJob(NOTIFY_CUSTOMER, payload, dedup_key=f"notify:refunded:{refund.id}")


def staff_alert(name: str, refund: Refund, once_per: str) -> NewJob:
    payload = {
        "alert": name,
        "order": refund.order_id,
        "refund": refund.id,
        "provider": refund.provider_code,
    }
    return NewJob(ALERT_STAFF, payload, dedup_key=f"alert:{name}:{refund.id}:{once_per}")
