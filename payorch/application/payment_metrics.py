"""Every number about payments that a chart, a tile, the CSV or the API shows: one definition each.

- First-attempt approval rate: approved / finished attempts, counting only first attempts of a
  submission. Finished are all final states, customer-data declines included; attempts that are
  unknown or still open are not finished. A voided attempt was approved by its provider, and
  counts as that, like one that was refunded. Fallback approval rate: the same over attempts made
  after another provider declined or failed. The two are never mixed.
- Technical failure rate: (not sent + unknown) / all attempts.
- Latency: percentiles over all answered attempts from send to answer, time-outs at their cut.
- Order conversion: orders paid / orders submitted, each order once: in the minute in which it
  was tried for the first time, however often it was tried again, and whoever it was paid by.
  With a provider filter, the orders that were first tried at one of these providers.
- Cost: what providers charge for the attempts of the window (provider_fees.py), per currency.
- Recovered: orders paid by a fallback attempt, and their amounts, per currency.
- Fallback flow: who was tried right after whom (fallback_flow.py).
- Segments: the same counts for a country, a card brand or a band of amounts, by whole hours.

Attempts are counted at the minute they started in. Rates carry n and a 95 % Wilson interval;
below the minimum sample they are NotEnoughData.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from payorch.application.attempt_counts import AttemptCounts, AttemptKind, CellKey
from payorch.application.fallback_flow import fallback_flow
from payorch.application.figure_building import (
    cells_by_provider,
    compared_rate,
    counts_of,
    latency_figures,
    provider_figures,
    rate_point,
    recovered_orders,
    technical_failure,
)
from payorch.application.metrics_rollup import (
    CountedCells,
    ProviderMetricsRepository,
)
from payorch.application.metrics_window import MetricsWindow
from payorch.application.ports import Clock
from payorch.application.provider_costs import ProviderCost, provider_costs
from payorch.application.provider_figures import (
    ComparedRate,
    DashboardFigures,
    Freshness,
    MetricsQuery,
    ProviderFigures,
    ProviderSummary,
    SegmentFigures,
    Tiles,
    UnknownBacklog,
)
from payorch.domain.attempt_stats import Tally
from payorch.domain.latency_histogram import merge_histograms
from payorch.domain.provider_fees import FeeSchedule

SUMMARY_LENGTH = timedelta(hours=24)
SUMMARY_BUCKET = timedelta(hours=1)


class PaymentMetricsService:
    """`min_sample`: attempts below which a rate is "not enough data" instead of a number."""

    def __init__(
        self,
        repository: ProviderMetricsRepository,
        clock: Clock,
        *,
        min_sample: int,
        fees: Callable[[], FeeSchedule] = FeeSchedule,
    ) -> None:
        self._repository = repository
        self._clock = clock
        self._min_sample = min_sample
        self._fees = fees

    def dashboard(self, query: MetricsQuery) -> DashboardFigures:
        """All the dashboard shows for one window and filter, exact at this moment."""
        now = self._clock.now()
        counted = self._counted(query, query.window)
        return DashboardFigures(
            query=query,
            tiles=self._tiles(query, counted, now),
            providers=provider_figures(query.window, counted, min_sample=self._min_sample),
            freshness=_freshness(counted, now),
            flow=fallback_flow(self._of_all_providers(query, counted)),
            segments=self._segments(query),
        )

    def _segments(self, query: MetricsQuery) -> tuple[SegmentFigures, ...]:
        totals = self._repository.segment_totals(
            query.window, providers=query.providers, currency=query.currency
        )
        return tuple(
            SegmentFigures(
                segment=total.segment,
                provider_code=total.provider_code,
                first_approval=rate_point(total.counts.approval, min_sample=self._min_sample),
            )
            for total in totals
        )

    def _of_all_providers(
        self, query: MetricsQuery, counted: CountedCells
    ) -> Mapping[CellKey, AttemptCounts]:
        if query.segment is not None:
            # Segments do not keep who was tried after whom.
            return {}
        if not query.providers:
            return counted.counts
        every = replace(query, providers=frozenset())
        return self._counted(every, query.window, by_bucket=False).counts

    def providers(self, window: MetricsWindow) -> tuple[ProviderFigures, ...]:
        """All providers that had attempts in the window; of the dashboard, no more than this."""
        counted = self._counted(MetricsQuery(window=window), window)
        return provider_figures(window, counted, min_sample=self._min_sample)

    def costs(self, query: MetricsQuery) -> tuple[ProviderCost, ...]:
        """What the attempts of the window cost, by provider and currency."""
        return provider_costs(query, self._repository, self._fees())

    def provider_summaries(self, now: datetime) -> dict[str, ProviderSummary]:
        """Each provider that had attempts in the last 24 hours, by its code."""
        window = MetricsWindow.until(now, SUMMARY_LENGTH, bucket=SUMMARY_BUCKET)
        counted = self._counted(MetricsQuery(window=window), window)
        all_first = counts_of(counted.counts, kind=AttemptKind.FIRST).attempts
        cells = cells_by_provider(counted.counts)
        return {
            figures.provider_code: ProviderSummary(
                provider_code=figures.provider_code,
                approval=figures.first_approval,
                attempts=figures.counts.attempts,
                latency=figures.latency,
                share_of_traffic=figures.first_attempts / all_first if all_first else None,
                recovered=recovered_orders(cells[figures.provider_code]),
                sparkline=tuple(point.first_approval.rate for point in figures.points),
            )
            for figures in provider_figures(window, counted, min_sample=self._min_sample)
        }

    def before_and_after(
        self, before: MetricsWindow, after: MetricsWindow
    ) -> tuple[ComparedRate, ComparedRate]:
        """First-attempt approval and order conversion over all providers, in `after` and before.

        Orders that are still being confirmed count as not paid.
        """
        query = MetricsQuery(window=after)
        this, that = (
            _Totals(self._counted(query, window, by_bucket=False)) for window in (after, before)
        )
        return (
            self._compared(this.first_approval, that.first_approval),
            self._compared(this.conversion, that.conversion),
        )

    def _counted(
        self, query: MetricsQuery, window: MetricsWindow, *, by_bucket: bool = True
    ) -> CountedCells:
        return self._repository.counts(
            window,
            providers=query.providers,
            currency=query.currency,
            segment=query.segment,
            by_bucket=by_bucket,
        )

    def _tiles(self, query: MetricsQuery, counted: CountedCells, now: datetime) -> Tiles:
        earlier = query.window.previous if query.compare else None
        before = None if earlier is None else self._counted(query, earlier, by_bucket=False)
        this, that = _Totals(counted), None if before is None else _Totals(before)
        return Tiles(
            order_conversion=self._compared(
                this.conversion, None if that is None else that.conversion
            ),
            first_approval=self._compared(
                this.first_approval, None if that is None else that.first_approval
            ),
            technical_failure=self._compared(
                this.technical_failure, None if that is None else that.technical_failure
            ),
            latency=latency_figures(this.latency, min_n=self._min_sample),
            latency_before=(
                None if that is None else latency_figures(that.latency, min_n=self._min_sample)
            ),
            recovered=recovered_orders(counted.counts),
            recovered_before=None if before is None else recovered_orders(before.counts),
            unknown=self._unknown_backlog(query, now),
        )

    def _compared(self, now: Tally, before: Tally | None) -> ComparedRate:
        return compared_rate(now, before, min_sample=self._min_sample)

    def _unknown_backlog(self, query: MetricsQuery, now: datetime) -> UnknownBacklog:
        """Attempts that are UNKNOWN at this moment, and how long ago the oldest started."""
        unknowns = self._repository.open_unknowns(
            providers=query.providers, currency=query.currency, segment=query.segment
        )
        oldest = unknowns.oldest_started_at
        return UnknownBacklog(
            attempts=unknowns.attempts, oldest_age=None if oldest is None else now - oldest
        )


class _Totals:
    """What the tiles take from all cells of a window together."""

    def __init__(self, counted: CountedCells) -> None:
        every = counts_of(counted.counts)
        self.conversion = every.conversion
        self.first_approval = counts_of(counted.counts, kind=AttemptKind.FIRST).approval
        self.technical_failure = technical_failure(every)
        self.latency = merge_histograms(counted.latencies.values())


def _freshness(counted: CountedCells, now: datetime) -> Freshness:
    watermark = None if counted.state is None else counted.state.watermark
    return Freshness(
        watermark=watermark,
        lag=None if watermark is None else max(timedelta(0), now - watermark),
        minutes_read_directly=counted.minutes_read_directly,
    )
