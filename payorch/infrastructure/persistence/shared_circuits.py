"""The circuits that all processes share: each change is a short transaction of its own.

A change locks the provider's row, decides by the domain's rules, and raises the configuration's
revision where others have to learn of it. Times are the database's own on PostgreSQL, where
several hosts share them; on SQLite, which serves one host, the application's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from payorch.application.circuit_board import CircuitReading, IncidentEnd, ProbeAnswer
from payorch.application.ports import Clock
from payorch.domain.circuit import FAILURES, NOT_CALLED, CircuitSettings, Evidence
from payorch.domain.errors import CircuitChangedMeanwhile
from payorch.domain.outcome import NotSentReason
from payorch.domain.shared_circuit import Hold, OpenedBecause, SharedCircuit
from payorch.infrastructure.persistence import circuit_incidents as incidents
from payorch.infrastructure.persistence.circuit_rows import circuit_from, circuit_values
from payorch.infrastructure.persistence.configuration_revision import bump_revision
from payorch.infrastructure.persistence.database import UtcDateTime
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables import ProviderCircuitRow, TransactionRow

_CIRCUITS = select(ProviderCircuitRow.__table__)
_CIRCUIT = _CIRCUITS.where(ProviderCircuitRow.provider_code == bindparam("code"))

_DATABASE_NOW = select(func.clock_timestamp(type_=UtcDateTime()).label("now"))

_PROVED_LATER = (NotSentReason.PROVED_CANCELLED.value, NotSentReason.PROVED_ABSENT.value)
"""What the ladder found out of a call that failed; it stands where the failure's reason stood."""

_ATTEMPTS = (
    select(TransactionRow.technical_reason, TransactionRow.redirect_url.is_(None), func.count())
    .where(
        # The index on this one finds the last half minute, however many attempts there are.
        TransactionRow.changed_at > bindparam("since", type_=UtcDateTime()),
        and_(
            TransactionRow.answered_at > bindparam("since", type_=UtcDateTime()),
            TransactionRow.provider_code == bindparam("code"),
        ),
    )
    .group_by(TransactionRow.technical_reason, TransactionRow.redirect_url.is_(None))
)


