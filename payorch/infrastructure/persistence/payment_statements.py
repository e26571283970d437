"""The payment path's SQL, built once: `.values()` per call would cost a cache key each time.

Leases are compared with the database's own clock on PostgreSQL, where several hosts share it;
on SQLite, which serves one host, the application's clock is bound in.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Insert,
    Select,
    Update,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.sql.functions import coalesce

from payorch.domain.payment_status import (
    OPEN_TRANSACTION_STATUSES,
    PaymentStatus,
    TransactionStatus,
)
from payorch.infrastructure.persistence.database import UtcDateTime
from payorch.infrastructure.persistence.tables import (
    ConfigurationRow,
    OrderRow,
    RefundRow,
    SubmissionRow,
    TransactionRow,
)

ORDERS = OrderRow.__table__
SUBMISSIONS = SubmissionRow.__table__
TRANSACTIONS = TransactionRow.__table__
CONFIGURATION = ConfigurationRow.__table__

ORDER_COLUMNS = (
    OrderRow.id.label("order_key"),
    *(
        getattr(OrderRow, name).label(f"order_{name}")
        for name in (
            "public_id",
            "amount_minor",
            "currency",
            "description",
            "country",
            "customer_name",
            "customer_email",
            "customer_fields",
            "customer_sealed",
            "merchant_reference",
            "order_metadata",
            "status",
            "version",
            "flag",
            "created_at",
            "expires_at",
        )
    ),
)

CUSTOMER_COLUMNS = (
    "customer_name",
    "customer_email",
    "customer_fields",
    "customer_sealed",
    "customer_key_id",
    "customer_email_index",
)
"""What personal_data.py gives the values of."""

INTENT_COLUMNS = (
    "public_id",
    "sequence",
    "attempt_number",
    "provider_code",
    "chosen_because",
    "amount_minor",
    "currency",
    "card_brand",
    "card_bin",
    "card_last4",
    "card_fingerprint",
    "started_at",
    "changed_at",
)
"""What an attempt knows of itself when it starts."""

OPEN_STATUSES = tuple(sorted(OPEN_TRANSACTION_STATUSES))


@dataclass(frozen=True, slots=True)
class LeaseClock:
    """SQL for "now" and "now + seconds", and the parameters they need."""

    uses_database_clock: bool

    @property
    def now(self) -> ColumnElement[Any]:
        if self.uses_database_clock:
            return func.now()
        return bindparam("lease_now", type_=UtcDateTime())

    @property
    def lease_end(self) -> ColumnElement[Any]:
        if self.uses_database_clock:
            zero: ColumnElement[int] = literal_column("0")
            seconds: ColumnElement[float] = bindparam("lease_s")
            return func.now() + func.make_interval(zero, zero, zero, zero, zero, zero, seconds)
        return bindparam("lease_end", type_=UtcDateTime())


revision = select(coalesce(func.max(ConfigurationRow.revision), 0))

order_by_key = select(OrderRow.public_id, OrderRow.request_hash).where(
    OrderRow.idempotency_key == bindparam("key")
)

payable: Select[Any] = select(
    *ORDER_COLUMNS,
    select(func.count())
    .select_from(SubmissionRow)
    .where(
        SubmissionRow.order_id == OrderRow.id,
        SubmissionRow.created_at > bindparam("since", type_=UtcDateTime()),
    )
    .scalar_subquery()
    .label("recent_submissions"),
    select(coalesce(func.max(TransactionRow.sequence), 0))
    .where(TransactionRow.order_id == OrderRow.id)
    .scalar_subquery()
    .label("last_sequence"),
    select(coalesce(func.max(SubmissionRow.number), 0))
    .where(SubmissionRow.order_id == OrderRow.id)
    .scalar_subquery()
    .label("last_submission_number"),
).where(OrderRow.public_id == bindparam("public_id"))

insert_order: Insert = insert(OrderRow).returning(OrderRow.id)
insert_submission: Insert = insert(SubmissionRow).returning(SubmissionRow.id)

claim_order: Update = (
    update(OrderRow)
    .where(
        OrderRow.id == bindparam("key"),
        OrderRow.version == bindparam("expected_version"),
        OrderRow.status.in_((PaymentStatus.PENDING, PaymentStatus.FAILED)),
    )
    .values(
        status=PaymentStatus.PROCESSING,
        version=OrderRow.version + 1,
        updated_at=bindparam("at", type_=UtcDateTime()),
        country=bindparam("new_country"),
        **{name: bindparam(f"new_{name}", type_=ORDERS.c[name].type) for name in CUSTOMER_COLUMNS},
        # Only the first submission brings them; a later one leaves the order where it is counted.
        trial_number=coalesce(
            bindparam("new_trial_number", type_=OrderRow.trial_number.type), OrderRow.trial_number
        ),
        trial_arm=coalesce(
            bindparam("new_trial_arm", type_=OrderRow.trial_arm.type), OrderRow.trial_arm
        ),
    )
)

_NEW_FLAG = bindparam("order_flag", type_=OrderRow.flag.type)

settle_order: Update = (
    update(OrderRow)
    .where(OrderRow.id == bindparam("order_key"), OrderRow.status == PaymentStatus.PROCESSING)
    .values(
        status=bindparam("order_status", type_=OrderRow.status.type),
        version=OrderRow.version + 1,
        paid_transaction_id=bindparam("paid_id"),
        flag=coalesce(_NEW_FLAG, OrderRow.flag),
        # What was dealt with was the flag before this one.
        flag_dealt_at=case((_NEW_FLAG.is_(None), OrderRow.flag_dealt_at)),
        updated_at=bindparam("at", type_=UtcDateTime()),
    )
)

finish_submission: Update = (
    update(SubmissionRow)
    .where(SubmissionRow.id == bindparam("submission_key"), SubmissionRow.finished_at.is_(None))
    .values(
        result=bindparam("new_result", type_=SubmissionRow.result.type),
        finished_at=bindparam("at", type_=UtcDateTime()),
    )
)


@dataclass(frozen=True, slots=True)
class LeasedStatements:
    """The statements that write or compare leases, for one kind of clock."""

    insert_transaction: Insert
    finish_transaction: Update
    submission_by_key: Select[Any]


def leased_statements(clock: LeaseClock) -> LeasedStatements:
    return LeasedStatements(
        insert_transaction=_insert_transaction(clock),
        finish_transaction=_finish_transaction(clock),
        submission_by_key=_submission_by_key(clock),
    )


def _insert_transaction(clock: LeaseClock) -> Insert:
    names = ("order_id", "submission_id", *INTENT_COLUMNS)
    columns = TransactionRow.__table__.c
    values: dict[str, Any] = {name: bindparam(name, type_=columns[name].type) for name in names}
    return (
        insert(TransactionRow)
        .values(
            **values,
            status=TransactionStatus.STARTED,
            version=1,
            token=1,
            checks=0,
            lease_until=clock.lease_end,
        )
        .returning(TransactionRow.id, TransactionRow.lease_until)
    )


_is_given_back = exists().where(
    RefundRow.is_guard,
    # Bound in, as the attempt's own columns would be taken for the refund's within RETURNING.
    RefundRow.provider_code == bindparam("at_provider"),
    RefundRow.payment_reference == bindparam("new_provider_reference"),
)
"""Whether the guard gives the charge back that this outcome names."""


def _finish_transaction(clock: LeaseClock) -> Update:
    learned: dict[str, ColumnElement[Any]] = {
        name: coalesce(bindparam(f"new_{name}"), getattr(TransactionRow, name))
        for name in (
            "provider_reference",
            "redirect_url",
            "decline_scheme",
            "decline_code",
            "decline_advice",
            "decline_reason",
            "decline_class",
            "technical_reason",
            "latency_ms",
        )
    }
    return (
        update(TransactionRow)
        .where(
            TransactionRow.public_id == bindparam("transaction"),
            TransactionRow.version == bindparam("expected_version"),
            TransactionRow.token == coalesce(bindparam("expected_token"), TransactionRow.token),
        )
        .values(
            **learned,
            status=bindparam("new_status", type_=TransactionRow.status.type),
            version=TransactionRow.version + 1,
            answered_at=coalesce(TransactionRow.answered_at, bindparam("at", type_=UtcDateTime())),
            changed_at=bindparam("at", type_=UtcDateTime()),
            next_check_at=bindparam("new_next_check_at", type_=UtcDateTime()),
            lease_until=clock.lease_end,
        )
        .returning(TransactionRow.id, _is_given_back.label("is_given_back"))
    )


def _submission_by_key(clock: LeaseClock) -> Select[Any]:
    is_open_here = and_(
        TransactionRow.submission_id == SubmissionRow.id,
        TransactionRow.status.in_(OPEN_STATUSES),
    )
    return (
        select(
            OrderRow.public_id,
            SubmissionRow.request_hash,
            SubmissionRow.result,
            coalesce(TransactionRow.lease_until > clock.now, False).label("is_leased"),
            TransactionRow.redirect_url,
            TransactionRow.status,
        )
        .join(OrderRow, OrderRow.id == SubmissionRow.order_id)
        .outerjoin(TransactionRow, is_open_here)
        .where(SubmissionRow.idempotency_key == bindparam("key"))
    )
