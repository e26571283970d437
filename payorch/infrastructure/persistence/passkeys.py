"""Passkeys in the database. One statement takes each challenge, so that no answer counts twice."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, ScalarSelect, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from payorch.application.passkeys import CHALLENGE_LIVES, Credential, Registered, Registration
from payorch.application.second_factor import Removal
from payorch.application.staff_sessions import SessionEnd
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.second_factors import (
    OWN_WISH,
    forget_codes,
    has_app,
    has_passkey,
    journal_factor,
    locked_staff_id,
    replace_codes,
)
from payorch.infrastructure.persistence.staff_sessions import end_sessions
from payorch.infrastructure.persistence.tables.passkeys import StaffChallengeRow, StaffPasskeyRow
from payorch.infrastructure.persistence.tables.staff import StaffRow


class SqlAlchemyPasskeys:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def credentials_of(self, staff: str) -> Sequence[Credential]:
        with self._transactions.read() as connection:
            rows = connection.execute(
                select(
                    StaffPasskeyRow.credential_id,
                    StaffPasskeyRow.public_key,
                    StaffPasskeyRow.sign_count,
                    StaffPasskeyRow.transports,
                )
                .join(StaffRow, StaffRow.id == StaffPasskeyRow.staff_id)
                .where(StaffRow.email == staff)
                .order_by(StaffPasskeyRow.id)
            ).all()
        return [
            Credential(
                credential_id=row.credential_id,
                public_key=row.public_key,
                sign_count=row.sign_count,
                transports=tuple(filter(None, row.transports.split(","))),
            )
            for row in rows
        ]

    def keep_challenge(self, staff: str, challenge_hash: str, *, at: datetime) -> None:
        with self._transactions.write() as connection:
            connection.execute(
                delete(StaffChallengeRow).where(StaffChallengeRow.made_at < at - CHALLENGE_LIVES)
            )
            connection.execute(
                insert(StaffChallengeRow).values(
                    staff_id=_id_of(staff), challenge_hash=challenge_hash, made_at=at
                )
            )

    def take_challenge(self, staff: str, challenge_hash: str, *, since: datetime) -> bool:
        with self._transactions.write() as connection:
            taken = connection.execute(
                delete(StaffChallengeRow).where(
                    StaffChallengeRow.challenge_hash == challenge_hash,
                    StaffChallengeRow.staff_id == _id_of(staff),
                    StaffChallengeRow.made_at >= since,
                )
            )
        return taken.rowcount == 1

    def register(self, registration: Registration) -> Registered:
        try:
            with self._transactions.write() as connection:
                return _register(connection, registration)
        except IntegrityError:
            return Registered.NOT

    def note_use(self, credential_id: bytes, *, before: int, after: int, at: datetime) -> bool:
        with self._transactions.write() as connection:
            noted = connection.execute(
                update(StaffPasskeyRow)
                .where(
                    StaffPasskeyRow.credential_id == credential_id,
                    StaffPasskeyRow.sign_count == before,
                )
                .values(sign_count=after, last_used_at=at)
            )
        return noted.rowcount == 1

    def rename(self, staff: str, public_id: str, name: str, *, at: datetime) -> bool:
        with self._transactions.write() as connection:
            staff_id = locked_staff_id(connection, staff)
            is_it = (StaffPasskeyRow.staff_id == staff_id, StaffPasskeyRow.public_id == public_id)
            former = connection.scalar(select(StaffPasskeyRow.name).where(*is_it))
            if former is None:
                return False
            if former == name:
                return True
            connection.execute(update(StaffPasskeyRow).where(*is_it).values(name=name))
            journal_factor(
                connection,
                "passkey_renamed",
                staff,
                OWN_WISH,
                {"name": name},
                before={"name": former},
                by=staff,
                at=at,
            )
        return True

    def remove(
        self,
        staff: str,
        public_id: str,
        *,
        may_be_last: bool,
        keep_session: str | None,
        at: datetime,
    ) -> Removal:
        with self._transactions.write() as connection:
            staff_id = locked_staff_id(connection, staff)
            own = select(StaffPasskeyRow.public_id, StaffPasskeyRow.name).where(
                StaffPasskeyRow.staff_id == staff_id
            )
            names = {row.public_id: row.name for row in connection.execute(own)}
            if public_id not in names:
                return Removal.WAS_NONE
            is_last = len(names) == 1 and not has_app(connection, staff_id)
            if is_last and not may_be_last:
                return Removal.IS_LAST
            connection.execute(
                delete(StaffPasskeyRow).where(StaffPasskeyRow.public_id == public_id)
            )
            if is_last:
                forget_codes(connection, staff_id)
            removed = {"name": names[public_id]}
            journal_factor(connection, "passkey_removed", staff, OWN_WISH, removed, by=staff, at=at)
            end_sessions(
                connection, staff, SessionEnd.FACTOR_CHANGED, by=staff, at=at, keep=keep_session
            )
        return Removal.DONE


def _register(connection: Connection, registration: Registration) -> Registered:
    staff, at, credential = registration.staff, registration.at, registration.credential
    staff_id = locked_staff_id(connection, staff)
    is_first = not has_passkey(connection, staff_id) and not has_app(connection, staff_id)
    if registration.must_be_first and not is_first:
        return Registered.NOT
    connection.execute(
        insert(StaffPasskeyRow).values(
            public_id=f"pk_{secrets.token_hex(12)}",
            staff_id=staff_id,
            credential_id=credential.credential_id,
            public_key=credential.public_key,
            sign_count=credential.sign_count,
            transports=",".join(credential.transports),
            name=registration.name,
            created_at=at,
        )
    )
    after: dict[str, object] = {"name": registration.name}
    journal_factor(connection, "passkey_registered", staff, OWN_WISH, after, by=staff, at=at)
    if not is_first:
        return Registered.ANOTHER
    replace_codes(connection, staff_id, registration.code_hashes, at)
    end_sessions(
        connection,
        staff,
        SessionEnd.FACTOR_CHANGED,
        by=staff,
        at=at,
        keep=registration.keep_session,
    )
    return Registered.FIRST


def _id_of(staff: str) -> ScalarSelect[int]:
    return select(StaffRow.id).where(StaffRow.email == staff).scalar_subquery()
