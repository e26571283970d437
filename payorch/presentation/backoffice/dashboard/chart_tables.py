"""The same numbers as tables: beside each chart for those who cannot see it, and as CSV."""

from collections.abc import Callable, Iterator, Sequence

from payorch.application.provider_figures import (
    BucketFigures,
    DashboardFigures,
    ProviderFigures,
    Rate,
    RatePoint,
)
from payorch.domain.attempt_stats import RateEstimate, wilson_interval
from payorch.domain.segment import SegmentDimension
from payorch.presentation.backoffice.dashboard.chart_layout import ProviderLook
from payorch.presentation.backoffice.dashboard.decline_chart import reasons_of
from payorch.presentation.backoffice.dashboard.outcome_chart import OUTCOMES
from payorch.presentation.backoffice.dashboard.segment_chart import (
    segment_chart_name,
    segment_chart_title,
    segment_figures,
)
from payorch.presentation.backoffice.dashboard.table_cells import (
    INTERVAL_COLUMNS,
    Amount,
    Row,
    Share,
    Table,
)
from payorch.presentation.backoffice.payments.payment_texts import worded
from payorch.presentation.backoffice.segment_texts import DIMENSION_TITLES, segment_name

RATE_COLUMNS = ("Approved", "Finished", "Rate", *INTERVAL_COLUMNS)


def chart_table(name: str, figures: DashboardFigures, look: ProviderLook) -> Table | None:
    """The table of the chart called `name`; None when there is no such chart."""
    build = _TABLES.get(name)
    return None if build is None else build(figures, look)


def _buckets(figures: DashboardFigures, look: ProviderLook) -> Iterator[tuple[str, BucketFigures]]:
    """Buckets with attempts, the newest first."""
    found = [
        (look.name(provider.provider_code), bucket)
        for provider in figures.providers
        for bucket in provider.points
        if bucket.counts.attempts
    ]
    yield from sorted(found, key=lambda one: (-one[1].at.timestamp(), one[0]))


def _rate_cells(point: RatePoint) -> Row:
    return (
        point.approved,
        point.n,
        Share(point.rate),
        Share(point.interval.low if point.interval else None),
        Share(point.interval.high if point.interval else None),
    )


def _rate_table(
    name: str, title: str, point_of: Callable[[BucketFigures], RatePoint]
) -> Callable[[DashboardFigures, ProviderLook], Table]:
    def build(figures: DashboardFigures, look: ProviderLook) -> Table:
        columns = (
            "From (UTC)",
            "Provider",
            *RATE_COLUMNS,
        )
        rows: list[Row] = [
            (
                bucket.at,
                provider,
                *_rate_cells(point),
            )
            for provider, bucket in _buckets(figures, look)
            for point in [point_of(bucket)]
            if point.n
        ]
        return Table(name, title, columns, rows)

    return build


def _latency_table(figures: DashboardFigures, look: ProviderLook) -> Table:
    columns = ("From (UTC)", "Provider", "Answered", "p50 (ms)", "p95 (ms)", "p99 (ms)")
    rows: list[Row] = [
        (
            bucket.at,
            provider,
            bucket.latency.n,
            bucket.latency.p50_ms,
            bucket.latency.p95_ms,
            bucket.latency.p99_ms,
        )
        for provider, bucket in _buckets(figures, look)
        if bucket.latency.n
    ]
    return Table("latency", "Latency", columns, rows)


def _outcome_table(figures: DashboardFigures, look: ProviderLook) -> Table:
    columns = ("Provider", *(outcome.name for outcome in OUTCOMES), "All attempts")
    rows: list[Row] = [
        (
            look.name(provider.provider_code),
            *(int(getattr(provider.counts, outcome.counter)) for outcome in OUTCOMES),
            provider.counts.attempts,
        )
        for provider in figures.providers
    ]
    return Table("outcomes", "Outcomes", columns, rows)


def _decline_table(figures: DashboardFigures, look: ProviderLook) -> Table:
    total = reasons_of(figures.providers).total()
    rows: list[Row] = [
        (worded(reason), look.name(provider.provider_code), count, Share(count / total))
        for reason, _ in reasons_of(figures.providers).most_common()
        for provider in figures.providers
        for count in [provider.declines.get(reason, 0)]
        if count
    ]
    columns = ("Reason", "Provider", "Declined", "Of all declines")
    return Table("declines", "Reasons for declines", columns, rows)


