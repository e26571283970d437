"""Finds the transaction or the refund that an event names, each look by an index."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, RowMapping, Select, bindparam, select

from payorch.application.provider_events import NamedTransaction
from payorch.domain.payment_order import OrderId
from payorch.domain.refund import RefundKind
from payorch.domain.transaction import Transaction
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.payment_rows import transaction_from
from payorch.infrastructure.persistence.tables import OrderRow, RefundRow, TransactionRow

_providers: BindParameter[Any] = bindparam("providers", expanding=True)

_TRANSACTION = select(
    TransactionRow.__table__, OrderRow.public_id.label("order_public_id")
).join_from(TransactionRow, OrderRow, OrderRow.id == TransactionRow.order_id)
_TRANSACTION_BY_OURS = _TRANSACTION.where(
    TransactionRow.public_id == bindparam("reference"), TransactionRow.provider_code.in_(_providers)
)
_TRANSACTION_BY_THEIRS = _TRANSACTION.where(
    TransactionRow.provider_reference == bindparam("reference"),
    TransactionRow.provider_code.in_(_providers),
)

_REFUND_BY_OURS = select(RefundRow.public_id).where(
    RefundRow.public_id == bindparam("reference"), RefundRow.provider_code.in_(_providers)
)
_REFUND_BY_THEIRS = select(RefundRow.public_id).where(
    RefundRow.provider_reference == bindparam("reference"), RefundRow.provider_code.in_(_providers)
)
_VOID_OF = (
    select(RefundRow.public_id)
    .join(TransactionRow, TransactionRow.id == RefundRow.transaction_id)
    .where(TransactionRow.public_id == bindparam("reference"), RefundRow.kind == RefundKind.VOID)
    .order_by(RefundRow.id.desc())
    .limit(1)
)


class SqlAlchemyNamedByEvents:
    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def transaction(
        self, our_reference: str | None, provider_reference: str | None, providers: Sequence[str]
    ) -> NamedTransaction | None:
        row = self._first(
            (_TRANSACTION_BY_OURS, our_reference),
            (_TRANSACTION_BY_THEIRS, provider_reference),
            providers=providers,
        )
        if row is None:
            return None
        return NamedTransaction(OrderId(row["order_public_id"]), transaction_from(row))

    def refund(
        self, our_reference: str | None, provider_reference: str | None, providers: Sequence[str]
    ) -> str | None:
        row = self._first(
            (_REFUND_BY_OURS, our_reference),
            (_REFUND_BY_THEIRS, provider_reference),
            providers=providers,
        )
        return None if row is None else str(row["public_id"])

    def void_of(self, transaction: Transaction) -> str | None:
        with self._transactions.read() as connection:
            found = connection.execute(_VOID_OF, {"reference": transaction.id}).scalar()
        return None if found is None else str(found)

    def _first(
        self, *looks: tuple[Select[Any], str | None], providers: Sequence[str]
    ) -> RowMapping | None:
        for statement, reference in looks:
            if reference is None:
                continue
            parameters = {"reference": reference, "providers": list(providers)}
            with self._transactions.read() as connection:
                row = connection.execute(statement, parameters).mappings().first()
            if row is not None:
                return row
        return None
