"""Staff sessions in the database; a session that was ended is never opened again."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, ScalarSelect, delete, insert, select, update

from payorch.application.staff_sessions import NewSession, SessionEnd, StaffSession
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables.staff import StaffRow
from payorch.infrastructure.persistence.tables.staff_sessions import (
    MAX_ADDRESS,
    MAX_DEVICE,
    StaffSessionRow,
)

WHY_ENDED: dict[SessionEnd, str] = {
    SessionEnd.ENDED_BY_OWNER: "at their own wish",
    SessionEnd.ENDED_BY_STAFF: "by an administrator",
    SessionEnd.ACCOUNT_CLOSED: "the account was closed",
    SessionEnd.PASSWORD_CHANGED: "the password was changed",
    SessionEnd.ROLE_REMOVED: "a role was taken away",
    SessionEnd.FACTOR_CHANGED: "the second factor was changed",
}

_IS_OPEN = StaffSessionRow.revoked_at.is_(None)


class SqlAlchemyStaffSessions:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def open(self, session: NewSession) -> None:
        with self._transactions.write() as connection:
            connection.execute(
                insert(StaffSessionRow).values(
                    public_id=f"ss_{secrets.token_hex(12)}",
                    key_hash=session.key_hash,
                    staff_id=_staff_id(session.staff),
                    address=session.address[:MAX_ADDRESS],
                    device=session.device[:MAX_DEVICE],
                    has_second_factor=session.has_second_factor,
                    created_at=session.at,
                    last_seen_at=session.at,
                    verified_at=session.at,
                )
            )

    def by_key(self, key_hash: str, *, former_since: datetime) -> StaffSession | None:
        is_former = (StaffSessionRow.former_key_hash == key_hash) & (
            StaffSessionRow.renewed_at >= former_since
        )
        with self._transactions.read() as connection:
            row = connection.execute(
                _sessions().where((StaffSessionRow.key_hash == key_hash) | is_former)
            ).one_or_none()
        return None if row is None else _session(row)

    def seen(self, public_id: str, *, at: datetime) -> None:
        with self._transactions.write() as connection:
            connection.execute(
                update(StaffSessionRow)
                .where(
                    StaffSessionRow.public_id == public_id,
                    StaffSessionRow.last_seen_at < at,
                    _IS_OPEN,
                )
                .values(last_seen_at=at)
            )

    def renew(self, public_id: str, key_hash: str, *, at: datetime, with_factor: bool) -> None:
        values: dict[str, object] = {"has_second_factor": True} if with_factor else {}
        with self._transactions.write() as connection:
            connection.execute(
                update(StaffSessionRow)
                .where(StaffSessionRow.public_id == public_id, _IS_OPEN)
                .values(
                    former_key_hash=StaffSessionRow.key_hash,
                    key_hash=key_hash,
                    renewed_at=at,
                    verified_at=at,
                    last_seen_at=at,
                    **values,
                )
            )

    def of_staff(self, staff: str) -> Sequence[StaffSession]:
        with self._transactions.read() as connection:
            rows = connection.execute(
                _sessions()
                .where(StaffRow.email == staff, _IS_OPEN)
                .order_by(StaffSessionRow.last_seen_at.desc(), StaffSessionRow.id.desc())
            ).all()
        return [_session(row) for row in rows]

    def log_out(self, public_id: str, *, at: datetime) -> None:
        with self._transactions.write() as connection:
            connection.execute(
                update(StaffSessionRow)
                .where(StaffSessionRow.public_id == public_id, _IS_OPEN)
                .values(revoked_at=at, revoked_why=SessionEnd.LOGGED_OUT)
            )

    def end(self, staff: str, public_id: str, why: SessionEnd, *, by: str, at: datetime) -> bool:
        with self._transactions.write() as connection:
            return bool(end_sessions(connection, staff, why, by=by, at=at, only=public_id))

    def end_all(
        self, staff: str, why: SessionEnd, *, by: str, at: datetime, keep: str | None = None
    ) -> int:
        with self._transactions.write() as connection:
            return end_sessions(connection, staff, why, by=by, at=at, keep=keep)

    def purge(self, *, opened_before: datetime, limit: int) -> int:
        old = (
            select(StaffSessionRow.id)
            .where(StaffSessionRow.created_at < opened_before)
            .order_by(StaffSessionRow.created_at)
            .limit(limit)
        )
        with self._transactions.write() as connection:
            return connection.execute(
                delete(StaffSessionRow).where(StaffSessionRow.id.in_(old.scalar_subquery()))
            ).rowcount


def end_sessions(
    connection: Connection,
    staff: str,
    why: SessionEnd,
    *,
    by: str,
    at: datetime,
    keep: str | None = None,
    only: str | None = None,
) -> int:
    """In the caller's transaction: end and journal the open sessions of `staff`; how many."""
    end = (
        update(StaffSessionRow)
        .where(StaffSessionRow.staff_id == _staff_id(staff), _IS_OPEN)
        .values(revoked_at=at, revoked_by=by, revoked_why=why)
        .returning(StaffSessionRow.device, StaffSessionRow.address)
    )
    if keep is not None:
        end = end.where(StaffSessionRow.public_id != keep)
    if only is not None:
        end = end.where(StaffSessionRow.public_id == only)
    ended = connection.execute(end).all()
    if ended:
        insert_entry(
            connection,
            actor=by,
            action="staff_sessions_ended",
            subject=f"staff:{staff}"[:120],
            reason=WHY_ENDED[why],
            before=None,
            after={"sessions": [f"{row.device}, {row.address}" for row in ended]},
            at=at,
        )
    return len(ended)


def _staff_id(email: str) -> ScalarSelect[int]:
    return select(StaffRow.id).where(StaffRow.email == email).scalar_subquery()


def _sessions() -> Any:
    return select(
        StaffSessionRow.public_id,
        StaffRow.email,
        StaffRow.fs_uniquifier,
        StaffSessionRow.created_at,
        StaffSessionRow.last_seen_at,
        StaffSessionRow.verified_at,
        StaffSessionRow.address,
        StaffSessionRow.device,
        StaffSessionRow.has_second_factor,
        StaffSessionRow.revoked_why,
    ).join(StaffRow, StaffRow.id == StaffSessionRow.staff_id)


def _session(row: Row[Any]) -> StaffSession:
    return StaffSession(
        public_id=row.public_id,
        staff=row.email,
        account_key=row.fs_uniquifier,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        verified_at=row.verified_at,
        address=row.address,
        device=row.device,
        has_second_factor=row.has_second_factor,
        end=row.revoked_why,
    )
