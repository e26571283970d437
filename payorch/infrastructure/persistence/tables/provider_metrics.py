"""The rollup of attempts by minute, hour and day, that of segments, and how far each has come.

Rows are replaced, never incremented: a rerun gives the same bytes, and no payment ever waits for
one. The hours are sums of the minutes, written in the same transaction; long windows are read
from them. That transaction takes the rows of its days away; days that are over are added up anew
some time later.
"""

from sqlalchemy import JSON, CheckConstraint, Index, PrimaryKeyConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from payorch.infrastructure.persistence.database import Base, MoneyMinor, Pk, UtcTime

CELL_COLUMNS = ("provider_code", "attempt_kind", "currency", "place", "after_provider")
"""What tells the cells of one minute, or one hour, apart."""


class _Counters:
    """`still_open` counts attempts without an answer yet; they are counted again later."""

    approved: Mapped[int]
    voided: Mapped[int]
    declined_issuer: Mapped[int]
    declined_customer_data: Mapped[int]
    not_sent: Mapped[int]
    unknown: Mapped[int]
    abandoned: Mapped[int]
    still_open: Mapped[int]
    approved_amount_minor: Mapped[MoneyMinor]
    orders: Mapped[int]
    paid_orders: Mapped[int]


class _CellColumns(_Counters):
    """Attempts by provider, kind and currency, by their `place` in the submission (1 is the
    first) and the provider tried just before.
    """

    provider_code: Mapped[str] = mapped_column(String(40))
    attempt_kind: Mapped[str] = mapped_column(String(10))
    currency: Mapped[str] = mapped_column(String(3))
    place: Mapped[int]
    after_provider: Mapped[str] = mapped_column(String(40))


class ProviderMinuteRow(_CellColumns, Base):
    """Attempts that *started* in `minute` (UTC, on the minute).

    `latency` is a sparse histogram {bin: attempts} (domain/latency_histogram), `declines` are the
    declined attempts by normalised reason.
    """

    __tablename__ = "provider_minutes"
    __table_args__ = (
        PrimaryKeyConstraint("minute", *CELL_COLUMNS),
        CheckConstraint("attempt_kind IN ('first', 'fallback')", name="attempt_kind"),
        Index("ix_provider_minutes_provider_code_minute", "provider_code", "minute"),
    )

    minute: Mapped[UtcTime]
    latency: Mapped[dict[str, int]] = mapped_column(JSON)
    declines: Mapped[dict[str, int]] = mapped_column(JSON, server_default="{}")


class ProviderHourRow(_CellColumns, Base):
    """The minutes of one hour of UTC together."""

    __tablename__ = "provider_hours"
    __table_args__ = (
        PrimaryKeyConstraint("hour", *CELL_COLUMNS),
        CheckConstraint("attempt_kind IN ('first', 'fallback')", name="attempt_kind"),
    )

    hour: Mapped[UtcTime]


class ProviderHourSpreadRow(Base):
    """Latencies (latency_blobs.py) and declines of one hour. Kinds, places and predecessors are
    together: no chart tells them apart here, and bins are what costs when a long window is read.

    `of_minutes` is the name (rollup_names.py) of all the minutes' rows that the hour was added up
    from, the same in all rows of the hour; empty where an earlier version counted it.
    """

    __tablename__ = "provider_hour_spreads"
    __table_args__ = (PrimaryKeyConstraint("hour", "provider_code", "currency"),)

    hour: Mapped[UtcTime]
    provider_code: Mapped[str] = mapped_column(String(40))
    currency: Mapped[str] = mapped_column(String(3))
    latency: Mapped[bytes]
    declines: Mapped[dict[str, int]] = mapped_column(JSON, server_default="{}")
    of_minutes: Mapped[bytes] = mapped_column(default=b"")


class ProviderDayRow(_CellColumns, Base):
    """The hours of one day of UTC together. A day without rows is read from its hours."""

    __tablename__ = "provider_days"
    __table_args__ = (
        PrimaryKeyConstraint("day", *CELL_COLUMNS),
        CheckConstraint("attempt_kind IN ('first', 'fallback')", name="attempt_kind"),
    )

    day: Mapped[UtcTime]


class ProviderDaySpreadRow(Base):
    """As ProviderHourSpreadRow, of one day. `of_hours` is the name of the hours' rows."""

    __tablename__ = "provider_day_spreads"
    __table_args__ = (PrimaryKeyConstraint("day", "provider_code", "currency"),)

    day: Mapped[UtcTime]
    provider_code: Mapped[str] = mapped_column(String(40))
    currency: Mapped[str] = mapped_column(String(3))
    latency: Mapped[bytes]
    declines: Mapped[dict[str, int]] = mapped_column(JSON, server_default="{}")
    of_hours: Mapped[bytes]


class _SegmentColumns:
    """Attempts of one segment (domain/segment.py) by provider, kind and currency."""

    dimension: Mapped[str] = mapped_column(String(10))
    value: Mapped[str] = mapped_column(String(20))
    provider_code: Mapped[str] = mapped_column(String(40))
    attempt_kind: Mapped[str] = mapped_column(String(10))
    currency: Mapped[str] = mapped_column(String(3))


class SegmentHourRow(_SegmentColumns, _Counters, Base):
    """By the hour of UTC in which they started. The key finds one segment's window at once."""

    __tablename__ = "segment_hours"
    __table_args__ = (
        PrimaryKeyConstraint(
            "dimension", "value", "hour", "provider_code", "attempt_kind", "currency"
        ),
        CheckConstraint("attempt_kind IN ('first', 'fallback')", name="attempt_kind"),
        Index("ix_segment_hours_hour", "hour"),
    )

    hour: Mapped[UtcTime]


class SegmentDayRow(_SegmentColumns, _Counters, Base):
    """The hours of one day of UTC together. The key finds all segments of a window at once."""

    __tablename__ = "segment_days"
    __table_args__ = (
        PrimaryKeyConstraint(
            "dimension", "day", "value", "provider_code", "attempt_kind", "currency"
        ),
        CheckConstraint("attempt_kind IN ('first', 'fallback')", name="attempt_kind"),
        Index("ix_segment_days_day", "day"),
    )

    day: Mapped[UtcTime]


class RollupStateRow(Base):
    """One row per rollup: everything that changed before `watermark` is in it."""

    __tablename__ = "rollup_state"

    id: Mapped[Pk]
    name: Mapped[str] = mapped_column(String(40), unique=True)
    watermark: Mapped[UtcTime]
    ran_at: Mapped[UtcTime]