def _segment_table(
    dimension: SegmentDimension,
) -> Callable[[DashboardFigures, ProviderLook], Table]:
    def build(figures: DashboardFigures, look: ProviderLook) -> Table:
        columns = (
            DIMENSION_TITLES[dimension],
            "Provider",
            *RATE_COLUMNS,
        )
        rows: list[Row] = [
            (
                segment_name(one.segment),
                look.name(one.provider_code),
                *_rate_cells(point),
            )
            for one in segment_figures(figures, dimension)
            for point in [one.first_approval]
            if point.n
        ]
        return Table(segment_chart_name(dimension), segment_chart_title(dimension), columns, rows)

    return build


def _volume_table(figures: DashboardFigures, look: ProviderLook) -> Table:
    rows: list[Row] = [
        (bucket.at, provider, bucket.counts.attempts)
        for provider, bucket in _buckets(figures, look)
    ]
    return Table("volume", "Volume", ("From (UTC)", "Provider", "Attempts"), rows)


def _flow_table(figures: DashboardFigures, look: ProviderLook) -> Table:
    """Per pair: what the one recovered of what the other had not got paid."""
    columns = (
        "After",
        "Provider",
        "Finished attempts",
        "Recovered orders",
        "Approval",
        *INTERVAL_COLUMNS,
        "Currency",
        "Recovered revenue",
    )
    rows: list[Row] = []
    for pair in figures.flow.pairs:
        n = pair.approval.finished
        interval = wilson_interval(pair.approval) if n else None
        row = (
            look.name(pair.after),
            look.name(pair.provider_code),
            n,
            pair.recovered,
            Share(pair.approval.rate if n else None),
            Share(interval.low if interval else None),
            Share(interval.high if interval else None),
        )
        for currency, amount_minor in pair.revenue_minor.items():
            rows.append((*row, currency, Amount(amount_minor, currency)))
        if not pair.revenue_minor:
            rows.append((*row, None, None))
    return Table("flow", "Fallback, provider by provider", columns, rows)


def _money_table(figures: DashboardFigures, look: ProviderLook) -> Table:
    rows: list[Row] = [
        (look.name(provider.provider_code), currency, Amount(amount_minor, currency))
        for provider in figures.providers
        for currency, amount_minor in provider.approved_minor.items()
    ]
    return Table("money", "Approved amounts", ("Provider", "Currency", "Approved"), rows)


def _provider_table(figures: DashboardFigures, look: ProviderLook) -> Table:
    columns = (
        "Provider",
        "Attempts",
        "First-attempt approval",
        *INTERVAL_COLUMNS,
        "n",
        "Fallback approval",
        "Fallback n",
        "Technical failures",
        "p50 (ms)",
        "p95 (ms)",
        "p99 (ms)",
    )
    rows = [_provider_row(provider, look) for provider in figures.providers]
    return Table("providers", "Providers", columns, rows)


def _provider_row(provider: ProviderFigures, look: ProviderLook) -> Row:
    first = provider.first_approval
    return (
        look.name(provider.provider_code),
        provider.counts.attempts,
        Share(_rate_of(first)),
        Share(first.interval.low if isinstance(first, RateEstimate) else None),
        Share(first.interval.high if isinstance(first, RateEstimate) else None),
        first.n,
        Share(_rate_of(provider.fallback_approval)),
        provider.fallback_approval.n,
        Share(_rate_of(provider.technical_failure)),
        provider.latency.p50_ms,
        provider.latency.p95_ms,
        provider.latency.p99_ms,
    )


def _rate_of(rate: Rate) -> float | None:
    return rate.rate if isinstance(rate, RateEstimate) else None


_TABLES: dict[str, Callable[[DashboardFigures, ProviderLook], Table]] = {
    "approval": _rate_table(
        "approval", "First-attempt approval rate", lambda bucket: bucket.first_approval
    ),
    "fallback": _rate_table(
        "fallback", "Fallback approval rate", lambda bucket: bucket.fallback_approval
    ),
    "latency": _latency_table,
    "outcomes": _outcome_table,
    "flow": _flow_table,
    "heat": _rate_table(
        "heat", "Approval by provider and time", lambda bucket: bucket.first_approval
    ),
    **{segment_chart_name(dimension): _segment_table(dimension) for dimension in SegmentDimension},
    "declines": _decline_table,
    "volume": _volume_table,
    "money": _money_table,
    "providers": _provider_table,
}
TABLE_NAMES: Sequence[str] = tuple(_TABLES)
