"""What staff ruled that codes mean. Append-only: the highest number of a code is in force."""

from datetime import date

from sqlalchemy import Date, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from payorch.infrastructure.persistence.database import Base, Pk, UtcTime


class DeclineRulingRow(Base):
    """Scheme and code are as they are compared: in lower case. Withdrawn: the table counts again.

    A withdrawal repeats the ruling that it ends.
    """

    __tablename__ = "decline_rulings"
    __table_args__ = (UniqueConstraint("signal", "scheme", "code", "number"),)

    id: Mapped[Pk]
    signal: Mapped[str] = mapped_column(String(10))
    scheme: Mapped[str] = mapped_column(String(20))
    code: Mapped[str] = mapped_column(String(60))
    number: Mapped[int]
    is_withdrawn: Mapped[bool]
    decline_reason: Mapped[str] = mapped_column(String(60))
    decline_class: Mapped[str] = mapped_column(String(40))
    failover: Mapped[str] = mapped_column(String(20))
    retry_later: Mapped[str] = mapped_column(String(20))
    wait_h: Mapped[int | None]
    customer_text: Mapped[str] = mapped_column(String(40))
    effective_from: Mapped[date] = mapped_column(Date)
    created_at: Mapped[UtcTime]
    created_by: Mapped[str] = mapped_column(String(254))
    reason: Mapped[str] = mapped_column(String(500))