class SqlAlchemySharedCircuits:
    """Satisfies SharedCircuits and CircuitHolds."""

    def __init__(
        self, transactions: LedgerTransactions, clock: Clock, settings: CircuitSettings
    ) -> None:
        self._transactions = transactions
        self._clock = clock
        self._settings = settings

    def load(self) -> CircuitReading:
        with self._transactions.read() as connection:
            now = self._now(connection)
            rows = connection.execute(_CIRCUITS).mappings().all()
        return CircuitReading({row["provider_code"]: circuit_from(row) for row in rows}, now)

    def circuit(self, provider_code: str) -> SharedCircuit:
        with self._transactions.read() as connection:
            row = connection.execute(_CIRCUIT, {"code": provider_code}).mappings().first()
        return SharedCircuit(provider_code) if row is None else circuit_from(row)

    def evidence(self, provider_code: str, *, window_s: float) -> Evidence:
        with self._transactions.read() as connection:
            since = self._now(connection) - timedelta(seconds=window_s)
            row = connection.execute(_CIRCUIT, {"code": provider_code}).mappings().first()
            if row is not None and row["closed_at"] is not None:
                since = max(since, row["closed_at"])
            counts = connection.execute(_ATTEMPTS, {"since": since, "code": provider_code}).all()
        return _evidence([(reason, is_direct, n) for reason, is_direct, n in counts])

    def open(
        self,
        provider_code: str,
        *,
        because: OpenedBecause,
        evidence: Evidence,
        for_s: float,
        seen_by: str,
    ) -> CircuitReading:
        with self._changing(provider_code) as (connection, circuit, now):
            changed = circuit.opened(
                now, because=because, evidence=evidence, for_s=for_s, seen_by=seen_by
            )
            if changed is not None and changed.opening is not None:
                _store(connection, changed)
                incidents.note_opening(connection, provider_code, changed.opening)
        return _reading(changed or circuit, now)

    def take_probe(self, provider_code: str, *, lease_s: float) -> ProbeAnswer:
        with self._changing(provider_code) as (connection, circuit, now):
            probed = circuit.with_probe(now, lease_s=lease_s)
            if probed is not None:
                _store(connection, probed, tell=False)
        token = None if probed is None else probed.probe_token
        return ProbeAnswer(token, _reading(probed or circuit, now))

    def pass_probe(self, provider_code: str, *, token: int) -> CircuitReading:
        with self._changing(provider_code) as (connection, circuit, now):
            changed = circuit.after_passed_probe(now, token=token, settings=self._settings)
            if changed is not None:
                is_closed = changed.version != circuit.version
                _store(connection, changed, tell=is_closed)
                if is_closed:
                    incidents.note_closing(connection, provider_code, now)
        return _reading(changed or circuit, now)

    def fail_probe(
        self,
        provider_code: str,
        *,
        token: int,
        failure: str,
        at_least_s: float,
        seen_by: str,
    ) -> CircuitReading:
        with self._changing(provider_code) as (connection, circuit, now):
            changed = circuit.after_failed_probe(
                now,
                token=token,
                failure=failure,
                settings=self._settings,
                seen_by=seen_by,
                at_least_s=at_least_s,
            )
            if changed is not None:
                _store(connection, changed)
                if circuit.opening is None and changed.opening is not None:
                    incidents.note_opening(connection, provider_code, changed.opening)
                else:
                    incidents.note_failed_probe(connection, provider_code)
        return _reading(changed or circuit, now)

    def hold(self, provider_code: str, hold: Hold, *, seen_version: int) -> None:
        with self._changing(provider_code) as (connection, circuit, now):
            if circuit.version != seen_version:
                raise CircuitChangedMeanwhile(
                    "This circuit changed while you were deciding. Look at it again."
                )
            _store(connection, circuit.held(hold))
            incidents.note_hold(connection, provider_code, hold, now)
            insert_entry(
                connection,
                actor=hold.held_by,
                action=f"hold_circuit_{hold.kind.value}",
                subject=f"circuit:{provider_code}",
                reason=hold.reason,
                before={"hold": _journalled(circuit.hold_at(now))},
                after={"hold": _journalled(hold)},
                at=hold.since,
            )

    def release(self, provider_code: str, *, actor: str, reason: str, at: datetime) -> bool:
        with self._changing(provider_code) as (connection, circuit, now):
            held = circuit.hold_at(now)
            if held is None:
                return False
            _store(connection, circuit.released())
            incidents.note_hold_ended(connection, provider_code, IncidentEnd.RELEASED, now)
            insert_entry(
                connection,
                actor=actor,
                action="release_circuit",
                subject=f"circuit:{provider_code}",
                reason=reason,
                before={"hold": _journalled(held)},
                after={"hold": None},
                at=at,
            )
        return True

    @contextmanager
    def _changing(self, provider_code: str) -> Iterator[tuple[Connection, SharedCircuit, datetime]]:
        """The circuit, locked, and the time: read after the lock, so that it never runs back."""
        with self._transactions.write() as connection:
            locked = _CIRCUIT.with_for_update()
            row = connection.execute(locked, {"code": provider_code}).mappings().first()
            if row is None:
                _create(connection, provider_code)
                row = connection.execute(locked, {"code": provider_code}).mappings().one()
            yield connection, circuit_from(row), self._now(connection)

    def _now(self, connection: Connection) -> datetime:
        if not self._transactions.uses_database_clock:
            return self._clock.now()
        now: datetime = connection.execute(_DATABASE_NOW).one().now
        return now


def _create(connection: Connection, provider_code: str) -> None:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    values = circuit_values(SharedCircuit(provider_code))
    connection.execute(
        dialect.insert(ProviderCircuitRow)
        .values(provider_code=provider_code, **values)
        .on_conflict_do_nothing()
    )


def _store(connection: Connection, circuit: SharedCircuit, *, tell: bool = True) -> None:
    connection.execute(
        update(ProviderCircuitRow)
        .where(ProviderCircuitRow.provider_code == circuit.provider_code)
        .values(**circuit_values(circuit))
    )
    if tell:
        bump_revision(connection)


def _reading(circuit: SharedCircuit, now: datetime) -> CircuitReading:
    return CircuitReading({circuit.provider_code: circuit}, now)


def _evidence(counts: list[tuple[str | None, bool, int]]) -> Evidence:
    calls = 0
    reasons: dict[str, int] = {}
    for reason, is_direct, number in counts:
        if reason in NOT_CALLED:
            continue
        calls += number
        # A payment that a customer did not finish on the provider's page was cancelled as well.
        if reason in FAILURES or (reason in _PROVED_LATER and is_direct):
            reasons[reason] = reasons.get(reason, 0) + number
    return Evidence(calls, sum(reasons.values()), reasons)


def _journalled(hold: Hold | None) -> dict[str, str] | None:
    if hold is None:
        return None
    return {
        "kind": hold.kind.value,
        "until": hold.until.isoformat(),
        "by": hold.held_by,
        "reason": hold.reason,
    }
