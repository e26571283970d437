"""Tries to log in, counted for each account and each network that were tried lately; and how
often somebody checked out, looked up orders, called the API or took an export away.
"""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from payorch.infrastructure.persistence.database import Base, UtcTime


class LoginCountRow(Base):
    """`key` is a keyed hash: people type passwords where their e-mail address belongs."""

    __tablename__ = "login_counts"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    tries: Mapped[int]
    ends_at: Mapped[UtcTime] = mapped_column(index=True)

    def __str__(self) -> str:
        return self.key
