"""LedgerChecks on SQL: sets, not rows; many short statements, none over the whole table.

What is open is found by its partial index. What is finished is looked at in slices of a bounded
number of transactions, so that a check of ten million rows holds neither memory nor locks, and
each statement is its own short read.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, Select, bindparam, select

from payorch.application.metrics_rollup import ProviderMetricsRepository
from payorch.application.metrics_window import MINUTE, floor_to_minute
from payorch.application.verify_journal import VerifyJournalUseCase
from payorch.application.verify_ledger import ROLLUP_COMPARED, Fact, Period, Violation
from payorch.infrastructure.persistence import journal_check_statements as journal
from payorch.infrastructure.persistence import payment_check_statements as payments
from payorch.infrastructure.persistence import refund_check_statements as refunds
from payorch.infrastructure.persistence import work_check_statements as work
from payorch.infrastructure.persistence.journal_reader import SqlAlchemyJournalReader
from payorch.infrastructure.persistence.ledger_transactions import LedgerTransactions
from payorch.infrastructure.persistence.refund_sum_check import parts_beyond_limit, tries
from payorch.infrastructure.persistence.tables import TransactionRow

SLICE = 20_000
"""Transactions looked at by one statement."""

_FIRST = datetime.min.replace(tzinfo=UTC)
_END = datetime(9999, 1, 1, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)

Check = Select[*tuple[Any, ...]]

SLICED: Mapping[str, Check] = {
    "paid_without_approval": payments.paid_without_approval,
    "several_approvals": payments.several_approvals,
    "approval_without_paid_order": payments.approval_without_paid_order,
    "other_money": payments.other_money,
    "no_answer_time": payments.no_answer_time,
    "submission_result": payments.submission_result,
    "shared_provider_reference": payments.shared_provider_reference,
}

WHOLE: Mapping[str, tuple[Check, ...]] = {
    "processing_without_open": (payments.processing_without_open,),
    "open_without_processing": (payments.open_without_processing,),
    "cancelled_and_alive": (work.cancelled_and_alive,),
    "several_open": (payments.several_open,),
    "nobody_reconciles": (payments.nobody_reconciles,),
    "open_for_long": (payments.open_for_long,),
    "in_review": (payments.in_review, refunds.refund_in_review),
    "order_flagged": (payments.order_flagged,),
    "unhandled_approval": (payments.unhandled_approval,),
    "refunded_too_much": (refunds.refunded_too_much,),
    "refund_of_nothing": (refunds.refund_of_nothing,),
    "void_differs": (refunds.void_without_voided, refunds.voided_without_void),
    "approval_given_back": (refunds.approval_given_back,),
    "guard_without_flag": (refunds.guard_without_flag,),
    "large_refund_alone": (refunds.large_refund_alone, refunds.agreed_refund_differs),
    "nobody_refunds": (refunds.nobody_refunds,),
    "refund_failed": (refunds.refund_failed,),
    "nobody_works": (work.nobody_works,),
    "dead_job": (work.dead_job,),
    "policy_without_journal": (journal.policy_without_journal,),
    "change_without_journal": (
        journal.refund_without_journal,
        journal.review_without_journal,
        journal.refund_review_without_journal,
        journal.refund_proposal_without_journal,
        journal.ruling_without_journal,
    ),
    "orphan_money": (work.orphan_money,),
    "safe_mode": (work.safe_mode,),
}

LARGE_ALONE = "large_refund_alone"
"""The one rule that a statement and a sum look for together."""

ROLLUP = "rollup_differs"
JOURNAL = "journal_broken"

_slice_end = (
    select(TransactionRow.changed_at)
    .where(TransactionRow.changed_at >= payments.moment("from_at"))
    .order_by(TransactionRow.changed_at)
    .offset(bindparam("size", type_=None))
    .limit(1)
)


class SqlAlchemyLedgerChecks:
    def __init__(
        self,
        transactions: LedgerTransactions,
        rollup: ProviderMetricsRepository,
        *,
        slice_size: int = SLICE,
    ) -> None:
        self._transactions = transactions
        self._rollup = rollup
        self._slice_size = slice_size
        self._slices: tuple[Period, tuple[tuple[datetime, datetime], ...]] | None = None

    def violations(self, kind: str, period: Period, *, limit: int) -> Sequence[Violation]:
        if kind == ROLLUP:
            return self._differing_minutes(period, limit)
        if kind == JOURNAL:
            return self._broken_entries()[:limit]
        if kind in SLICED:
            return self._in_slices(SLICED[kind], period, limit)
        found: list[Violation] = []
        for statement in WHOLE[kind]:
            found += self._found(statement, _moments(period), limit - len(found))
        if kind == LARGE_ALONE:
            found += self._parts_beyond_limit(period)
        return found[:limit]

    def _parts_beyond_limit(self, period: Period) -> Sequence[Violation]:
        with self._transactions.read() as connection:
            rows = connection.execute(tries, _moments(period)).mappings().all()
        return [
            Violation(
                one.refund_id,
                {"asked_in_a_day_minor": asked_minor, "one_person_limit_minor": one.limit_minor},
            )
            for one, asked_minor in parts_beyond_limit(rows)
        ]

    def _in_slices(self, statement: Check, period: Period, limit: int) -> Sequence[Violation]:
        found: list[Violation] = []
        for from_at, to_at in self._slices_of(period):
            parameters = {"from_at": from_at, "to_at": to_at}
            found += self._found(statement, parameters, limit - len(found))
            if len(found) >= limit:
                break
        return found

    def _slices_of(self, period: Period) -> tuple[tuple[datetime, datetime], ...]:
        """The period cut up once for all rules of a run."""
        if self._slices is None or self._slices[0] != period:
            self._slices = (period, tuple(self._cut(period.since or _FIRST)))
        return self._slices[1]

    def _cut(self, from_at: datetime) -> Iterator[tuple[datetime, datetime]]:
        while True:
            parameters = {"from_at": from_at, "size": self._slice_size}
            with self._transactions.read() as connection:
                to_at: datetime | None = connection.execute(_slice_end, parameters).scalar()
            if to_at is None:
                yield from_at, _END
                return
            # A bulk load may give more rows than a slice holds the same time.
            to_at = max(to_at, from_at + _INSTANT)
            yield from_at, to_at
            from_at = to_at

    def _found(
        self, statement: Check, parameters: Mapping[str, Any], limit: int
    ) -> Sequence[Violation]:
        if limit <= 0:
            return ()
        with self._transactions.read() as connection:
            rows = connection.execute(statement.limit(limit), parameters).mappings()
            return [_violation(row) for row in rows]

    def _broken_entries(self) -> Sequence[Violation]:
        """All of the journal, whatever the period: old entries are what a hand is after."""
        broken = VerifyJournalUseCase(SqlAlchemyJournalReader(self._transactions)).execute().broken
        if broken is None:
            return ()
        entry = "journal" if broken.entry_id is None else f"journal entry {broken.entry_id}"
        facts = {name: value for name, value in broken.to_json().items() if name != "id"}
        return [Violation(entry, {name: _fact(value) for name, value in facts.items()})]

    def _differing_minutes(self, period: Period, limit: int) -> Sequence[Violation]:
        if self._rollup.rollup_state() is None:
            return ()
        start = max(period.since or _FIRST, period.now - ROLLUP_COMPARED)
        # Rows are of whole minutes: a minute cut in two never equals its recount.
        minutes = self._rollup.differing_minutes(
            floor_to_minute(start), floor_to_minute(period.now) + MINUTE
        )
        return [Violation(f"{minute:%Y-%m-%dT%H:%MZ}") for minute in minutes[:limit]]


def _moments(period: Period) -> dict[str, datetime]:
    return {
        "since": period.since or _FIRST,
        "neglected_before": period.neglected_before,
        "long_before": period.long_before,
    }


def _violation(row: RowMapping) -> Violation:
    facts = {name: _fact(value) for name, value in row.items() if name != "subject"}
    return Violation(str(row["subject"]), facts)


def _fact(value: Any) -> Fact:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return value if value is None or isinstance(value, int) else str(value)
