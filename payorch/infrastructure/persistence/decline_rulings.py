"""Rulings on decline codes as rows, each with its journal entry."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select
from sqlalchemy.dialects import postgresql, sqlite

from payorch.domain.decline_row import DeclineRow
from payorch.domain.decline_ruling import NO_RULINGS, CodeKey, DeclineRuling, RulingsInForce
from payorch.domain.decline_terms import (
    CustomerText,
    DeclineClass,
    FailoverNow,
    RetryLater,
    SignalKind,
)
from payorch.infrastructure.persistence.configuration_revision import bump_revision
from payorch.infrastructure.persistence.database import Database
from payorch.infrastructure.persistence.journal_repository import insert_entry
from payorch.infrastructure.persistence.tables import DeclineRulingRow

_RULINGS = select(DeclineRulingRow.__table__)
_NEWEST = select(func.max(DeclineRulingRow.id)).group_by(
    DeclineRulingRow.signal, DeclineRulingRow.scheme, DeclineRulingRow.code
)
_IN_FORCE = _RULINGS.where(DeclineRulingRow.id.in_(_NEWEST)).order_by(DeclineRulingRow.id)


def rulings_in_force(connection: Connection) -> RulingsInForce:
    rows = connection.execute(_IN_FORCE).mappings().all()
    if not rows:
        return NO_RULINGS
    in_force = tuple(_row_of(row) for row in rows if not row["is_withdrawn"])
    return RulingsInForce(version=rows[-1]["id"], rows=in_force)


class SqlAlchemyDeclineRulings:
    def __init__(self, database: Database) -> None:
        self._database = database

    def history(self, key: CodeKey) -> Sequence[DeclineRuling]:
        statement = _RULINGS.where(
            DeclineRulingRow.signal == key.signal.value,
            DeclineRulingRow.scheme == key.scheme,
            DeclineRulingRow.code == key.code,
        ).order_by(DeclineRulingRow.number.desc())
        with self._database.read() as connection:
            return [_ruling(row) for row in connection.execute(statement).mappings()]

    def add(self, ruling: DeclineRuling, *, withdraws: DeclineRow | None = None) -> bool:
        said = ruling.row or withdraws
        if said is None:
            raise ValueError("A ruling says something, or withdraws what was said.")
        dialect = sqlite if self._database.is_sqlite else postgresql
        statement = (
            dialect.insert(DeclineRulingRow)
            .values(_values(ruling, said))
            .on_conflict_do_nothing()
            .returning(DeclineRulingRow.id)
        )
        with self._database.tx() as connection:
            if connection.scalar(statement) is None:
                return False
            bump_revision(connection)
            insert_entry(
                connection,
                actor=ruling.ruled_by,
                action="withdraw_decline_ruling" if ruling.row is None else "rule_on_decline",
                subject=f"decline_code:{ruling.key.signal}/{ruling.key.scheme}/{ruling.key.code}",
                reason=ruling.reason,
                before=None if withdraws is None else _journalled(withdraws),
                after=None if ruling.row is None else _journalled(ruling.row),
                at=ruling.ruled_at,
            )
        return True


def _values(ruling: DeclineRuling, said: DeclineRow) -> dict[str, Any]:
    return {
        "signal": ruling.key.signal.value,
        "scheme": ruling.key.scheme,
        "code": ruling.key.code,
        "number": ruling.number,
        "is_withdrawn": ruling.row is None,
        "decline_reason": said.reason,
        "decline_class": said.decline_class.value,
        "failover": said.failover.value,
        "retry_later": said.retry_later.value,
        "wait_h": said.wait_h,
        "customer_text": said.customer_text.value,
        "effective_from": said.effective_from,
        "created_at": ruling.ruled_at,
        "created_by": ruling.ruled_by,
        "reason": ruling.reason,
    }


def _ruling(row: RowMapping) -> DeclineRuling:
    said = _row_of(row)
    return DeclineRuling(
        key=CodeKey.of_row(said),
        number=row["number"],
        row=None if row["is_withdrawn"] else said,
        ruled_by=row["created_by"],
        ruled_at=row["created_at"],
        reason=row["reason"],
    )


def _row_of(row: RowMapping) -> DeclineRow:
    signal = SignalKind(row["signal"])
    return DeclineRow(
        signal=signal,
        scheme=row["scheme"],
        code=row["code"],
        reason=row["decline_reason"],
        decline_class=DeclineClass(row["decline_class"]),
        failover=FailoverNow(row["failover"]),
        retry_later=RetryLater(row["retry_later"]),
        customer_text=CustomerText(row["customer_text"]),
        source=f"ruling of {row['effective_from'].isoformat()}",
        effective_from=row["effective_from"],
        keeps_reason=signal is SignalKind.ADVICE,
        wait_h=row["wait_h"],
    )


def _journalled(row: DeclineRow) -> dict[str, Any]:
    return {
        "meaning": row.reason,
        "class": row.decline_class.value,
        "next_provider": row.failover.value,
        "again_later": row.retry_later.value,
        "wait_h": row.wait_h,
        "customer_text": row.customer_text.value,
    }
