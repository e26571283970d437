"""Refunds and voids: money that goes back, by staff, by the API or by the guard."""

from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from payorch.domain.refund import OPEN_REFUND_STATUSES, RefundKind, RefundStatus
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
    from payorch.infrastructure.persistence.tables.transactions import TransactionRow

RefundStatusColumn = Enum(
    RefundStatus,
    native_enum=False,
    create_constraint=True,
    name="refund_status",
    length=20,
    values_callable=lambda enum: [member.value for member in enum],
)
RefundKindColumn = Enum(
    RefundKind,
    native_enum=False,
    create_constraint=True,
    name="refund_kind",
    length=10,
    values_callable=lambda enum: [member.value for member in enum],
)

_OPEN = "status IN ({})".format(
    ", ".join(f"'{status.value}'" for status in sorted(OPEN_REFUND_STATUSES))
)
_GUARD = "is_guard"


class RefundRow(Base):
    """One refund or void of one payment. `public_id` is our reference and idempotency key.

    `payment_reference` is the provider's id of the payment that is given back. `is_guard`: the
    double-payment guard asked for it; such money was never counted as paid, so it does not
    count against what can be refunded of the order, and each surplus charge is given back once.
    `contradicted_at`: since when a failed one is said by the provider to have gone back.
    `one_person_limit_minor`: above what two people had to agree when it was asked for, if anything.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("length(currency) = 3", name="currency_length"),
        Index("ix_refunds_order_id", "order_id"),
        Index("ix_refunds_transaction_id", "transaction_id"),
        Index("ix_refunds_status_id", "status", "id"),
        Index("ix_refunds_requested_at_id", "requested_at", "id"),
        Index(
            "ix_refunds_open",
            "next_check_at",
            sqlite_where=text(_OPEN),
            postgresql_where=text(_OPEN),
        ),
        Index(
            "uq_refunds_guarded_charge",
            "provider_code",
            "payment_reference",
            "kind",
            unique=True,
            sqlite_where=text(_GUARD),
            postgresql_where=text(_GUARD),
        ),
        Index(
            "uq_refunds_provider_reference",
            "provider_code",
            "provider_reference",
            unique=True,
            sqlite_where=text("provider_reference IS NOT NULL"),
            postgresql_where=text("provider_reference IS NOT NULL"),
        ),
    )

    id: Mapped[Pk]
    public_id: Mapped[PublicId]
    order_id: Mapped[int] = mapped_column(BigKey, ForeignKey("orders.id"))
    transaction_id: Mapped[int] = mapped_column(BigKey, ForeignKey("transactions.id"))
    kind: Mapped[RefundKind] = mapped_column(RefundKindColumn)
    is_guard: Mapped[bool] = mapped_column(default=False)
    provider_code: Mapped[str] = mapped_column(String(40))
    payment_reference: Mapped[str] = mapped_column(String(120))
    amount_minor: Mapped[MoneyMinor]
    currency: Mapped[CurrencyCode]
    status: Mapped[RefundStatus] = mapped_column(RefundStatusColumn)
    version: Mapped[int] = mapped_column(default=1)
    token: Mapped[int] = mapped_column(default=1)
    lease_until: Mapped[UtcTime]
    provider_reference: Mapped[str | None] = mapped_column(String(120))
    failure_code: Mapped[str | None] = mapped_column(String(60))
    technical_reason: Mapped[str | None] = mapped_column(String(60))
    reason: Mapped[str] = mapped_column(String(500))
    requested_by: Mapped[str] = mapped_column(String(254))
    idempotency_key: Mapped[str | None] = mapped_column(String(200), unique=True)
    request_hash: Mapped[str | None] = mapped_column(String(64))
    requested_at: Mapped[UtcTime]
    sent_at: Mapped[UtcTime | None]
    changed_at: Mapped[UtcTime]
    next_check_at: Mapped[UtcTime | None]
    checks: Mapped[int] = mapped_column(default=0)
    review_since: Mapped[UtcTime | None]
    retries: Mapped[int] = mapped_column(default=0, server_default="0")
    may_send_once_more: Mapped[bool] = mapped_column(default=False, server_default=false())
    contradicted_at: Mapped[UtcTime | None]
    asked_by_staff: Mapped[bool] = mapped_column(default=False, server_default=false())
    one_person_limit_minor: Mapped[int | None] = mapped_column(BigKey)

    order: Mapped["OrderRow"] = relationship(back_populates="refunds", lazy="raise_on_sql")
    transaction: Mapped["TransactionRow"] = relationship(lazy="raise_on_sql")

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_REFUND_STATUSES

    @property
    def may_go_back(self) -> bool:
        """As refund_statements.may_go_back."""
        is_contradicted = self.status is RefundStatus.FAILED and self.contradicted_at is not None
        return self.is_open or is_contradicted

    def __str__(self) -> str:
        return self.public_id
