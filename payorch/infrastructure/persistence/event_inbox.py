"""The inbox of provider events on SQL: an event and its job are written together, or not at all."""

from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Update, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from payorch.application.jobs import PROCESS_EVENT, NewJob
from payorch.application.ports import Checkpoint
from payorch.application.provider_events import (
    UNFINISHED_EVENT_STATES,
    EventClaim,
    EventNews,
    EventState,
    EventSubject,
    ProviderEvent,
    StoredEvent,
)
from payorch.infrastructure.persistence.database import UtcDateTime
from payorch.infrastructure.persistence.job_statements import insert_jobs
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables import WebhookEventRow

SOURCE_WEBHOOK = "webhook"
_CLAIM = "claim"
"""Kept in the body: what the event says, in our words."""

_ONE_OF_A_KIND = ["provider_code", "event_id"]

_INSERTS: dict[str, Any] = {
    "sqlite": sqlite_insert(WebhookEventRow)
    .on_conflict_do_nothing(index_elements=_ONE_OF_A_KIND)
    .returning(WebhookEventRow.id),
    "postgresql": postgresql_insert(WebhookEventRow)
    .on_conflict_do_nothing(index_elements=_ONE_OF_A_KIND)
    .returning(WebhookEventRow.id),
}

# The table, not the entity: a bare entity would be loaded as one through the ORM.
_BY_KEY = select(WebhookEventRow.__table__).where(WebhookEventRow.id == bindparam("key"))

_CLOSE: Update = (
    update(WebhookEventRow)
    .where(
        WebhookEventRow.id == bindparam("key"),
        WebhookEventRow.state.in_(sorted(UNFINISHED_EVENT_STATES)),
    )
    .values(
        state=bindparam("new_state", type_=WebhookEventRow.state.type),
        note=bindparam("new_note"),
        processed_at=bindparam("at", type_=UtcDateTime()),
    )
)


_CONCLUDE = (
    update(WebhookEventRow)
    .where(WebhookEventRow.id == bindparam("key"), WebhookEventRow.state == EventState.ALERTED)
    .values(
        state=EventState.NO_CHANGE,
        note=bindparam("new_note"),
        processed_at=bindparam("at", type_=UtcDateTime()),
    )
    .returning(WebhookEventRow.provider_code, WebhookEventRow.event_id)
)
MAX_NOTE = 300


class SqlAlchemyEventInbox:
    def __init__(self, transactions: LedgerTransactions, checkpoint: Checkpoint) -> None:
        self._transactions = transactions
        self._checkpoint = checkpoint

    def receive(self, provider_code: str, event: ProviderEvent, *, at: datetime) -> bool:
        with self._transactions.write() as connection:
            insert = _INSERTS[connection.dialect.name]
            key = connection.execute(insert, _values(provider_code, event, at)).scalar()
            if key is None:
                return False
            self._checkpoint("event_stored")
            job = NewJob(
                PROCESS_EVENT,
                {"event": key},
                dedup_key=f"process_event:{key}",
                destination=provider_code,
            )
            insert_jobs(connection, [job], at=at)
        return True

    def find(self, key: int) -> StoredEvent | None:
        with self._transactions.read() as connection:
            row = connection.execute(_BY_KEY, {"key": key}).mappings().first()
        return None if row is None else _stored(row)

    def close(self, key: int, news: EventNews, *, at: datetime) -> bool:
        parameters = {"key": key, "new_state": news.state, "new_note": news.note, "at": at}
        with self._transactions.write() as connection:
            if connection.execute(_CLOSE, parameters).rowcount == 0:
                return False
            insert_jobs(connection, news.jobs, at=at)
        return True

    def conclude(self, key: int, *, actor: str, reason: str, at: datetime) -> bool:
        note = f"Dealt with by {actor}: {reason}"[:MAX_NOTE]
        with self._transactions.write() as connection:
            found = connection.execute(_CONCLUDE, {"key": key, "new_note": note, "at": at}).first()
            if found is None:
                return False
            insert_entry(
                connection,
                actor=actor,
                action="provider_event.conclude",
                subject=f"{found.provider_code}/{found.event_id}",
                reason=reason,
                before={"state": EventState.ALERTED.value},
                after={"state": EventState.NO_CHANGE.value},
                at=at,
            )
        return True


def _values(provider_code: str, event: ProviderEvent, at: datetime) -> dict[str, Any]:
    return {
        "provider_code": provider_code,
        "event_id": event.event_id,
        "event_type": event.event_type,
        "source": SOURCE_WEBHOOK,
        "subject": event.subject.value,
        "provider_reference": event.provider_reference,
        "our_reference": event.our_reference,
        "body": {**event.excerpt, _CLAIM: event.claim.value},
        "state": EventState.RECEIVED,
        "received_at": at,
    }


def _stored(row: RowMapping) -> StoredEvent:
    body = dict(row["body"])
    claim = EventClaim(body.pop(_CLAIM, EventClaim.OTHER))
    event = ProviderEvent(
        event_id=row["event_id"],
        event_type=row["event_type"],
        subject=EventSubject(row["subject"]),
        provider_reference=row["provider_reference"],
        our_reference=row["our_reference"],
        claim=claim,
        excerpt=body,
    )
    return StoredEvent(
        row["id"], row["provider_code"], event, EventState(row["state"]), row["received_at"]
    )
