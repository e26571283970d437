"""How many requests there were: one upsert for many of them, in the table of the logins' counts."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, bindparam, case
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from payorch.application.request_limits import CountedRequests
from payorch.infrastructure.persistence.database import UtcDateTime
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.login_counts import forget_what_is_over
from payorch.infrastructure.persistence.tables.login_counts import LoginCountRow

_at = bindparam("at", type_=UtcDateTime())
_ends_at = bindparam("window_ends_at", type_=UtcDateTime())


def _upsert(insert: Any) -> Any:
    is_over = LoginCountRow.ends_at <= _at
    added: BindParameter[int] = bindparam("added")
    return (
        insert(LoginCountRow)
        .values(key=bindparam("counted"), tries=added, ends_at=_ends_at)
        .on_conflict_do_update(
            index_elements=["key"],
            set_={
                "tries": case((is_over, added), else_=LoginCountRow.tries + added),
                "ends_at": case((is_over, _ends_at), else_=LoginCountRow.ends_at),
            },
        )
        .returning(LoginCountRow.tries, LoginCountRow.ends_at)
    )


_UPSERTS: dict[str, Any] = {
    "sqlite": _upsert(sqlite_insert),
    "postgresql": _upsert(postgresql_insert),
}


class SqlAlchemyRequestCounts:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def add(self, key: str, number: int, *, window: timedelta, at: datetime) -> CountedRequests:
        with self._transactions.write() as connection:
            row = connection.execute(
                _UPSERTS[connection.dialect.name],
                {"counted": key, "added": number, "at": at, "window_ends_at": at + window},
            ).one()
            if row.tries == number:
                # Only who begins a count cleans up, so that going on costs one statement.
                forget_what_is_over(connection, at)
        return CountedRequests(row.tries, row.ends_at)
