"""How staff have arranged their lists: which columns, and views under names of their own."""

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from payorch.application.own_lists import MAX_VIEW_NAME
from payorch.infrastructure.persistence.database import Base, BigKey, Pk, PublicId, UtcTime

MAX_LIST_NAME = 40


class ListColumnsRow(Base):
    """There is none for somebody who sees the list's own columns."""

    __tablename__ = "staff_list_columns"
    __table_args__ = (UniqueConstraint("staff_id", "list_name"),)

    id: Mapped[Pk]
    staff_id: Mapped[int] = mapped_column(BigKey, ForeignKey("staff.id"))
    list_name: Mapped[str] = mapped_column(String(MAX_LIST_NAME))
    columns: Mapped[list[str]] = mapped_column(JSON)

    def __str__(self) -> str:
        return self.list_name


class ListViewRow(Base):
    __tablename__ = "staff_list_views"
    __table_args__ = (UniqueConstraint("staff_id", "list_name", "name"),)

    id: Mapped[Pk]
    public_id: Mapped[PublicId]
    staff_id: Mapped[int] = mapped_column(BigKey, ForeignKey("staff.id"))
    list_name: Mapped[str] = mapped_column(String(MAX_LIST_NAME))
    name: Mapped[str] = mapped_column(String(MAX_VIEW_NAME))
    filters: Mapped[dict[str, str]] = mapped_column(JSON)
    created_at: Mapped[UtcTime]

    def __str__(self) -> str:
        return self.name
