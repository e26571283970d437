"""What the books know of the lines of a settlement report: a few statements for many lines."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, or_, select, text

from payorch.application.settlement_reports import BookedThing, LookedUp
from payorch.domain.payment_status import (
    CHARGED_TRANSACTION_STATUSES,
    OPEN_TRANSACTION_STATUSES,
    TransactionStatus,
)
from payorch.domain.refund import OPEN_REFUND_STATUSES, RefundStatus
from payorch.domain.settlement_line import MATCHED_KINDS, LineKind, SettlementLine
from payorch.domain.settlement_matching import BookState
from payorch.infrastructure.persistence.account_methods import codes_of_account
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.tables import (
    OrderRow,
    RefundRow,
    SettlementLineRow,
    TransactionRow,
)

_T, _R, _L = TransactionRow, RefundRow, SettlementLineRow
_TRANSACTIONS = select(
    *(_T.id, _T.public_id, _T.order_id, _T.provider_code, _T.status, _T.amount_minor),
    _T.currency,
    *(_T.provider_reference, _T.started_at, OrderRow.public_id.label("order_public_id")),
).join(OrderRow, OrderRow.id == _T.order_id)
_REFUNDS = (
    select(
        *(_R.id, _R.public_id, _R.order_id, _R.provider_code, _R.transaction_id, _R.status),
        *(_R.amount_minor, _R.currency, _R.provider_reference, _R.payment_reference),
        *(_T.public_id.label("transaction_public_id"), _T.started_at),
        OrderRow.public_id.label("order_public_id"),
    )
    .join(_T, _T.id == _R.transaction_id)
    .join(OrderRow, OrderRow.id == _R.order_id)
)


class SettlementLookUp:
    """The reading half of the settlement book."""

    def __init__(self, transactions: LedgerTransactions) -> None:
        self._transactions = transactions

    def look_up(
        self, import_id: int, provider_code: str, lines: Sequence[SettlementLine]
    ) -> Sequence[LookedUp]:
        with self._transactions.read() as connection:
            known = _known_lines(connection, provider_code, lines)
            codes = codes_of_account(connection, provider_code)
            things = _Things(connection, codes, lines)
        counted: Counter[str] = Counter()
        found = []
        for line in lines:
            rows = known.get(line.identity, ())
            occurrence, is_known, key = 1, bool(rows), rows[0].id if rows else None
            if line.line_id is None:
                seen = sum(row.seen_in == import_id for row in rows)
                occurrence = seen + counted[line.identity] + 1
                key = next((row.id for row in rows if row.occurrence == occurrence), None)
                is_known = key is not None
            elif counted[line.identity]:
                is_known = True
            counted[line.identity] += 1
            thing = None if is_known else things.of(line)
            found.append(LookedUp(occurrence, is_known, key, thing))
        return found


def transaction_state(status: TransactionStatus) -> BookState:
    if status in CHARGED_TRANSACTION_STATUSES:
        return BookState.MOVED
    return BookState.OPEN if status in OPEN_TRANSACTION_STATUSES else BookState.NOT_MOVED


def refund_state(status: RefundStatus) -> BookState:
    if status is RefundStatus.SUCCEEDED:
        return BookState.MOVED
    return BookState.OPEN if status in OPEN_REFUND_STATUSES else BookState.NOT_MOVED


def _known_lines(
    connection: Connection, provider_code: str, lines: Sequence[SettlementLine]
) -> Mapping[str, Sequence[Any]]:
    statement = (
        select(_L.id, _L.identity, _L.occurrence, _L.seen_in)
        .where(
            _L.provider_code == provider_code, _L.identity.in_({line.identity for line in lines})
        )
        .order_by(_L.occurrence)
    )
    known: dict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(statement):
        known[row.identity].append(row)
    return known


class _Things:
    """Payments and refunds of one account that the lines of a batch may be about."""

    def __init__(
        self, connection: Connection, codes: Sequence[str], lines: Sequence[SettlementLine]
    ) -> None:
        about = [line for line in lines if line.kind in MATCHED_KINDS]
        references = {line.reference for line in about if line.reference}
        ours = {line.our_reference for line in about if line.our_reference}
        transactions = connection.execute(
            _TRANSACTIONS.where(
                _T.provider_code.in_(codes),
                or_(_T.provider_reference.in_(references), _T.public_id.in_(ours)),
            )
        ).all()
        self._by_reference = {row.provider_reference: row for row in transactions}
        self._by_ours = {row.public_id: row for row in transactions}
        guarded = connection.execute(
            _REFUNDS.where(
                _R.provider_code.in_(codes),
                _R.payment_reference.in_(references),
                # SQLite takes a partial index only for a condition that it can read.
                text("refunds.is_guard"),
            )
        ).all()
        self._guarded = {row.payment_reference: row for row in guarded}
        refunds = _refunds(connection, codes, lines, [row.id for row in transactions])
        self._refund_by_reference = {row.provider_reference: row for row in refunds}
        self._refund_by_ours = {row.public_id: row for row in refunds}
        self._refunds_of: dict[int, list[Any]] = defaultdict(list)
        for row in refunds:
            self._refunds_of[row.transaction_id].append(row)
        keys = {row.id for row in transactions} | {row.transaction_id for row in refunds}
        keys |= {row.transaction_id for row in guarded}
        self._settled = _settled(connection, keys)
        self._taken: set[int] = set()

    def of(self, line: SettlementLine) -> BookedThing | None:
        match line.kind:
            case LineKind.PAYMENT:
                return self._payment(line)
            case LineKind.REFUND:
                return self._refund(line)
            case LineKind.CHARGEBACK:
                row = self._transaction(line)
                return None if row is None else self._from_transaction(row, line.kind)
            case _:
                return None

    def _payment(self, line: SettlementLine) -> BookedThing | None:
        """A surplus charge is known by the refund that the guard has made of it."""
        guard = self._guarded.get(line.reference)
        if line.reference not in self._by_reference and guard is not None:
            return self._from_refund(guard, line.kind, reference=guard.payment_reference)
        row = self._transaction(line)
        return None if row is None else self._from_transaction(row, line.kind)

    def _transaction(self, line: SettlementLine) -> Any:
        by_reference = self._by_reference.get(line.reference) if line.reference else None
        return by_reference or self._by_ours.get(line.our_reference)

    def _refund(self, line: SettlementLine) -> BookedThing | None:
        """By its own reference; else by its payment's, then one of this amount that is not
        settled yet: some reports name only the payment.
        """
        row = self._refund_by_reference.get(line.reference) if line.reference else None
        row = row or self._refund_by_ours.get(line.our_reference)
        if row is None:
            payment = self._transaction(line)
            row = None if payment is None else self._unsettled_refund(payment.id, line)
        if row is None:
            return None
        self._taken.add(row.id)
        return self._from_refund(row, line.kind, reference=row.provider_reference)

    def _unsettled_refund(self, transaction_key: int, line: SettlementLine) -> Any:
        alike = [
            row
            for row in self._refunds_of[transaction_key]
            if (row.amount_minor, row.currency) == (line.amount_minor, line.currency)
        ]
        free = [
            row
            for row in alike
            if row.id not in self._taken
            and not self._settled[line.kind, row.transaction_id, row.id]
        ]
        moved = [row for row in free if row.status is RefundStatus.SUCCEEDED]
        return next(iter(moved or free or alike), None)

    def _from_transaction(self, row: Any, kind: LineKind) -> BookedThing:
        return BookedThing(
            provider_code=row.provider_code,
            order_key=row.order_id,
            order_id=row.order_public_id,
            transaction_key=row.id,
            transaction_id=row.public_id,
            refund_key=None,
            state=transaction_state(row.status),
            status=row.status.value,
            amount_minor=row.amount_minor,
            currency=row.currency,
            reference=row.provider_reference,
            started_at=row.started_at,
            settled_before=self._settled[kind, row.id, None],
        )

    def _from_refund(self, row: Any, kind: LineKind, *, reference: str | None) -> BookedThing:
        """As the charge that the guard gives back, where the line is of a payment."""
        is_charge = kind is LineKind.PAYMENT
        return BookedThing(
            provider_code=row.provider_code,
            order_key=row.order_id,
            order_id=row.order_public_id,
            transaction_key=row.transaction_id,
            transaction_id=row.transaction_public_id,
            refund_key=row.id,
            state=BookState.MOVED if is_charge else refund_state(row.status),
            status=row.status.value,
            amount_minor=row.amount_minor,
            currency=row.currency,
            reference=reference,
            started_at=row.started_at,
            settled_before=self._settled[kind, row.transaction_id, row.id],
        )


def _refunds(
    connection: Connection,
    codes: Sequence[str],
    lines: Sequence[SettlementLine],
    transaction_keys: Sequence[int],
) -> Sequence[Any]:
    about = [line for line in lines if line.kind is LineKind.REFUND]
    if not about:
        return ()
    references = {line.reference for line in about if line.reference}
    ours = {line.our_reference for line in about if line.our_reference}
    statement = _REFUNDS.where(
        _R.provider_code.in_(codes),
        or_(
            _R.provider_reference.in_(references),
            _R.public_id.in_(ours),
            _R.transaction_id.in_(transaction_keys),
        ),
    ).order_by(_R.id)
    return connection.execute(statement).all()


def _settled(
    connection: Connection, transaction_keys: Collection[int]
) -> Counter[tuple[LineKind, int | None, int | None]]:
    """How many lines there are already of each kind about each payment or refund."""
    statement = (
        select(_L.kind, _L.transaction_id, _L.refund_id, func.count())
        .where(_L.transaction_id.in_(transaction_keys))
        .group_by(_L.kind, _L.transaction_id, _L.refund_id)
    )
    counted: Counter[tuple[LineKind, int | None, int | None]] = Counter()
    for kind, transaction_key, refund_key, number in connection.execute(statement):
        counted[LineKind(kind), transaction_key, refund_key] = number
    return counted
