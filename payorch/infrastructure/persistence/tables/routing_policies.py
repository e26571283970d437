"""Routing policies: published ones are immutable rows, one per version; each person has a draft."""

from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from payorch.infrastructure.persistence.database import Base, Pk, UtcTime


class RoutingPolicyRow(Base):
    """`document`: {"rules": [...], "entries": [{"provider", "tier", "weight"}],
    "exploration_share": 0.0}. A rule: {"name", "when": {...}, "entries": [...], "then_default"};
    "when" holds the conditions there are: "currencies", "countries", "kinds", "card_brands",
    "bin_prefixes" (lists), "amount" {"currency", "min_minor", "max_minor"}.
    """

    __tablename__ = "routing_policies"

    id: Mapped[Pk]
    version: Mapped[int] = mapped_column(unique=True)
    based_on_version: Mapped[int | None]
    restores_version: Mapped[int | None]
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    published_by: Mapped[str] = mapped_column(String(254))
    reason: Mapped[str] = mapped_column(String(500))
    published_at: Mapped[UtcTime]


class RoutingDraftRow(Base):
    """What `owner` (an e-mail address) is editing; `document` as in a published policy."""

    __tablename__ = "routing_drafts"

    id: Mapped[Pk]
    owner: Mapped[str] = mapped_column(String(254), unique=True)
    based_on_version: Mapped[int]
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    saved_at: Mapped[UtcTime]
