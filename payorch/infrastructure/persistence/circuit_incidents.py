"""Writes and reads the history of circuits. Every writer runs inside its change's transaction."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, or_, select, update
from sqlalchemy.sql.functions import coalesce

from payorch.application.circuit_board import CircuitIncident, IncidentEnd, IncidentKind
from payorch.application.ports import Clock
from payorch.domain.circuit import Evidence
from payorch.domain.shared_circuit import Hold, HoldKind, Opening
from payorch.infrastructure.persistence.circuit_rows import evidence_from, evidence_values
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables import CircuitIncidentRow

MAX_INCIDENTS = 1_000

_OPENINGS = (IncidentKind.FAILURES.value, IncidentKind.RATE_LIMITED.value)
_HOLDS = (IncidentKind.HELD_OPEN.value, IncidentKind.HELD_CLOSED.value)


def note_opening(connection: Connection, provider_code: str, opening: Opening) -> None:
    _insert(
        connection,
        provider_code=provider_code,
        kind=opening.because.value,
        began_at=opening.at,
        **evidence_values(opening.evidence),
        begun_by=opening.seen_by,
        reason="",
    )


def note_failed_probe(connection: Connection, provider_code: str) -> None:
    connection.execute(
        update(CircuitIncidentRow)
        .where(*_lasting(provider_code, _OPENINGS))
        .values(failed_probes=CircuitIncidentRow.failed_probes + 1)
    )


def note_closing(connection: Connection, provider_code: str, at: datetime) -> None:
    _end(connection, provider_code, _OPENINGS, IncidentEnd.PROBES, at)


def note_hold(connection: Connection, provider_code: str, hold: Hold, at: datetime) -> None:
    note_hold_ended(connection, provider_code, IncidentEnd.REPLACED, at)
    is_open = hold.kind is HoldKind.OPEN
    kind = IncidentKind.HELD_OPEN if is_open else IncidentKind.HELD_CLOSED
    _insert(
        connection,
        provider_code=provider_code,
        kind=kind.value,
        began_at=at,
        until_at=hold.until,
        **evidence_values(Evidence()),
        begun_by=hold.held_by,
        reason=hold.reason,
    )


def note_hold_ended(
    connection: Connection, provider_code: str, because: IncidentEnd, at: datetime
) -> None:
    """The hold that lasts at `at`; those that ran out have ended already."""
    _end(connection, provider_code, _HOLDS, because, at)


def _insert(connection: Connection, **values: Any) -> None:
    connection.execute(insert(CircuitIncidentRow).values(**values, failed_probes=0))


def _end(
    connection: Connection,
    provider_code: str,
    kinds: tuple[str, ...],
    because: IncidentEnd,
    at: datetime,
) -> None:
    connection.execute(
        update(CircuitIncidentRow)
        .where(
            *_lasting(provider_code, kinds),
            or_(CircuitIncidentRow.until_at.is_(None), CircuitIncidentRow.until_at > at),
        )
        .values(ended_at=at, ended_because=because.value)
    )


def _lasting(provider_code: str, kinds: tuple[str, ...]) -> tuple[Any, ...]:
    return (
        CircuitIncidentRow.provider_code == provider_code,
        CircuitIncidentRow.ended_at.is_(None),
        CircuitIncidentRow.kind.in_(kinds),
    )


class SqlAlchemyCircuitHistory:
    def __init__(self, transactions: LedgerTransactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    def circuit_incidents(
        self, since: datetime, until: datetime, *, provider_code: str | None = None
    ) -> tuple[CircuitIncident, ...]:
        ended_at = coalesce(CircuitIncidentRow.ended_at, CircuitIncidentRow.until_at)
        statement = (
            select(CircuitIncidentRow.__table__)
            .where(CircuitIncidentRow.began_at < until, or_(ended_at.is_(None), ended_at >= since))
            .order_by(CircuitIncidentRow.began_at.desc(), CircuitIncidentRow.id.desc())
            .limit(MAX_INCIDENTS)
        )
        if provider_code is not None:
            statement = statement.where(CircuitIncidentRow.provider_code == provider_code)
        with self._transactions.read() as connection:
            rows = connection.execute(statement).mappings().all()
        now = self._clock.now()
        return tuple(_incident(row, now) for row in reversed(rows))


def _incident(row: RowMapping, now: datetime) -> CircuitIncident:
    ended_at, ended_because = row["ended_at"], row["ended_because"]
    if ended_at is None and row["until_at"] is not None and row["until_at"] <= now:
        ended_at, ended_because = row["until_at"], IncidentEnd.EXPIRED.value
    return CircuitIncident(
        provider_code=row["provider_code"],
        kind=IncidentKind(row["kind"]),
        began_at=row["began_at"],
        ended_at=ended_at,
        ended_because=None if ended_because is None else IncidentEnd(ended_because),
        evidence=evidence_from(row),
        failed_probes=row["failed_probes"],
        begun_by=row["begun_by"],
        reason=row["reason"],
    )
