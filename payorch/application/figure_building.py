"""From counted cells to figures: the arithmetic behind payment_metrics.py, without any reading."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from payorch.application.attempt_counts import AttemptCounts, AttemptKind, CellKey, merge_counts
from payorch.application.metrics_rollup import (
    SHOWN_SHARES,
    CountedCells,
    LatencyPercentiles,
)
from payorch.application.metrics_window import MetricsWindow
from payorch.application.provider_figures import (
    MIN_POINT_N,
    BucketFigures,
    ComparedRate,
    LatencyFigures,
    ProviderFigures,
    RatePoint,
    RecoveredOrders,
)
from payorch.domain.attempt_stats import (
    Interval,
    Tally,
    difference_interval,
    estimate_rate,
    wilson_interval,
)
from payorch.domain.latency_histogram import LatencyHistogram


def counts_of(
    counts: Mapping[CellKey, AttemptCounts], *, kind: AttemptKind | None = None
) -> AttemptCounts:
    """All cells together, or those of one kind."""
    return merge_counts(one for key, one in counts.items() if kind in (None, key.kind))


def rate_point(tally: Tally, *, min_sample: int) -> RatePoint:
    is_shown = tally.finished >= MIN_POINT_N
    return RatePoint(
        approved=tally.approved,
        n=tally.finished,
        rate=tally.rate if is_shown else None,
        interval=wilson_interval(tally) if is_shown else None,
        is_thin=tally.finished < min_sample,
    )


def latency_figures(histogram: LatencyHistogram, *, min_n: int) -> LatencyFigures:
    if histogram.n == 0:
        return _percentile_figures(None, min_n=min_n)
    values_ms = histogram.percentiles(SHOWN_SHARES)
    return _percentile_figures(LatencyPercentiles(histogram.n, values_ms), min_n=min_n)


def _percentile_figures(latency: LatencyPercentiles | None, *, min_n: int) -> LatencyFigures:
    if latency is None or latency.n < min_n:
        n = 0 if latency is None else latency.n
        return LatencyFigures(n=n, p50_ms=None, p95_ms=None, p99_ms=None)
    p50_ms, p95_ms, p99_ms = latency.values_ms
    return LatencyFigures(n=latency.n, p50_ms=p50_ms, p95_ms=p95_ms, p99_ms=p99_ms)


def technical_failure(counts: AttemptCounts) -> Tally:
    """Technical failures among all attempts; "approved" is the counted side of the tally."""
    return Tally(approved=counts.technical_failures, finished=counts.attempts)


def approved_minor(counts: Mapping[CellKey, AttemptCounts]) -> dict[str, int]:
    """Approved amounts in minor units, each currency for itself."""
    by_currency: dict[str, int] = defaultdict(int)
    for key, one in counts.items():
        if one.approved_amount_minor:
            by_currency[key.currency] += one.approved_amount_minor
    return dict(sorted(by_currency.items()))


def recovered_orders(counts: Mapping[CellKey, AttemptCounts]) -> RecoveredOrders:
    """Approved fallback attempts. An order has at most one approval, so each counts once.

    A voided one was paid by the fallback as well: the order stays PAID.
    """
    fallbacks = {key: one for key, one in counts.items() if key.kind is AttemptKind.FALLBACK}
    return RecoveredOrders(
        orders=sum(one.charged for one in fallbacks.values()),
        revenue_minor=approved_minor(fallbacks),
    )


def compared_rate(now: Tally, before: Tally | None, *, min_sample: int) -> ComparedRate:
    change: Interval | None = None
    if before is not None and min(now.finished, before.finished) >= max(min_sample, 1):
        change = difference_interval(now, before)
    return ComparedRate(
        now=estimate_rate(now, min_n=min_sample),
        before=None if before is None else estimate_rate(before, min_n=min_sample),
        change=change,
    )


def cells_by_provider(
    counts: Mapping[CellKey, AttemptCounts],
) -> dict[str, dict[CellKey, AttemptCounts]]:
    """The cells of each provider, providers sorted by code."""
    grouped: dict[str, dict[CellKey, AttemptCounts]] = defaultdict(dict)
    for key, one in counts.items():
        grouped[key.provider_code][key] = one
    return dict(sorted(grouped.items()))


def provider_figures(
    window: MetricsWindow, counted: CountedCells, *, min_sample: int
) -> tuple[ProviderFigures, ...]:
    """One line per provider that had attempts in the window, over every bucket of it."""
    series: dict[str, dict[tuple[datetime, AttemptKind], AttemptCounts]] = defaultdict(dict)
    for key, one in counted.series.items():
        series[key.provider_code][key.at, key.kind] = one
    return tuple(
        _figures_of(window, provider, cells, series[provider], counted, min_sample=min_sample)
        for provider, cells in cells_by_provider(counted.counts).items()
    )


def _figures_of(
    window: MetricsWindow,
    provider: str,
    cells: Mapping[CellKey, AttemptCounts],
    series: Mapping[tuple[datetime, AttemptKind], AttemptCounts],
    counted: CountedCells,
    *,
    min_sample: int,
) -> ProviderFigures:
    first = counts_of(cells, kind=AttemptKind.FIRST)
    fallback = counts_of(cells, kind=AttemptKind.FALLBACK)
    total = merge_counts((first, fallback))
    latency = counted.latencies.get(provider, LatencyHistogram())
    return ProviderFigures(
        provider_code=provider,
        points=_points(window, provider, series, counted, min_sample=min_sample),
        first_approval=estimate_rate(first.approval, min_n=min_sample),
        fallback_approval=estimate_rate(fallback.approval, min_n=min_sample),
        technical_failure=estimate_rate(technical_failure(total), min_n=min_sample),
        latency=latency_figures(latency, min_n=min_sample),
        counts=total,
        first_attempts=first.attempts,
        approved_minor=approved_minor(cells),
        declines=dict(counted.declines.get(provider, {})),
    )


def _points(
    window: MetricsWindow,
    provider: str,
    series: Mapping[tuple[datetime, AttemptKind], AttemptCounts],
    counted: CountedCells,
    *,
    min_sample: int,
) -> tuple[BucketFigures, ...]:
    no_attempts = AttemptCounts()
    points = []
    for at in window.buckets():
        first = series.get((at, AttemptKind.FIRST), no_attempts)
        fallback = series.get((at, AttemptKind.FALLBACK), no_attempts)
        latency = counted.series_latencies.get((at, provider))
        points.append(
            BucketFigures(
                at=at,
                until=window.bucket_end(at),
                first_approval=rate_point(first.approval, min_sample=min_sample),
                fallback_approval=rate_point(fallback.approval, min_sample=min_sample),
                latency=_percentile_figures(latency, min_n=MIN_POINT_N),
                counts=merge_counts((first, fallback)),
            )
        )
    return tuple(points)
