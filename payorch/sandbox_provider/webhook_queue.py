"""Events and their deliveries, as the ledger keeps them until the merchant has heard of them."""

import sqlite3
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

import orjson

from payorch.sandbox_provider.alarm import Alarm
from payorch.sandbox_provider.ledger import Ledger
from payorch.sandbox_provider.payment_record import iso

# Events of one payment go through one lane, one after the other; a merchant who lets one wait
# does not stop the events of all others.
LANES = 4

_INSERT_EVENT = """INSERT INTO events
    (id, account, type, payment_id, refund_id, is_genuine, body, created_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
_INSERT_DELIVERY = """INSERT INTO deliveries
    (event_number, payment_id, lane, kind, state, due_at, attempts, updated_at)
    VALUES (?, ?, ?, ?, ?, ?, 0, ?)"""
_NEXT_DUE_AT = "SELECT min(due_at) FROM deliveries WHERE lane = ? AND due_at IS NOT NULL"
_NEXT = """SELECT d.number, d.event_number, d.kind, d.attempts, e.id, e.account, e.payment_id,
    e.body FROM deliveries d JOIN events e ON e.number = d.event_number
    WHERE d.lane = ? AND d.due_at <= ? ORDER BY d.due_at, d.number LIMIT 1"""
# Numbers begin anew when the ledger is emptied, and a try may outlast that; ids do not come again.
_FINISH = """UPDATE deliveries SET state = ?, due_at = ?, attempts = ?, last_result = ?,
    updated_at = ? WHERE number = ? AND event_number = (SELECT number FROM events WHERE id = ?)"""
_RELEASE = """UPDATE deliveries SET state = 'waiting', due_at = ?, updated_at = ?
    WHERE state = 'held' AND payment_id = ? AND event_number < ?"""
_EVENTS = """SELECT number, id, account, type, payment_id, refund_id, is_genuine, body, created_at
    FROM events ORDER BY number"""
_DELIVERIES = """SELECT event_number, number, kind, state, due_at, attempts, last_result,
    updated_at FROM deliveries ORDER BY number"""


class DeliveryKind(StrEnum):
    PLAIN = "plain"
    DUPLICATE = "duplicate"
    # Its first try carries an old timestamp, correctly signed.
    STALE = "stale"
    # Signed with a secret that nobody has; tried once.
    FORGED = "forged"


class DeliveryState(StrEnum):
    WAITING = "waiting"
    # Until a newer event of the payment has been sent, or until `due_at`.
    HELD = "held"
    DROPPED = "dropped"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class PlannedDelivery:
    kind: DeliveryKind = DeliveryKind.PLAIN
    state: DeliveryState = DeliveryState.WAITING
    in_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    id: str
    account: str
    type: str
    payment_id: str
    refund_id: str | None
    is_genuine: bool
    body: str
    created_at: str


@dataclass(frozen=True, slots=True)
class DueDelivery:
    number: int
    event_number: int
    kind: str
    attempts: int
    event_id: str
    account: str
    payment_id: str
    body: str


class WebhookQueue:
    def __init__(self, ledger: Ledger, now: Callable[[], float]) -> None:
        self._ledger, self._now = ledger, now
        self.alarms = [Alarm(f"webhooks-{lane}", now) for lane in range(LANES)]

    def add(
        self, connection: sqlite3.Connection, event: Event, planned: list[PlannedDelivery]
    ) -> None:
        """Writes the event and what is to be sent of it, in the caller's transaction."""
        is_genuine = int(event.is_genuine)
        cursor = connection.execute(
            _INSERT_EVENT,
            (
                *(event.id, event.account, event.type, event.payment_id, event.refund_id),
                *(is_genuine, event.body, event.created_at),
            ),
        )
        for delivery in planned:
            self._plan(connection, cast("int", cursor.lastrowid), event.payment_id, delivery)

    def _plan(
        self,
        connection: sqlite3.Connection,
        event_number: int,
        payment_id: str,
        planned: PlannedDelivery,
    ) -> None:
        # A duplicate takes the next lane: it may arrive together with the first one.
        is_duplicate = planned.kind is DeliveryKind.DUPLICATE
        lane = (zlib.crc32(payment_id.encode()) + is_duplicate) % LANES
        due_at = None if planned.state is DeliveryState.DROPPED else self._now() + planned.in_s
        connection.execute(
            _INSERT_DELIVERY,
            (
                *(event_number, payment_id, lane, planned.kind, planned.state, due_at),
                iso(self._now()),
            ),
        )
        self.alarms[lane].wake()

    def send_again(self, event_id: str, kind: DeliveryKind) -> bool:
        """Whether there is such an event; one more delivery of it is due now."""
        with self._ledger.transaction() as connection:
            row = connection.execute(
                "SELECT number, payment_id FROM events WHERE id = ?", (event_id,)
            ).fetchone()
            if row is None:
                return False
            self._plan(connection, row[0], row[1], PlannedDelivery(kind))
            return True

    def latest_of(self, payment_id: str) -> str | None:
        """The id of the newest genuine event of a payment."""
        rows = self._ledger.rows(
            "SELECT id FROM events WHERE payment_id = ? AND is_genuine = 1"
            " ORDER BY number DESC LIMIT 1",
            (payment_id,),
        )
        return str(rows[0][0]) if rows else None

    def next_due_at(self, lane: int) -> float | None:
        return self._ledger.earliest(_NEXT_DUE_AT, (lane,))

    def next_due(self, lane: int) -> DueDelivery | None:
        rows = self._ledger.rows(_NEXT, (lane, self._now()))
        return DueDelivery(*rows[0]) if rows else None  # type: ignore[arg-type] # SQLite's types follow the schema

    def finish(
        self,
        delivery: DueDelivery,
        state: DeliveryState,
        *,
        result: str,
        next_in_s: float | None = None,
    ) -> None:
        """What became of a try; what was held back for this event may follow it now."""
        now = self._now()
        due_at = None if next_in_s is None else now + next_in_s
        with self._ledger.transaction() as connection:
            connection.execute(
                _FINISH,
                (
                    *(state, due_at, delivery.attempts + 1, result, iso(now)),
                    *(delivery.number, delivery.event_id),
                ),
            )
            connection.execute(
                _RELEASE, (now, iso(now), delivery.payment_id, delivery.event_number)
            )

    def waiting(self) -> int:
        rows = self._ledger.rows("SELECT count(*) FROM deliveries WHERE due_at IS NOT NULL")
        return int(str(rows[0][0]))

    def all(self) -> list[dict[str, object]]:
        """Every event with its deliveries, oldest first."""
        deliveries: dict[object, list[dict[str, object]]] = {}
        names = ("number", "kind", "state", "due_at", "attempts", "last_result", "updated_at")
        for event_number, *values in self._ledger.rows(_DELIVERIES):
            shown = dict(zip(names, values, strict=True))
            deliveries.setdefault(event_number, []).append(shown)
        heads = ("id", "account", "type", "payment_id", "refund_id")
        return [
            {
                **dict(zip(heads, head, strict=True)),
                "genuine": bool(is_genuine),
                "created": created_at,
                "data": orjson.loads(str(body))["data"],
                "deliveries": deliveries.get(number, []),
            }
            for number, *head, is_genuine, body, created_at in self._ledger.rows(_EVENTS)
        ]
