"""The per-minute rollup of finished transactions, and how far it has come."""

from sqlalchemy import JSON, CheckConstraint, Index, PrimaryKeyConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from payorch.infrastructure.persistence.database import Base, MoneyMinor, Pk, UtcTime


class ProviderMinuteRow(Base):
    """Attempts that *started* in `minute` (UTC, on the minute), by provider, kind and currency,
    by their `place` in the submission (1 is the first) and the provider tried just before.

    Rows are replaced, never incremented: a rerun gives the same bytes, and no payment ever
    waits for one. `latency` is a sparse histogram {bucket: count} (domain/latency_histogram).
    `declines` are the declined attempts by normalised reason.
    `still_open` counts attempts without an answer yet; their minute is computed again later.
    """

    __tablename__ = "provider_minutes"
    __table_args__ = (
        PrimaryKeyConstraint(
            "minute", "provider_code", "attempt_kind", "currency", "place", "after_provider"
        ),
        CheckConstraint("attempt_kind IN ('first', 'fallback')", name="attempt_kind"),
        Index("ix_provider_minutes_provider_code_minute", "provider_code", "minute"),
    )

    minute: Mapped[UtcTime]
    provider_code: Mapped[str] = mapped_column(String(40))
    attempt_kind: Mapped[str] = mapped_column(String(10))
    currency: Mapped[str] = mapped_column(String(3))
    place: Mapped[int]
    after_provider: Mapped[str] = mapped_column(String(40))
    approved: Mapped[int]
    voided: Mapped[int]
    declined_issuer: Mapped[int]
    declined_customer_data: Mapped[int]
    not_sent: Mapped[int]
    unknown: Mapped[int]
    abandoned: Mapped[int]
    still_open: Mapped[int]
    approved_amount_minor: Mapped[MoneyMinor]
    latency: Mapped[dict[str, int]] = mapped_column(JSON)
    declines: Mapped[dict[str, int]] = mapped_column(JSON, server_default="{}")


class RollupStateRow(Base):
    """One row per rollup: everything that changed before `watermark` is in it."""

    __tablename__ = "rollup_state"

    id: Mapped[Pk]
    name: Mapped[str] = mapped_column(String(40), unique=True)
    watermark: Mapped[UtcTime]
    ran_at: Mapped[UtcTime]
