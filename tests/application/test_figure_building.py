from datetime import UTC, datetime, timedelta

import pytest

from payorch.application.attempt_counts import AttemptCounts, AttemptKind, CellKey
from payorch.application.figure_building import (
    compared_rate,
    latency_figures,
    provider_figures,
    rate_point,
    recovered_orders,
)
from payorch.application.metrics_rollup import CountedCells, LatencyPercentiles
from payorch.application.metrics_window import MetricsWindow
from payorch.application.provider_figures import MIN_POINT_N
from payorch.domain.attempt_stats import NotEnoughData, Tally
from payorch.domain.latency_histogram import LatencyHistogram

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def a_key(at=NOON, provider="alpha", kind=AttemptKind.FIRST, currency="EUR"):
    return CellKey(at, provider, kind, currency)


def test_a_point_below_the_least_n_is_a_gap():
    point = rate_point(Tally(approved=3, finished=MIN_POINT_N - 1), min_sample=30)

    assert (point.rate, point.interval, point.n) == (None, None, MIN_POINT_N - 1)


@pytest.mark.parametrize(("n", "is_thin"), [(29, True), (30, False)])
def test_a_point_below_the_minimum_sample_is_thin(n, is_thin):
    point = rate_point(Tally(approved=n, finished=n), min_sample=30)

    assert point.rate == 1
    assert point.is_thin is is_thin


def test_latency_below_the_minimum_is_no_number():
    few = latency_figures(LatencyHistogram.of([100, 200]), min_n=3)
    none = latency_figures(LatencyHistogram(), min_n=0)

    assert (few.p50_ms, few.p95_ms, few.p99_ms, few.n) == (None, None, None, 2)
    assert none.p50_ms is None


def test_a_difference_is_clear_only_when_its_interval_excludes_zero():
    better = compared_rate(
        Tally(approved=950, finished=1000), Tally(approved=850, finished=1000), min_sample=30
    )
    same = compared_rate(
        Tally(approved=91, finished=100), Tally(approved=90, finished=100), min_sample=30
    )

    assert better.is_clear
    assert better.delta == pytest.approx(0.1)
    assert not same.is_clear


def test_without_enough_data_there_is_no_difference():
    compared = compared_rate(
        Tally(approved=50, finished=100), Tally(approved=5, finished=10), min_sample=30
    )

    assert isinstance(compared.before, NotEnoughData)
    assert compared.delta is None
    assert compared.change is None
    assert not compared.is_clear


def test_recovered_revenue_keeps_currencies_apart():
    cells = {
        a_key(): AttemptCounts(approved=1, approved_amount_minor=999),
        a_key(kind=AttemptKind.FALLBACK): AttemptCounts(approved=2, approved_amount_minor=300),
        a_key(kind=AttemptKind.FALLBACK, currency="JPY"): AttemptCounts(
            approved=1, approved_amount_minor=40
        ),
        a_key(kind=AttemptKind.FALLBACK, currency="USD"): AttemptCounts(declined_issuer=1),
    }

    recovered = recovered_orders(cells)

    assert recovered.orders == 3
    assert recovered.revenue_minor == {"EUR": 300, "JPY": 40}


def test_a_provider_has_a_point_for_every_bucket_also_for_empty_ones():
    window = MetricsWindow(NOON, NOON + timedelta(hours=1))
    counts = {
        a_key(): AttemptCounts(approved=6),
        a_key(kind=AttemptKind.FALLBACK): AttemptCounts(approved=5, not_sent=5),
    }
    counted = CountedCells(
        counts=counts,
        series=counts,
        latencies={"alpha": LatencyHistogram.of([100] * 16)},
        series_latencies={(NOON, "alpha"): LatencyPercentiles(16, (100.0, 100.0, 100.0))},
        state=None,
        minutes_read_directly=0,
    )

    [alpha] = provider_figures(window, counted, min_sample=10)

    assert len(alpha.points) == 60
    first, empty = alpha.points[0], alpha.points[1]
    assert (first.first_approval.rate, first.fallback_approval.rate) == (1.0, 0.5)
    assert first.counts.attempts == 16
    assert first.latency.n == 16
    assert (empty.counts, empty.latency.n) == (AttemptCounts(), 0)
    assert isinstance(alpha.first_approval, NotEnoughData)
    assert alpha.fallback_approval.n == 10
