"""Circuit breakers as the processes share them, and the history of their openings and holds."""

from sqlalchemy import JSON, CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from payorch.infrastructure.persistence.database import Base, Pk, UtcTime

_LASTS = "ended_at IS NULL"


class ProviderCircuitRow(Base):
    """One row per provider whose circuit ever changed. No payment's transaction touches it.

    `opened_at` is NULL while it is closed. `version` grows with each change that others have to
    learn of; `probe_token` tells the holder of the probe's lease from one who had it before.
    """

    __tablename__ = "provider_circuits"
    __table_args__ = (
        CheckConstraint("(opened_at IS NULL) = (open_until IS NULL)", name="open_has_an_end"),
        CheckConstraint("hold_kind IN ('open', 'closed')", name="hold_kind"),
        CheckConstraint("(hold_kind IS NULL) = (hold_until IS NULL)", name="hold_has_an_end"),
    )

    id: Mapped[Pk]
    provider_code: Mapped[str] = mapped_column(String(40), unique=True)
    version: Mapped[int]
    opened_at: Mapped[UtcTime | None]
    opened_because: Mapped[str | None] = mapped_column(String(20))
    opened_by: Mapped[str | None] = mapped_column(String(254))
    calls: Mapped[int]
    failures: Mapped[int]
    reasons: Mapped[dict[str, int]] = mapped_column(JSON)
    open_until: Mapped[UtcTime | None]
    open_for_s: Mapped[float]
    closed_at: Mapped[UtcTime | None]
    openings: Mapped[int]
    probes_passed: Mapped[int]
    probe_token: Mapped[int]
    probe_until: Mapped[UtcTime | None]
    hold_kind: Mapped[str | None] = mapped_column(String(10))
    hold_since: Mapped[UtcTime | None]
    hold_until: Mapped[UtcTime | None]
    hold_reason: Mapped[str | None] = mapped_column(String(500))
    held_by: Mapped[str | None] = mapped_column(String(254))

    def __str__(self) -> str:
        return self.provider_code


class CircuitIncidentRow(Base):
    """A stretch of an open circuit, or of a hold. `until_at` is a hold's planned end: one that
    ran out has no other.
    """

    __tablename__ = "circuit_incidents"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('failures', 'rate_limited', 'held_open', 'held_closed')", name="kind"
        ),
        Index("ix_circuit_incidents_began_at", "began_at"),
        Index("ix_circuit_incidents_provider_code_id", "provider_code", "id"),
        Index(
            "ix_circuit_incidents_lasting",
            "provider_code",
            sqlite_where=text(_LASTS),
            postgresql_where=text(_LASTS),
        ),
    )

    id: Mapped[Pk]
    provider_code: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(20))
    began_at: Mapped[UtcTime]
    until_at: Mapped[UtcTime | None]
    ended_at: Mapped[UtcTime | None]
    ended_because: Mapped[str | None] = mapped_column(String(20))
    calls: Mapped[int]
    failures: Mapped[int]
    reasons: Mapped[dict[str, int]] = mapped_column(JSON)
    failed_probes: Mapped[int]
    begun_by: Mapped[str] = mapped_column(String(254))
    reason: Mapped[str] = mapped_column(String(500))
