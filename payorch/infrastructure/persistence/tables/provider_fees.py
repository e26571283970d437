"""What providers charge. Append-only: a new fee is a new row, valid from its moment on."""

from sqlalchemy import CheckConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from payorch.infrastructure.persistence.database import (
    Base,
    CurrencyCode,
    MoneyMinor,
    Pk,
    UtcTime,
)


class ProviderFeeRow(Base):
    """`percent_ppm` are millionths of an approved amount: 2.9 % is 29,000."""

    __tablename__ = "provider_fees"
    __table_args__ = (
        UniqueConstraint("provider_code", "currency", "valid_from"),
        CheckConstraint("percent_ppm BETWEEN 0 AND 1000000", name="percent"),
        CheckConstraint("fixed_minor >= 0 AND attempt_minor >= 0", name="not_negative"),
    )

    id: Mapped[Pk]
    provider_code: Mapped[str] = mapped_column(String(40))
    currency: Mapped[CurrencyCode]
    valid_from: Mapped[UtcTime]
    percent_ppm: Mapped[int]
    fixed_minor: Mapped[MoneyMinor]
    attempt_minor: Mapped[MoneyMinor]
    created_at: Mapped[UtcTime]
    created_by: Mapped[str] = mapped_column(String(254))
    reason: Mapped[str] = mapped_column(String(500))
