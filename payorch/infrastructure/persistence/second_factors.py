"""Second factors in the database. One statement takes each code, so that none counts twice."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from payorch.application.second_factor import (
    Enrolment,
    FactorState,
    Passkey,
    Removal,
    StoredFactor,
)
from payorch.application.staff_sessions import SessionEnd
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.staff_sessions import end_sessions
from payorch.infrastructure.persistence.tables.passkeys import StaffPasskeyRow
from payorch.infrastructure.persistence.tables.second_factors import (
    FactorKind,
    RecoveryCodeRow,
    StaffFactorRow,
)
from payorch.infrastructure.persistence.tables.staff import StaffRow

OWN_WISH = "at their own wish"


class SqlAlchemySecondFactors:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def state(self, staff: str) -> FactorState | None:
        with self._transactions.read() as connection:
            staff_id = _staff_id(connection, staff)
            enrolled_at = connection.scalar(
                select(StaffFactorRow.enrolled_at).where(StaffFactorRow.staff_id == staff_id)
            )
            passkeys = connection.execute(
                select(
                    StaffPasskeyRow.public_id,
                    StaffPasskeyRow.name,
                    StaffPasskeyRow.created_at,
                    StaffPasskeyRow.last_used_at,
                )
                .where(StaffPasskeyRow.staff_id == staff_id)
                .order_by(StaffPasskeyRow.id)
            ).all()
            if enrolled_at is None and not passkeys:
                return None
            codes_left = _codes_left(connection, staff_id)
        return FactorState(
            enrolled_at=enrolled_at,
            recovery_codes_left=codes_left,
            passkeys=tuple(Passkey(**row._mapping) for row in passkeys),  # noqa: SLF001 - SQLAlchemy's public name for it
        )

    def factor_of(self, staff: str) -> StoredFactor | None:
        with self._transactions.read() as connection:
            row = connection.execute(
                select(
                    StaffFactorRow.public_id,
                    StaffFactorRow.sealed,
                    StaffFactorRow.last_step,
                )
                .join(StaffRow, StaffRow.id == StaffFactorRow.staff_id)
                .where(StaffRow.email == staff, StaffFactorRow.kind == FactorKind.TOTP)
            ).one_or_none()
        if row is None:
            return None
        return StoredFactor(public_id=row.public_id, sealed=row.sealed, last_step=row.last_step)

    def take_step(self, public_id: str, step: int) -> bool:
        with self._transactions.write() as connection:
            taken = connection.execute(
                update(StaffFactorRow)
                .where(StaffFactorRow.public_id == public_id, StaffFactorRow.last_step < step)
                .values(last_step=step)
            )
        return taken.rowcount == 1

    def take_recovery_code(self, staff: str, code_hash: str, *, at: datetime) -> bool:
        with self._transactions.write() as connection:
            staff_id = _staff_id(connection, staff)
            taken = connection.execute(
                update(RecoveryCodeRow)
                .where(
                    RecoveryCodeRow.code_hash == code_hash,
                    RecoveryCodeRow.staff_id == staff_id,
                    RecoveryCodeRow.used_at.is_(None),
                )
                .values(used_at=at)
            )
            if taken.rowcount == 0:
                return False
            after: dict[str, object] = {"recovery_codes_left": _codes_left(connection, staff_id)}
            journal_factor(
                connection, "recovery_code_used", staff, OWN_WISH, after, by=staff, at=at
            )
        return True

    def enrol(self, enrolment: Enrolment) -> bool:
        try:
            with self._transactions.write() as connection:
                return _enrol(connection, enrolment)
        except IntegrityError:
            return False

    def renew_codes(self, staff: str, code_hashes: Sequence[str], *, at: datetime) -> bool:
        with self._transactions.write() as connection:
            staff_id = _staff_id(connection, staff)
            if not has_app(connection, staff_id) and not has_passkey(connection, staff_id):
                return False
            replace_codes(connection, staff_id, code_hashes, at)
            after: dict[str, object] = {"recovery_codes_left": len(code_hashes)}
            journal_factor(
                connection, "recovery_codes_made", staff, OWN_WISH, after, by=staff, at=at
            )
        return True

    def remove(
        self, staff: str, *, by: str, reason: str, keep_session: str | None, at: datetime
    ) -> bool:
        with self._transactions.write() as connection:
            return remove_factor(
                connection, staff, by=by, reason=reason, keep_session=keep_session, at=at
            )

    def remove_app(
        self, staff: str, *, may_be_last: bool, reason: str, keep_session: str | None, at: datetime
    ) -> Removal:
        with self._transactions.write() as connection:
            staff_id = locked_staff_id(connection, staff)
            if not has_app(connection, staff_id):
                return Removal.WAS_NONE
            is_last = not has_passkey(connection, staff_id)
            if is_last and not may_be_last:
                return Removal.IS_LAST
            connection.execute(delete(StaffFactorRow).where(StaffFactorRow.staff_id == staff_id))
            if is_last:
                forget_codes(connection, staff_id)
            journal_factor(
                connection, "second_factor_removed", staff, reason, None, by=staff, at=at
            )
            _end_sessions(connection, staff, by=staff, keep=keep_session, at=at)
        return Removal.DONE


def remove_factor(
    connection: Connection,
    staff: str,
    *,
    by: str,
    reason: str,
    at: datetime,
    keep_session: str | None = None,
) -> bool:
    """App, passkeys and codes, in the caller's transaction; False when there was no factor."""
    staff_id = locked_staff_id(connection, staff)
    gone = [
        connection.execute(delete(table).where(table.staff_id == staff_id)).rowcount
        for table in (StaffFactorRow, StaffPasskeyRow)
    ]
    if not any(gone):
        return False
    forget_codes(connection, staff_id)
    journal_factor(connection, "second_factor_removed", staff, reason, None, by=by, at=at)
    _end_sessions(connection, staff, by=by, keep=keep_session, at=at)
    return True


