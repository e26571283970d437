"""What staff write down about an order, for each other."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from payorch.infrastructure.persistence.database import Base, BigKey, Pk, UtcTime


class OrderNoteRow(Base):
    """One note. `dedup_key` keeps a form that is sent twice from writing it twice."""

    __tablename__ = "order_notes"

    id: Mapped[Pk]
    order_id: Mapped[int] = mapped_column(BigKey, ForeignKey("orders.id"), index=True)
    dedup_key: Mapped[str] = mapped_column(String(100), unique=True)
    author: Mapped[str] = mapped_column(String(254))
    text: Mapped[str] = mapped_column(String(1000))
    created_at: Mapped[UtcTime]
