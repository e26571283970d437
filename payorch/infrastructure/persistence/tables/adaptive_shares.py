"""Adaptive shares: by segment, as they stand now. Each decision keeps the share it was drawn by."""

from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from payorch.infrastructure.persistence.database import Base, UtcTime


class AdaptiveShareRow(Base):
    """`arms`: {provider code: {"share", "policy_share", "finished", "approved",
    "chance_of_best", "is_demoted"}}, worked out under `policy_version`.
    """

    __tablename__ = "adaptive_shares"

    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    policy_version: Mapped[int]
    arms: Mapped[dict[str, dict[str, Any]]] = mapped_column(JSON)
    updated_at: Mapped[UtcTime]
