"""Staff accounts and roles, in the shape that Flask-Security works with."""

from typing import Any

from flask_security import AsaList, RoleMixin, UserMixin
from sqlalchemy import JSON, Column, ForeignKey, String, Table
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import Mapped, mapped_column, relationship

from payorch.infrastructure.persistence.database import Base, BigKey, Pk, UtcTime

staff_roles = Table(
    "staff_roles",
    Base.metadata,
    Column("staff_id", BigKey, ForeignKey("staff.id"), primary_key=True),
    Column("role_id", BigKey, ForeignKey("roles.id"), primary_key=True),
)


class PermissionList(AsaList):
    """Flask-Security's list in a text column, made safe to keep in SQLAlchemy's statement cache."""

    cache_ok = True


class RoleRow(Base, RoleMixin):
    __tablename__ = "roles"

    id: Mapped[Pk]
    name: Mapped[str] = mapped_column(String(80), unique=True)
    description: Mapped[str | None] = mapped_column(String(255))
    permissions: Mapped[list[str] | None] = mapped_column(MutableList.as_mutable(PermissionList()))


class StaffRow(Base, UserMixin):
    __tablename__ = "staff"

    id: Mapped[Pk]
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    preferences: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    create_datetime: Mapped[UtcTime]
    update_datetime: Mapped[UtcTime]

    roles: Mapped[list[RoleRow]] = relationship(  # type: ignore[assignment]  # list is invariant
        secondary=staff_roles, lazy="selectin"
    )

    def __str__(self) -> str:
        return self.email
