"""Second factors in the database. One statement takes each code, so that none counts twice."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from payorch.application.second_factor import Enrolment, StoredFactor
from payorch.application.staff_sessions import SessionEnd
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.staff_sessions import end_sessions
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

    def factor_of(self, staff: str) -> StoredFactor | None:
        codes_left = (
            select(func.count())
            .where(
                RecoveryCodeRow.staff_id == StaffFactorRow.staff_id,
                RecoveryCodeRow.used_at.is_(None),
            )
            .scalar_subquery()
        )
        with self._transactions.read() as connection:
            row = connection.execute(
                select(
                    StaffFactorRow.public_id,
                    StaffFactorRow.sealed,
                    StaffFactorRow.last_step,
                    StaffFactorRow.enrolled_at,
                    codes_left.label("codes_left"),
                )
                .join(StaffRow, StaffRow.id == StaffFactorRow.staff_id)
                .where(StaffRow.email == staff, StaffFactorRow.kind == FactorKind.TOTP)
            ).one_or_none()
        if row is None:
            return None
        return StoredFactor(
            public_id=row.public_id,
            sealed=row.sealed,
            last_step=row.last_step,
            enrolled_at=row.enrolled_at,
            recovery_codes_left=row.codes_left,
        )

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
            left = connection.scalar(
                select(func.count()).where(
                    RecoveryCodeRow.staff_id == staff_id, RecoveryCodeRow.used_at.is_(None)
                )
            )
            after: dict[str, object] = {"recovery_codes_left": left}
            _journal(connection, "recovery_code_used", staff, OWN_WISH, after, by=staff, at=at)
        return True

    def enrol(self, enrolment: Enrolment) -> bool:
        try:
            with self._transactions.write() as connection:
                _enrol(connection, enrolment)
        except IntegrityError:
            return False
        return True

    def renew_codes(self, staff: str, code_hashes: Sequence[str], *, at: datetime) -> bool:
        with self._transactions.write() as connection:
            staff_id = _staff_id(connection, staff)
            has_factor = select(StaffFactorRow.id).where(StaffFactorRow.staff_id == staff_id)
            if connection.scalar(has_factor) is None:
                return False
            _replace_codes(connection, staff_id, code_hashes, at)
            after: dict[str, object] = {"recovery_codes_left": len(code_hashes)}
            _journal(connection, "recovery_codes_made", staff, OWN_WISH, after, by=staff, at=at)
        return True

    def remove(
        self, staff: str, *, by: str, reason: str, keep_session: str | None, at: datetime
    ) -> bool:
        with self._transactions.write() as connection:
            return remove_factor(
                connection, staff, by=by, reason=reason, keep_session=keep_session, at=at
            )


def remove_factor(
    connection: Connection,
    staff: str,
    *,
    by: str,
    reason: str,
    at: datetime,
    keep_session: str | None = None,
) -> bool:
    """In the caller's transaction; False when there was no factor."""
    staff_id = _staff_id(connection, staff)
    gone = connection.execute(delete(StaffFactorRow).where(StaffFactorRow.staff_id == staff_id))
    if gone.rowcount == 0:
        return False
    connection.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.staff_id == staff_id))
    _journal(connection, "second_factor_removed", staff, reason, None, by=by, at=at)
    _end_sessions(connection, staff, by=by, keep=keep_session, at=at)
    return True


def _enrol(connection: Connection, enrolment: Enrolment) -> None:
    staff, at = enrolment.staff, enrolment.at
    staff_id = _staff_id(connection, staff)
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
    _replace_codes(connection, staff_id, enrolment.code_hashes, at)
    after: dict[str, object] = {"kind": FactorKind.TOTP.value}
    _journal(connection, "second_factor_enrolled", staff, OWN_WISH, after, by=staff, at=at)
    _end_sessions(connection, staff, by=staff, keep=enrolment.keep_session, at=at)


def _replace_codes(
    connection: Connection, staff_id: int | None, code_hashes: Sequence[str], at: datetime
) -> None:
    connection.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.staff_id == staff_id))
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


def _journal(
    connection: Connection,
    action: str,
    staff: str,
    reason: str,
    after: dict[str, object] | None,
    *,
    by: str,
    at: datetime,
) -> None:
    insert_entry(
        connection,
        actor=by,
        action=action,
        subject=f"staff:{staff}"[:120],
        reason=reason,
        before=None,
        after=after,
        at=at,
    )
