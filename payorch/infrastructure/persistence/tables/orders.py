"""Orders and submissions. Doubles are forbidden here, by constraints, not by careful code."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from payorch.domain.payment_status import PaymentStatus
from payorch.infrastructure.persistence.database import (
    Base,
    BigKey,
    CurrencyCode,
    MoneyMinor,
    Pk,
    PublicId,
    UtcTime,
)

if TYPE_CHECKING:
    from payorch.infrastructure.persistence.tables.refunds import RefundRow
    from payorch.infrastructure.persistence.tables.transactions import TransactionRow

PaymentStatusColumn = Enum(
    PaymentStatus,
    native_enum=False,
    create_constraint=True,
    name="order_status",
    length=20,
    values_callable=lambda enum: [member.value for member in enum],
)


_SEALED = "customer_key_id IS NOT NULL"
_IN_CLEAR = "customer_email IS NOT NULL"
_MAY_EXPIRE = "status IN ('failed', 'pending')"

FLAG_WAITS = "flag IS NOT NULL AND flag_dealt_at IS NULL"
"""As the partial index has it; SQLite takes the index only for these very words."""


class OrderRow(Base):
    """A PaymentOrder. `token_hash` is SHA-256 of the token in the customer's links.

    `idempotency_key` is the creator's key (checkout submit key or API header, prefixed by its
    scope) and `request_hash` what came with it. `paid_transaction_id` is set exactly when the
    order is PAID, and points at a transaction of this very order. `flag` stays as evidence;
    `flag_dealt_at` is when finance was through with it, and empty again after the next flag.
    `trial_number` and `trial_arm`: the trial of a routing policy that counts it, from its first
    submission on.

    Name, e-mail and fields of the customer are in `customer_sealed`, see personal_data.py. The
    three columns in the clear are of rows from before, until they are sealed, too.
    """

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("length(currency) = 3", name="currency_length"),
        CheckConstraint("length(country) = 2", name="country_length"),
        CheckConstraint(
            "(status = 'paid') = (paid_transaction_id IS NOT NULL)", name="paid_has_transaction"
        ),
        ForeignKeyConstraint(
            ["id", "paid_transaction_id"],
            ["transactions.order_id", "transactions.id"],
            name="fk_orders_paid_transaction",
            use_alter=True,
        ),
        Index("ix_orders_created_at_id", "created_at", "id"),
        Index("ix_orders_status_id", "status", "id"),
        Index("ix_orders_customer_email_index_id", "customer_email_index", "id"),
        Index(
            "ix_orders_customer_key_id",
            "customer_key_id",
            "id",
            sqlite_where=text(_SEALED),
            postgresql_where=text(_SEALED),
        ),
        Index(
            "ix_orders_in_clear",
            "customer_email",
            "id",
            sqlite_where=text(_IN_CLEAR),
            postgresql_where=text(_IN_CLEAR),
        ),
        Index("ix_orders_merchant_reference_id", "merchant_reference", "id"),
        Index(
            "ix_orders_may_expire",
            "expires_at",
            sqlite_where=text(_MAY_EXPIRE),
            postgresql_where=text(_MAY_EXPIRE),
        ),
        # A trial counts its orders from this index alone, however many there are.
        Index(
            "ix_orders_trial",
            "trial_number",
            "trial_arm",
            "status",
            sqlite_where=text("trial_number IS NOT NULL"),
            postgresql_where=text("trial_number IS NOT NULL"),
        ),
        Index(
            "ix_orders_flagged",
            "id",
            sqlite_where=text("flag IS NOT NULL"),
            postgresql_where=text("flag IS NOT NULL"),
        ),
        Index(
            "ix_orders_flag_waits",
            "id",
            sqlite_where=text(FLAG_WAITS),
            postgresql_where=text(FLAG_WAITS),
        ),
    )

    # Said aloud: being part of a foreign key, SQLAlchemy would not number it by itself.
    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    public_id: Mapped[PublicId]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    idempotency_key: Mapped[str | None] = mapped_column(String(200), unique=True)
    request_hash: Mapped[str | None] = mapped_column(String(64))
    amount_minor: Mapped[MoneyMinor]
    currency: Mapped[CurrencyCode]
    description: Mapped[str] = mapped_column(String(200))
    country: Mapped[str] = mapped_column(String(2))
    customer_name: Mapped[str | None] = mapped_column(String(120))
    customer_email: Mapped[str | None] = mapped_column(String(254))
    customer_fields: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    customer_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    customer_key_id: Mapped[int | None] = mapped_column(BigKey)
    customer_email_index: Mapped[str | None] = mapped_column(String(32))
    merchant_reference: Mapped[str | None] = mapped_column(String(120))
    order_metadata: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    status: Mapped[PaymentStatus] = mapped_column(PaymentStatusColumn)
    version: Mapped[int] = mapped_column(default=1)
    paid_transaction_id: Mapped[int | None] = mapped_column(BigKey)
    flag: Mapped[str | None] = mapped_column(String(40))
    flag_dealt_at: Mapped[UtcTime | None]
    trial_number: Mapped[int | None]
    trial_arm: Mapped[str | None] = mapped_column(String(10))
    created_at: Mapped[UtcTime]
    updated_at: Mapped[UtcTime]
    expires_at: Mapped[UtcTime]
    erased_at: Mapped[UtcTime | None]
    erased_by: Mapped[str | None] = mapped_column(String(254))

    transactions: Mapped[list["TransactionRow"]] = relationship(
        back_populates="order",
        lazy="raise_on_sql",
        foreign_keys="TransactionRow.order_id",
        order_by="TransactionRow.sequence",
    )
    refunds: Mapped[list["RefundRow"]] = relationship(
        back_populates="order", lazy="raise_on_sql", order_by="RefundRow.id"
    )
    submissions: Mapped[list["SubmissionRow"]] = relationship(
        back_populates="order", lazy="raise_on_sql", order_by="SubmissionRow.id"
    )

    def __str__(self) -> str:
        return self.public_id

    def __repr__(self) -> str:
        return f"OrderRow({self.public_id})"


class SubmissionRow(Base):
    """One press of "Pay": its idempotency key, the routing decision and, when over, its result.

    `candidates` is a list of {"provider", "because", "propensity"} in the order of trying;
    `left_out` of {"provider", "because"}. `routing_rule` is the name of the policy's rule that
    picked the tier list; None is the default order. `trial_number` and `trial_arm` are of
    the trial that was running: a candidate's document is with the trial. `result` is what a replay
    of the same key gets.
    `client_hash` is a keyed hash of the network address it came from, for the limits on testing
    stolen cards. `language` is the one of the page, for letters to the customer.
    """

    __tablename__ = "submissions"
    __table_args__ = (
        UniqueConstraint("order_id", "number"),
        Index("ix_submissions_order_id_created_at", "order_id", "created_at"),
        Index(
            "ix_submissions_client_hash_created_at",
            "client_hash",
            "created_at",
            sqlite_where=text("client_hash IS NOT NULL"),
            postgresql_where=text("client_hash IS NOT NULL"),
        ),
        Index(
            "ix_submissions_trial_number_id",
            "trial_number",
            "id",
            sqlite_where=text("trial_number IS NOT NULL"),
            postgresql_where=text("trial_number IS NOT NULL"),
        ),
    )

    id: Mapped[Pk]
    order_id: Mapped[int] = mapped_column(BigKey, ForeignKey("orders.id"))
    number: Mapped[int]
    idempotency_key: Mapped[str] = mapped_column(String(200), unique=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    preferred_provider: Mapped[str | None] = mapped_column(String(40))
    client_hash: Mapped[str | None] = mapped_column(String(64))
    language: Mapped[str | None] = mapped_column(String(8))
    policy_version: Mapped[int]
    routing_rule: Mapped[str | None] = mapped_column(String(60))
    trial_number: Mapped[int | None]
    trial_arm: Mapped[str | None] = mapped_column(String(10))
    candidates: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    left_out: Mapped[list[dict[str, str]]] = mapped_column(JSON)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[UtcTime]
    finished_at: Mapped[UtcTime | None]

    order: Mapped[OrderRow] = relationship(back_populates="submissions", lazy="raise_on_sql")
