"""Counts recent attempts for the limits on declines, in statements of indexed parts.

The first one, which every submission runs, counts declined attempts alone: partial indexes hold
nothing else, so that it costs next to nothing however busy a shop, a card range or a card is.
"""

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

from payorch.application.decline_limits import History, HistoryQuestion, RecentDeclines, Tally
from payorch.domain.decline_verdict import DeclineSignal
from payorch.domain.payment_status import CHARGED_TRANSACTION_STATUSES, TransactionStatus
from payorch.domain.retry_caps import PastDecline
from payorch.infrastructure.persistence.database import UtcDateTime
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.payment_statements import revision
from payorch.infrastructure.persistence.tables import OrderRow, SubmissionRow, TransactionRow

LOOKED_AT = 500
"""Attempts that one part looks at: the newest. It keeps the cost flat under an attack."""

ORDERS_LOOKED_AT = 100

_T = TransactionRow.__table__.c
_IS_DECLINED = _T.status == TransactionStatus.DECLINED
_IS_FINISHED = _T.status.in_((TransactionStatus.DECLINED, *sorted(CHARGED_TRANSACTION_STATUSES)))


# Written out, not bound: the databases use a partial index only when they see its condition.
_IN_DECLINED_INDEX = _T.status == literal(f"'{TransactionStatus.DECLINED.value}'")


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
    .where(OrderRow.customer_email_index == bindparam("email_index"))
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
        _IN_DECLINED_INDEX,
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


def _count(declined: Select[Any]) -> ColumnElement[int]:
    return select(func.count()).select_from(declined.subquery()).scalar_subquery()


_DECLINED: Select[Any] = select(literal("1")).select_from(TransactionRow).where(_IN_DECLINED_INDEX)
_RECENT_DECLINES = select(
    _count(
        _DECLINED.where(
            _T.order_id.in_(_ORDERS_OF_EMAIL.scalar_subquery()),
            _T.started_at > _since("email_since"),
        )
    ).label("by_email"),
    _count(
        _DECLINED.where(
            _T.card_bin == bindparam("card_bin"), _T.started_at > _since("burst_since")
        ).limit(LOOKED_AT)
    ).label("by_bin"),
    _count(_DECLINED.where(_T.submission_id.in_(_SUBMISSIONS_OF_ADDRESS.scalar_subquery()))).label(
        "by_address"
    ),
    _count(
        _DECLINED.where(
            _T.card_fingerprint == bindparam("card_fingerprint", type_=String()),
            _T.started_at > _since("card_since"),
        ).limit(1)
    ).label("of_card"),
    revision.scalar_subquery().label("configuration_revision"),
)


class SqlAlchemyAttemptHistory:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def recent_declines(self, question: HistoryQuestion) -> RecentDeclines:
        parameters = self._parameters(question)
        with self._transactions.read() as connection:
            row = connection.execute(_RECENT_DECLINES, parameters).one()
        return RecentDeclines(*row)

    def ask(self, question: HistoryQuestion) -> History:
        # A NULL equals nothing, so what is not asked for finds nothing.
        parameters = self._parameters(question)
        with self._transactions.read() as connection:
            rows = connection.execute(_EVERYTHING, parameters).all()
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

    def _parameters(self, question: HistoryQuestion) -> dict[str, Any]:
        parameters = {name: getattr(question, name) for name in question.__slots__}
        email = parameters.pop("email")
        personal_data = self._transactions.personal_data
        parameters["email_index"] = None if email is None else personal_data.email_index(email)
        return parameters
