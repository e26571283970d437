"""What finance concluded about money that no provider could prove. Two people each."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from payorch.infrastructure.persistence.database import Base, BigKey, Pk, UtcTime

_UNDECIDED = "decided_at IS NULL"
_TWO_PEOPLE = "decided_by IS NULL OR decided_by <> proposed_by"


class _Review:
    """A proposed conclusion with its evidence. Who decides is never who proposed (S51)."""

    id: Mapped[Pk]
    conclusion: Mapped[str] = mapped_column(String(20))
    provider_reference: Mapped[str | None] = mapped_column(String(120))
    evidence: Mapped[str] = mapped_column(String(1000))
    proposed_by: Mapped[str] = mapped_column(String(254))
    proposed_at: Mapped[UtcTime]
    decided_by: Mapped[str | None] = mapped_column(String(254))
    decided_at: Mapped[UtcTime | None]
    is_approved: Mapped[bool | None]
    decision_reason: Mapped[str | None] = mapped_column(String(500))


class ReviewRow(_Review, Base):
    """Of a payment's attempt."""

    __tablename__ = "reviews"
    __table_args__ = (
        CheckConstraint(
            "conclusion IN ('charged', 'not_charged', 'charged_other_amount')", name="conclusion"
        ),
        CheckConstraint(_TWO_PEOPLE, name="two_people"),
        Index("ix_reviews_transaction_id", "transaction_id"),
        Index(
            "uq_reviews_one_open_per_transaction",
            "transaction_id",
            unique=True,
            sqlite_where=text(_UNDECIDED),
            postgresql_where=text(_UNDECIDED),
        ),
    )

    transaction_id: Mapped[int] = mapped_column(BigKey, ForeignKey("transactions.id"))


class RefundReviewRow(_Review, Base):
    """Of a refund or void. `of_retry`: the refund's number of retries then; it is about no later
    one.
    """

    __tablename__ = "refund_reviews"
    __table_args__ = (
        CheckConstraint("conclusion IN ('given_back', 'not_given_back')", name="conclusion"),
        CheckConstraint(_TWO_PEOPLE, name="two_people"),
        Index("ix_refund_reviews_refund_id", "refund_id"),
        Index(
            "uq_refund_reviews_one_open_per_refund",
            "refund_id",
            unique=True,
            sqlite_where=text(_UNDECIDED),
            postgresql_where=text(_UNDECIDED),
        ),
    )

    refund_id: Mapped[int] = mapped_column(BigKey, ForeignKey("refunds.id"))
    of_retry: Mapped[int] = mapped_column(default=0, server_default="0")
