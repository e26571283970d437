"""Published routing policies: immutable rows, one per version."""

from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from payorch.infrastructure.persistence.database import Base, Pk, UtcTime


class RoutingPolicyRow(Base):
    """`document`: {"entries": [{"provider", "tier", "weight"}], "exploration_share": 0.0}."""

    __tablename__ = "routing_policies"

    id: Mapped[Pk]
    version: Mapped[int] = mapped_column(unique=True)
    based_on_version: Mapped[int | None]
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    published_by: Mapped[str] = mapped_column(String(254))
    reason: Mapped[str] = mapped_column(String(500))
    published_at: Mapped[UtcTime]
