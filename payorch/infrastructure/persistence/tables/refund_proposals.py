"""Large refunds that one person has asked for, and what a second one said (security.md, S51)."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from payorch.domain.refund import RefundKind
from payorch.infrastructure.persistence.database import (
    Base,
    BigKey,
    CurrencyCode,
    MoneyMinor,
    Pk,
    UtcTime,
)
from payorch.infrastructure.persistence.tables.orders import OrderRow
from payorch.infrastructure.persistence.tables.refunds import RefundKindColumn

PROPOSAL_OPEN = "state = 'open'"
"""As the partial indexes have it; SQLite takes an index only for these very words."""


class RefundProposalRow(Base):
    """`limit_minor` is what one person may give back alone, as it was then; `counted_minor` what
    staff had asked for of the order within a day before. Only the proposer withdraws, and only
    somebody else approves or rejects. `refund_id` is what an approved one has opened.
    """

    __tablename__ = "refund_proposals"
    __table_args__ = (
        CheckConstraint(
            "state IN ('open', 'approved', 'rejected', 'withdrawn', 'expired')", name="state"
        ),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint(
            "state NOT IN ('approved', 'rejected') "
            "OR (decided_by IS NOT NULL AND decided_by <> proposed_by)",
            name="two_people",
        ),
        CheckConstraint("(state = 'approved') = (refund_id IS NOT NULL)", name="refund"),
        CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided"),
        Index("ix_refund_proposals_order_id", "order_id"),
        Index("ix_refund_proposals_proposed_at_id", "proposed_at", "id"),
        Index(
            "uq_refund_proposals_one_open_per_order",
            "order_id",
            unique=True,
            sqlite_where=text(PROPOSAL_OPEN),
            postgresql_where=text(PROPOSAL_OPEN),
        ),
        Index(
            "uq_refund_proposals_refund_id",
            "refund_id",
            unique=True,
            sqlite_where=text("refund_id IS NOT NULL"),
            postgresql_where=text("refund_id IS NOT NULL"),
        ),
    )

    id: Mapped[Pk]
    order_id: Mapped[int] = mapped_column(BigKey, ForeignKey("orders.id"))
    kind: Mapped[RefundKind] = mapped_column(RefundKindColumn)
    amount_minor: Mapped[MoneyMinor]
    currency: Mapped[CurrencyCode]
    reason: Mapped[str] = mapped_column(String(500))
    limit_minor: Mapped[int] = mapped_column(BigKey)
    counted_minor: Mapped[int] = mapped_column(BigKey)
    idempotency_key: Mapped[str] = mapped_column(String(200), unique=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(10))
    proposed_by: Mapped[str] = mapped_column(String(254))
    proposed_at: Mapped[UtcTime]
    expires_at: Mapped[UtcTime]
    decided_by: Mapped[str | None] = mapped_column(String(254))
    decided_at: Mapped[UtcTime | None]
    decision_reason: Mapped[str | None] = mapped_column(String(500))
    refund_id: Mapped[int | None] = mapped_column(BigKey, ForeignKey("refunds.id"))

    order: Mapped[OrderRow] = relationship(lazy="raise_on_sql")

    def __str__(self) -> str:
        return f"proposal {self.id}"
