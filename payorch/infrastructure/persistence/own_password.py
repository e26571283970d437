"""One's own password in the database: changed only while it is the one that was proved."""

import uuid

from sqlalchemy import update

from payorch.application.own_password import PasswordChange, PasswordChanged
from payorch.application.staff_sessions import SessionEnd
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.second_factors import OWN_WISH
from payorch.infrastructure.persistence.staff_sessions import end_sessions
from payorch.infrastructure.persistence.tables.staff import StaffRow


class SqlAlchemyOwnPasswords:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def change(self, change: PasswordChange) -> PasswordChanged | None:
        # Another key also ends half logins, which know the account by it.
        account_key = uuid.uuid4().hex
        with self._transactions.write() as connection:
            changed = connection.execute(
                update(StaffRow)
                .where(
                    StaffRow.email == change.staff,
                    StaffRow.fs_uniquifier == change.account_key,
                    StaffRow.active,
                )
                .values(
                    password=change.password_hash,
                    fs_uniquifier=account_key,
                    update_datetime=change.at,
                )
            )
            if changed.rowcount == 0:
                return None
            insert_entry(
                connection,
                actor=change.staff,
                action="change_own_password",
                subject=f"staff:{change.staff}"[:120],
                reason=OWN_WISH,
                before=None,
                after={"password": "changed"},
                at=change.at,
            )
            ended = end_sessions(
                connection,
                change.staff,
                SessionEnd.PASSWORD_CHANGED,
                by=change.staff,
                at=change.at,
                keep=change.keep_session,
            )
        return PasswordChanged(account_key=account_key, ended_sessions=ended)
