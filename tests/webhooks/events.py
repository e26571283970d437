"""Events as the practice provider signs them, and the jobs that follow them up, run by hand."""

import base64
import hmac
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from payorch.application.jobs import PROCESS_EVENT, Job, RetryLater
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.tables import JobRow, WebhookEventRow
from payorch.infrastructure.persistence.tables.jobs import JobState

_numbers = itertools.count(1)


def secret_of(account: str) -> str:
    return f"practice_whsec_{account}"


def signed(secret: str | bytes, message_id: str, timestamp: int, body: bytes) -> str:
    key = secret.encode() if isinstance(secret, str) else secret
    content = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode()


def a_payment_object(our_reference: str, **fields: object) -> dict[str, object]:
    return {
        "id": f"alpha_pay_{next(_numbers)}",
        "object": "payment",
        "account": "alpha",
        "reference": our_reference,
        "amount": 1999,
        "currency": "EUR",
        "status": "approved",
        "card": {"brand": "visa", "bin": "424242", "last4": "4242"},
    } | fields


@dataclass(frozen=True)
class Event:
    """One event; `headers` and `body` are what is posted. Change what a test is about."""

    data: dict[str, Any]
    at: int
    type: str = ""
    account: str = "alpha"
    secret: str | bytes = ""
    id: str = field(default_factory=lambda: f"evt_{next(_numbers)}")

    @property
    def body(self) -> bytes:
        kind = self.type or f"{self.data.get('object', 'payment')}.{self.data['status']}"
        return json.dumps(
            {
                "id": self.id,
                "type": kind,
                "created": "2026-11-22T12:00:00.000000+00:00",
                "account": self.account,
                "data": self.data,
            },
            ensure_ascii=False,
        ).encode()

    @property
    def signature(self) -> str:
        return signed(self.secret or secret_of(self.account), self.id, self.at, self.body)

    @property
    def headers(self) -> dict[str, str]:
        return {
            "content-type": "application/json",
            "webhook-id": self.id,
            "webhook-timestamp": str(self.at),
            "webhook-signature": self.signature,
        }


def rows(database: Database, table: Any) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(select(table.__table__).order_by(table.id)).all())


def event_rows(database: Database) -> list[Any]:
    return rows(database, WebhookEventRow)


def job_rows(database: Database, kind: str | None = None) -> list[Any]:
    return [job for job in rows(database, JobRow) if kind in {None, job.kind}]


def run_event_jobs(database: Database, handler: Callable[[Job], None], *, now: Any) -> list[str]:
    """Runs each PROCESS_EVENT job that is due once; "done", or why it is to be tried again."""
    results = []
    for row in job_rows(database, PROCESS_EVENT.name):
        if row.state is not JobState.READY or row.run_at > now:
            continue
        attempts = row.attempts + 1
        changed: dict[str, Any] = {"state": JobState.DONE}
        try:
            handler(Job(row.id, row.kind, row.payload, attempts))
            results.append("done")
        except RetryLater as later:
            results.append(str(later))
            delay_s = later.delay_s
            if delay_s is None:
                delay_s = PROCESS_EVENT.delays_s[attempts - 1]
            changed = {"run_at": now + timedelta(seconds=delay_s)}
        with database.tx() as connection:
            connection.execute(
                update(JobRow).where(JobRow.id == row.id).values(attempts=attempts, **changed)
            )
    return results
