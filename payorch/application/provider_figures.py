"""The numbers a screen shows about providers and orders, ready to print, with their n.

Every rate is a RateEstimate or NotEnoughData; points of a line below `MIN_POINT_N` are gaps.
Values only: how they are computed is payment_metrics.py's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from payorch.application.attempt_counts import AttemptCounts
from payorch.application.fallback_flow import FallbackFlow
from payorch.application.metrics_window import MetricsWindow
from payorch.domain.attempt_stats import Interval, NotEnoughData, RateEstimate
from payorch.domain.segment import Segment

Rate = RateEstimate | NotEnoughData

MIN_POINT_N = 5
"""Fewer attempts than this in a bucket leave a gap in the line: a rate of 1 of 2 is no news.

Points from here to the minimum sample are drawn hollow, with their wide band telling why.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsQuery:
    """What the dashboard is asked for. No `providers` means all of them.

    With a `segment` the window is whole hours, and only what segments count can be told.
    """

    window: MetricsWindow
    providers: frozenset[str] = frozenset()
    currency: str | None = None
    compare: bool = True
    segment: Segment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RatePoint:
    """A rate in one bucket: `approved` of `n` finished attempts.

    `rate` is None below MIN_POINT_N; `is_thin` below the minimum sample.
    """

    approved: int
    n: int
    rate: float | None
    interval: Interval | None
    is_thin: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyFigures:
    """Percentiles in ms of `n` attempts, true to 1 %; None where there are too few attempts."""

    n: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketFigures:
    """One provider in one bucket. `counts` holds first and fallback attempts together."""

    at: datetime
    until: datetime
    first_approval: RatePoint
    fallback_approval: RatePoint
    latency: LatencyFigures
    counts: AttemptCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFigures:
    """One provider over the window: its line, and the totals that the table prints."""

    provider_code: str
    points: tuple[BucketFigures, ...]
    first_approval: Rate
    fallback_approval: Rate
    technical_failure: Rate
    latency: LatencyFigures
    counts: AttemptCounts
    first_attempts: int
    approved_minor: Mapping[str, int]
    declines: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRate:
    """A rate, the one of the previous window, and what can be said of the difference.

    `change` (now - before, 95 % interval) is None without two comparable rates. Only when it
    excludes zero, `is_clear`, the screen speaks of better or worse.
    """

    now: Rate
    before: Rate | None
    change: Interval | None

    @property
    def delta(self) -> float | None:
        if isinstance(self.now, RateEstimate) and isinstance(self.before, RateEstimate):
            return self.now.rate - self.before.rate
        return None

    @property
    def is_clear(self) -> bool:
        return self.change is not None and 0.0 not in self.change


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveredOrders:
    """Orders paid by a later provider after the first failed, and their amounts by currency."""

    orders: int
    revenue_minor: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownBacklog:
    """Attempts whose outcome is unknown right now, whenever they started."""

    attempts: int
    oldest_age: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """`*_before` is None when no comparison was asked for. The backlog is of this moment."""

    order_conversion: ComparedRate
    first_approval: ComparedRate
    technical_failure: ComparedRate
    latency: LatencyFigures
    latency_before: LatencyFigures | None
    recovered: RecoveredOrders
    recovered_before: RecoveredOrders | None
    unknown: UnknownBacklog


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How far the rollup has come. The numbers include everything after it, read directly."""

    watermark: datetime | None
    lag: timedelta | None
    minutes_read_directly: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFigures:
    """First attempts of one segment at one provider, in the hours that the window touches."""

    segment: Segment
    provider_code: str
    first_approval: RatePoint


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardFigures:
    query: MetricsQuery
    tiles: Tiles
    providers: tuple[ProviderFigures, ...]
    freshness: Freshness
    flow: FallbackFlow
    """Of all providers, whatever is filtered: who was tried next says little without them."""
    segments: tuple[SegmentFigures, ...] = ()
    """Of all of them, whichever is asked for: two dimensions are not counted together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSummary:
    """One provider over the last 24 hours, for the routing board.

    `approval` is of first attempts; `share_of_traffic` of all providers' first attempts, 0..1,
    None when there were none. `sparkline` is the first-attempt approval rate hour by hour,
    oldest first, None where there were fewer than MIN_POINT_N. A provider without any attempt
    has no summary.
    """

    provider_code: str
    approval: Rate
    attempts: int
    latency: LatencyFigures
    share_of_traffic: float | None
    recovered: RecoveredOrders
    sparkline: tuple[float | None, ...]
