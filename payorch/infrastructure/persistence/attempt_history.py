"""Counts recent attempts for the limits on declines, in one statement of indexed parts."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    bindparam,
    case,
    cast,
    func,
    null,
    select,
    union_all,
)
from sqlalchemy import literal_column as literal

from payorch.application.decline_limits import History, HistoryQuestion, Tally
from payorch.domain.decline_verdict import DeclineSignal
from payorch.domain.payment_status import CHARGED_TRANSACTION_STATUSES, TransactionStatus
from payorch.domain.retry_caps import PastDecline
from payorch.infrastructure.persistence.database import UtcDateTime
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables import OrderRow, SubmissionRow, TransactionRow

LOOKED_AT = 500
"""Attempts that one part looks at: the newest. It keeps the cost flat under an attack."""

ORDERS_LOOKED_AT = 100

_T = TransactionRow.__table__.c
_IS_DECLINED = _T.status == TransactionStatus.DECLINED
_IS_FINISHED = _T.status.in_((TransactionStatus.DECLINED, *sorted(CHARGED_TRANSACTION_STATUSES)))


def _since(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=UtcDateTime())


def _tally(kind: str, recent: Select[Any]) -> Select[Any]:
    found = recent.subquery(f"recent_{kind}")
    declined = func.coalesce(func.sum(case((found.c.is_declined, 1), else_=0)), 0)
    return select(
        literal(f"'{kind}'").label("kind"),
        func.count().label("attempts"),
        declined.label("declined"),
        cast(null(), UtcDateTime()).label("at"),
        cast(null(), String()).label("scheme"),
        cast(null(), String()).label("code"),
        cast(null(), String()).label("advice"),
    ).select_from(found)


_RECENT = select(_IS_DECLINED.label("is_declined")).where(_IS_FINISHED)
_ORDERS_OF_EMAIL = (
    select(OrderRow.id)
    .where(OrderRow.customer_email == bindparam("email"))
    .order_by(OrderRow.id.desc())
    .limit(ORDERS_LOOKED_AT)
)
_BY_EMAIL = _RECENT.where(
    _T.order_id.in_(_ORDERS_OF_EMAIL.scalar_subquery()), _T.started_at > _since("email_since")
)
_BY_BIN = (
    _RECENT.where(_T.card_bin == bindparam("card_bin"), _T.started_at > _since("burst_since"))
    .order_by(_T.started_at.desc())
    .limit(LOOKED_AT)
)
_SUBMISSIONS_OF_ADDRESS = (
    select(SubmissionRow.id)
    .where(
        SubmissionRow.client_hash == bindparam("client_hash"),
        SubmissionRow.created_at > _since("burst_since"),
    )
    .order_by(SubmissionRow.created_at.desc())
    .limit(LOOKED_AT)
)
_BY_ADDRESS = _RECENT.where(_T.submission_id.in_(_SUBMISSIONS_OF_ADDRESS.scalar_subquery()))
_OF_CARD = (
    select(
        literal("'card'").label("kind"),
        literal("0").label("attempts"),
        literal("0").label("declined"),
        _T.started_at.label("at"),
        _T.decline_scheme.label("scheme"),
        _T.decline_code.label("code"),
        _T.decline_advice.label("advice"),
    )
    .where(
        _T.card_fingerprint == bindparam("card_fingerprint", type_=String()),
        _T.started_at > _since("card_since"),
        _IS_DECLINED,
    )
    .order_by(_T.started_at.desc())
    .limit(LOOKED_AT)
)

_EVERYTHING = union_all(
    _tally("email", _BY_EMAIL),
    _tally("bin", _BY_BIN),
    _tally("address", _BY_ADDRESS),
    select(*_OF_CARD.subquery("of_card").c),
)


class SqlAlchemyAttemptHistory:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def ask(self, question: HistoryQuestion) -> History:
        # A NULL equals nothing, so what is not asked for finds nothing.
        with self._transactions.read() as connection:
            rows = connection.execute(_EVERYTHING, asdict(question)).all()
        tallies = {row.kind: Tally(int(row.attempts), int(row.declined)) for row in rows}
        return History(
            by_email=tallies["email"],
            by_bin=tallies["bin"],
            by_address=tallies["address"],
            card_declines=[
                PastDecline(row.at, DeclineSignal(row.scheme, row.code, row.advice))
                for row in rows
                if row.kind == "card"
            ],
        )
