"""What is watched about the numbers, and what was found."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from payorch.infrastructure.persistence.database import Base, BigKey, Pk, UtcTime

_OPEN = "closed_at IS NULL"


class AlertRuleRow(Base):
    """`threshold_milli` in thousandths of the measure's unit. Rules are never deleted."""

    __tablename__ = "alert_rules"

    id: Mapped[Pk]
    name: Mapped[str] = mapped_column(String(80), unique=True)
    measure: Mapped[str] = mapped_column(String(30))
    threshold_milli: Mapped[int]
    window_min: Mapped[int]
    min_sample: Mapped[int]
    is_enabled: Mapped[bool]
    version: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[UtcTime]


class MetricAlertRow(Base):
    """`provider_code` "" is about all of them. `since_at` is a hint from the numbers."""

    __tablename__ = "metric_alerts"
    __table_args__ = (
        Index(
            "uq_metric_alerts_open",
            "rule_id",
            "provider_code",
            unique=True,
            sqlite_where=text(_OPEN),
            postgresql_where=text(_OPEN),
        ),
        Index("ix_metric_alerts_opened_at", "opened_at"),
    )

    id: Mapped[Pk]
    rule_id: Mapped[int] = mapped_column(BigKey, ForeignKey("alert_rules.id"))
    provider_code: Mapped[str] = mapped_column(String(40))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    since_at: Mapped[UtcTime | None]
    opened_at: Mapped[UtcTime]
    last_found_at: Mapped[UtcTime]
    closed_at: Mapped[UtcTime | None]
    acknowledged_at: Mapped[UtcTime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(String(254))
    note: Mapped[str | None] = mapped_column(String(500))