def _enrol(connection: Connection, enrolment: Enrolment) -> bool:
    staff, at = enrolment.staff, enrolment.at
    staff_id = locked_staff_id(connection, staff)
    if not enrolment.replaces and has_passkey(connection, staff_id):
        return False
    if enrolment.replaces:
        connection.execute(delete(StaffFactorRow).where(StaffFactorRow.staff_id == staff_id))
    connection.execute(
        insert(StaffFactorRow).values(
            public_id=enrolment.public_id,
            staff_id=staff_id,
            kind=FactorKind.TOTP,
            sealed=enrolment.sealed,
            last_step=enrolment.last_step,
            enrolled_at=at,
        )
    )
    replace_codes(connection, staff_id, enrolment.code_hashes, at)
    after: dict[str, object] = {"kind": FactorKind.TOTP.value}
    journal_factor(connection, "second_factor_enrolled", staff, OWN_WISH, after, by=staff, at=at)
    _end_sessions(connection, staff, by=staff, keep=enrolment.keep_session, at=at)
    return True


def locked_staff_id(connection: Connection, email: str) -> int | None:
    """Nobody else changes this person's factors until the transaction is over."""
    return connection.scalar(select(StaffRow.id).where(StaffRow.email == email).with_for_update())


def has_app(connection: Connection, staff_id: int | None) -> bool:
    return bool(connection.scalar(select(exists().where(StaffFactorRow.staff_id == staff_id))))


def has_passkey(connection: Connection, staff_id: int | None) -> bool:
    return bool(connection.scalar(select(exists().where(StaffPasskeyRow.staff_id == staff_id))))


def _codes_left(connection: Connection, staff_id: int | None) -> int:
    return (
        connection.scalar(
            select(func.count()).where(
                RecoveryCodeRow.staff_id == staff_id, RecoveryCodeRow.used_at.is_(None)
            )
        )
        or 0
    )


def forget_codes(connection: Connection, staff_id: int | None) -> None:
    connection.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.staff_id == staff_id))


def replace_codes(
    connection: Connection, staff_id: int | None, code_hashes: Sequence[str], at: datetime
) -> None:
    forget_codes(connection, staff_id)
    connection.execute(
        insert(RecoveryCodeRow),
        [
            {"staff_id": staff_id, "code_hash": code_hash, "made_at": at}
            for code_hash in code_hashes
        ],
    )


def _end_sessions(
    connection: Connection, staff: str, *, by: str, keep: str | None, at: datetime
) -> None:
    end_sessions(connection, staff, SessionEnd.FACTOR_CHANGED, by=by, at=at, keep=keep)


def _staff_id(connection: Connection, email: str) -> int | None:
    return connection.scalar(select(StaffRow.id).where(StaffRow.email == email))


def journal_factor(
    connection: Connection,
    action: str,
    staff: str,
    reason: str,
    after: dict[str, object] | None,
    *,
    by: str,
    at: datetime,
    before: dict[str, object] | None = None,
) -> None:
    insert_entry(
        connection,
        actor=by,
        action=action,
        subject=f"staff:{staff}"[:120],
        reason=reason,
        before=before,
        after=after,
        at=at,
    )
