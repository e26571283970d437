"""How often somebody tried to log in: one upsert per try, so that no two get the same number."""

from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, case, delete, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from payorch.application.login_limits import Counted, LoginLimit
from payorch.infrastructure.persistence.database import UtcDateTime
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables.login_counts import LoginCountRow

MAX_CLEANED = 100
"""Rows that are over, taken away with each try: more than a try adds."""

_at = bindparam("at", type_=UtcDateTime())
_limit: BindParameter[int] = bindparam("limit")


def _upsert(insert: Any) -> Any:
    """A key that is locked stays as it is: who goes on trying does not lock it for longer."""
    is_over = LoginCountRow.ends_at <= _at
    return (
        insert(LoginCountRow)
        .values(key=bindparam("counted"), tries=1, ends_at=bindparam("window_ends_at"))
        .on_conflict_do_update(
            index_elements=["key"],
            set_={
                "tries": case(
                    (is_over, 1),
                    (LoginCountRow.tries > _limit, LoginCountRow.tries),
                    else_=LoginCountRow.tries + 1,
                ),
                "ends_at": case(
                    (is_over, bindparam("window_ends_at", type_=UtcDateTime())),
                    (
                        LoginCountRow.tries + 1 == _limit,
                        bindparam("wait_ends_at", type_=UtcDateTime()),
                    ),
                    else_=LoginCountRow.ends_at,
                ),
            },
        )
        .returning(LoginCountRow.tries, LoginCountRow.ends_at)
    )


_UPSERTS: dict[str, Any] = {
    "sqlite": _upsert(sqlite_insert),
    "postgresql": _upsert(postgresql_insert),
}

_OVER = (
    select(LoginCountRow.key)
    .where(LoginCountRow.ends_at <= _at)
    .limit(MAX_CLEANED)
    # Who cleans waits for nobody, so that two that count cannot come to wait for each other.
    .with_for_update(skip_locked=True)
)
_CLEAN = delete(LoginCountRow).where(LoginCountRow.key.in_(_OVER.scalar_subquery()))


class SqlAlchemyLoginCounts:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def count(self, key: str, limit: LoginLimit, *, at: datetime) -> Counted:
        with self._transactions.write() as connection:
            row = connection.execute(
                _UPSERTS[connection.dialect.name],
                {
                    "counted": key,
                    "at": at,
                    "limit": limit.tries,
                    "window_ends_at": at + limit.within,
                    "wait_ends_at": at + limit.wait,
                },
            ).one()
            forget_what_is_over(connection, at)
        return Counted(row.tries, row.ends_at)

    def give_back(self, key: str, limit: LoginLimit) -> None:
        used = case((LoginCountRow.tries > limit.tries, limit.tries), else_=LoginCountRow.tries)
        with self._transactions.write() as connection:
            connection.execute(
                update(LoginCountRow)
                .where(LoginCountRow.key == key, LoginCountRow.tries > 0)
                .values(tries=used - 1)
            )

    def clear(self, key: str, limit: LoginLimit, *, also_locked: bool) -> None:
        with self._transactions.write() as connection:
            forget = delete(LoginCountRow).where(LoginCountRow.key == key)
            if not also_locked:
                forget = forget.where(LoginCountRow.tries < limit.tries)
            connection.execute(forget)


def forget_what_is_over(connection: Connection, at: datetime) -> None:
    """In the caller's transaction: some of the counts whose time is over, of whatever kind."""
    connection.execute(_CLEAN, {"at": at})


def forget_tries(connection: Connection, key: str) -> bool:
    """In the caller's transaction. False when there was nothing to forget."""
    return connection.execute(delete(LoginCountRow).where(LoginCountRow.key == key)).rowcount > 0
