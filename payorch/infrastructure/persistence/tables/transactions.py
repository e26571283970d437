"""Transactions (attempts at providers) and the evidence that came for them."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Enum,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from payorch.domain.payment_status import OPEN_TRANSACTION_STATUSES, TransactionStatus
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
    from payorch.infrastructure.persistence.tables.orders import OrderRow

TransactionStatusColumn = Enum(
    TransactionStatus,
    native_enum=False,
    create_constraint=True,
    name="transaction_status",
    length=20,
    values_callable=lambda enum: [member.value for member in enum],
)

_OPEN = "status IN ({})".format(
    ", ".join(f"'{status.value}'" for status in sorted(OPEN_TRANSACTION_STATUSES))
)
_APPROVED = "status = 'approved'"
_DECLINED = "status = 'declined'"
_UNKNOWN = "status = 'unknown'"


class TransactionRow(Base):
    """One attempt. `public_id` is our reference and the idempotency key at the provider.

    `changed_at` moves with every change and is what the metrics rollup follows; `started_at` is
    the time an attempt is counted at. `next_check_at` is when the reconciler looks again.
    `card_fingerprint` is a keyed hash of the card number, for the schemes' retry caps.
    """

    __tablename__ = "transactions"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("length(currency) = 3", name="currency_length"),
        UniqueConstraint("order_id", "sequence"),
        UniqueConstraint("order_id", "id"),
        Index(
            "uq_transactions_one_approved_per_order",
            "order_id",
            unique=True,
            sqlite_where=text(_APPROVED),
            postgresql_where=text(_APPROVED),
        ),
        Index(
            "uq_transactions_one_open_per_order",
            "order_id",
            unique=True,
            sqlite_where=text(_OPEN),
            postgresql_where=text(_OPEN),
        ),
        Index(
            "uq_transactions_provider_reference",
            "provider_code",
            "provider_reference",
            unique=True,
            sqlite_where=text("provider_reference IS NOT NULL"),
            postgresql_where=text("provider_reference IS NOT NULL"),
        ),
        Index(
            "ix_transactions_open",
            "next_check_at",
            sqlite_where=text(_OPEN),
            postgresql_where=text(_OPEN),
        ),
        Index(
            "ix_transactions_reviewed",
            "id",
            sqlite_where=text("review_since IS NOT NULL"),
            postgresql_where=text("review_since IS NOT NULL"),
        ),
        Index(
            "ix_transactions_unknown",
            "started_at",
            "provider_code",
            "currency",
            sqlite_where=text(_UNKNOWN),
            postgresql_where=text(_UNKNOWN),
        ),
        Index("ix_transactions_started_at_id", "started_at", "id"),
        Index("ix_transactions_changed_at", "changed_at"),
        Index("ix_transactions_provider_code_id", "provider_code", "id"),
        Index("ix_transactions_provider_reference", "provider_reference"),
        Index("ix_transactions_status_id", "status", "id"),
        Index(
            "ix_transactions_card_bin_started_at",
            "card_bin",
            "started_at",
            sqlite_where=text("card_bin IS NOT NULL"),
            postgresql_where=text("card_bin IS NOT NULL"),
        ),
        # Every submission counts recent declines; an attempt that is approved never gets here.
        Index(
            "ix_transactions_declined_card_bin",
            "card_bin",
            "started_at",
            sqlite_where=text(_DECLINED),
            postgresql_where=text(_DECLINED),
        ),
        Index(
            "ix_transactions_declined_card_fingerprint",
            "card_fingerprint",
            "started_at",
            sqlite_where=text(_DECLINED),
            postgresql_where=text(_DECLINED),
        ),
    )

    id: Mapped[Pk]
    public_id: Mapped[PublicId]
    order_id: Mapped[int] = mapped_column(BigKey, ForeignKey("orders.id"))
    submission_id: Mapped[int] = mapped_column(BigKey, ForeignKey("submissions.id"), index=True)
    sequence: Mapped[int]
    attempt_number: Mapped[int]
    provider_code: Mapped[str] = mapped_column(String(40))
    chosen_because: Mapped[str] = mapped_column(String(40))
    status: Mapped[TransactionStatus] = mapped_column(TransactionStatusColumn)
    version: Mapped[int] = mapped_column(default=1)
    token: Mapped[int] = mapped_column(default=1)
    lease_until: Mapped[UtcTime]
    amount_minor: Mapped[MoneyMinor]
    currency: Mapped[CurrencyCode]
    provider_reference: Mapped[str | None] = mapped_column(String(120))
    redirect_url: Mapped[str | None] = mapped_column(String(500))
    decline_scheme: Mapped[str | None] = mapped_column(String(20))
    decline_code: Mapped[str | None] = mapped_column(String(60))
    decline_advice: Mapped[str | None] = mapped_column(String(20))
    decline_reason: Mapped[str | None] = mapped_column(String(60))
    decline_class: Mapped[str | None] = mapped_column(String(40))
    technical_reason: Mapped[str | None] = mapped_column(String(60))
    latency_ms: Mapped[int | None]
    card_brand: Mapped[str | None] = mapped_column(String(20))
    card_bin: Mapped[str | None] = mapped_column(String(8))
    card_last4: Mapped[str | None] = mapped_column(String(4))
    card_fingerprint: Mapped[str | None] = mapped_column(String(64))
    started_at: Mapped[UtcTime]
    answered_at: Mapped[UtcTime | None]
    changed_at: Mapped[UtcTime]
    next_check_at: Mapped[UtcTime | None]
    checks: Mapped[int] = mapped_column(default=0)
    review_since: Mapped[UtcTime | None]

    order: Mapped["OrderRow"] = relationship(
        back_populates="transactions", lazy="raise_on_sql", foreign_keys=[order_id]
    )
    evidence: Mapped[list["EvidenceRow"]] = relationship(
        back_populates="transaction", lazy="raise_on_sql", order_by="EvidenceRow.id"
    )

    def __str__(self) -> str:
        return self.public_id


class EvidenceRow(Base):
    """What was learned about a transaction outside its own call: lookups, cancels, late events.

    `was_applied` false means it contradicted what was known and was kept only as evidence.
    """

    __tablename__ = "transaction_evidence"
    __table_args__ = (
        Index(
            "ix_transaction_evidence_not_applied",
            "created_at",
            sqlite_where=text("NOT was_applied"),
            postgresql_where=text("NOT was_applied"),
        ),
    )

    id: Mapped[Pk]
    transaction_id: Mapped[int] = mapped_column(BigKey, ForeignKey("transactions.id"), index=True)
    source: Mapped[str] = mapped_column(String(40))
    outcome: Mapped[str] = mapped_column(String(40))
    was_applied: Mapped[bool]
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[UtcTime]

    transaction: Mapped[TransactionRow] = relationship(
        back_populates="evidence", lazy="raise_on_sql"
    )
