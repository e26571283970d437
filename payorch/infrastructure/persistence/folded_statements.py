"""The payment path's two writes as one statement each, for PostgreSQL.

One round trip and one plan instead of three and more, with the same rows, conditions and errors
as the single statements of payment_statements.py, which SQLite runs one after another: it knows
no data-modifying CTEs. Each part reads from the part before it, so that PostgreSQL works, and
locks, in that order: order, submission, transaction at the start, and at the end transaction,
order, submission.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    BindParameter,
    Boolean,
    FromClause,
    Insert,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal,
    not_,
    select,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert

from payorch.domain.payment_status import TransactionStatus
from payorch.infrastructure.persistence.job_statements import JOB_COLUMNS
from payorch.infrastructure.persistence.payment_statements import (
    CUSTOMER_COLUMNS,
    INTENT_COLUMNS,
    ORDERS,
    SUBMISSIONS,
    TRANSACTIONS,
    LeaseClock,
    LeasedStatements,
    claim_order,
    finish_submission,
    settle_order,
)
from payorch.infrastructure.persistence.tables import (
    JobRow,
    OrderRow,
    SubmissionRow,
    TransactionRow,
)

_ORDER_COLUMNS = (
    "public_id",
    "token_hash",
    "idempotency_key",
    "request_hash",
    "amount_minor",
    "currency",
    "description",
    "country",
    *CUSTOMER_COLUMNS,
    "merchant_reference",
    "order_metadata",
    "status",
    "version",
    "created_at",
    "updated_at",
    "expires_at",
    "trial_number",
    "trial_arm",
)
_SUBMISSION_COLUMNS = (
    "number",
    "idempotency_key",
    "request_hash",
    "preferred_provider",
    "client_hash",
    "language",
    "policy_version",
    "routing_rule",
    "trial_number",
    "trial_arm",
    "candidates",
    "left_out",
    "created_at",
)


@dataclass(frozen=True, slots=True)
class FoldedStatements:
    """`start_*` return (order_id, submission_id, lease_until), or no row when the claim is lost.

    `end` and `end_with_job` return the transaction's key, or no row when its compare-and-swap
    lost. They fail with a division by zero, and so write nothing, when the order is not being
    processed, or when the guard is giving back the charge that would pay it.
    """

    start_new: Insert
    start_claimed: Insert
    end: Select[Any]
    end_with_job: Select[Any]


def folded_statements(clock: LeaseClock, leased: LeasedStatements) -> FoldedStatements:
    new_order = insert(OrderRow).values(_bound(ORDERS, "order", _ORDER_COLUMNS))
    return FoldedStatements(
        start_new=_start(new_order.returning(ORDERS.c.id).cte("claimed"), clock),
        start_claimed=_start(claim_order.returning(ORDERS.c.id).cte("claimed"), clock),
        end=_end(leased, has_job=False),
        end_with_job=_end(leased, has_job=True),
    )


def part(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of one table's part: several tables have columns of the same name."""
    return {f"{prefix}_{name}": value for name, value in values.items()}


def _bound(table: FromClause, prefix: str, names: tuple[str, ...]) -> dict[str, BindParameter[Any]]:
    return {name: bindparam(f"{prefix}_{name}", type_=table.c[name].type) for name in names}


def _start(order: CTE, clock: LeaseClock) -> Insert:
    """Order, submission and intent."""
    bound = _bound(SUBMISSIONS, "submission", _SUBMISSION_COLUMNS)
    submission = (
        insert(SubmissionRow)
        .from_select(["order_id", *bound], select(order.c.id, *bound.values()))
        .returning(SUBMISSIONS.c.id, SUBMISSIONS.c.order_id)
        .cte("submitted")
    )
    bound = _bound(TRANSACTIONS, "intent", INTENT_COLUMNS)
    fixed = {"status": TransactionStatus.STARTED, "version": 1, "token": 1, "checks": 0}
    constants = [literal(value, TRANSACTIONS.c[name].type) for name, value in fixed.items()]
    return (
        insert(TransactionRow)
        .from_select(
            ["order_id", "submission_id", *bound, *fixed, "lease_until"],
            select(
                submission.c.order_id,
                submission.c.id,
                *bound.values(),
                *constants,
                clock.lease_end,
            ),
        )
        .returning(
            TRANSACTIONS.c.order_id, TRANSACTIONS.c.submission_id, TRANSACTIONS.c.lease_until
        )
    )


def _end(leased: LeasedStatements, *, has_job: bool) -> Select[Any]:
    """Transaction, order and submission, with the job that follows from them."""
    finished = leased.finish_transaction.cte("finished")
    is_paid = bindparam("is_paid", type_=Boolean())
    paid_key = case((is_paid, finished.c.id))
    counts = select(finished.c.id).where(not_(and_(is_paid, finished.c.is_given_back)))
    settled = (
        settle_order.where(exists(counts))
        .values(paid_transaction_id=select(paid_key).scalar_subquery())
        .returning(ORDERS.c.id)
        .cte("settled")
    )
    answered = (
        finish_submission.where(exists(select(settled.c.id)))
        .returning(SUBMISSIONS.c.id)
        .cte("answered")
    )
    # Without a settled order the whole statement has to fail: 1 / 0 is how SQL says so.
    one_settled = literal(1) // select(func.count()).select_from(settled).scalar_subquery()
    ended = select(finished.c.id, one_settled.label("settled")).add_cte(answered)
    if not has_job:
        return ended
    bound = _bound(JobRow.__table__, "job", JOB_COLUMNS)
    job = (
        postgresql_insert(JobRow)
        .from_select([*bound], select(*bound.values()).select_from(finished))
        .on_conflict_do_nothing(index_elements=["dedup_key"])
        .returning(JobRow.id)
        .cte("enqueued")
    )
    return ended.add_cte(job)
