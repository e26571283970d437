"""Figures as text: with n and interval, or honestly without."""

from datetime import UTC, datetime

import pytest

from payorch.application.provider_figures import (
    LatencyFigures,
    ProviderSummary,
    RecoveredOrders,
)
from payorch.domain.attempt_stats import Interval, NotEnoughData, RateEstimate
from payorch.presentation.backoffice.routing.board_rows import Figures, figures_of
from payorch.presentation.backoffice.routing.sparkline import sparkline

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def a_summary(**changes):
    values = {
        "provider_code": "alpha",
        "approval": RateEstimate(rate=0.931, interval=Interval(0.902, 0.953), n=1512),
        "attempts": 1600,
        "latency": LatencyFigures(n=1600, p50_ms=412.4, p95_ms=2140.0, p99_ms=None),
        "share_of_traffic": 0.625,
        "recovered": RecoveredOrders(orders=12, revenue_minor={"USD": 5000, "EUR": 123456}),
        "sparkline": (0.9, 0.95),
    }
    return ProviderSummary(**(values | changes))


def test_a_rate_stands_with_its_interval_and_n():
    figures = figures_of(a_summary())

    assert (figures.approval, figures.interval) == ("93.1%", "90.2% to 95.3%, n\xa01,512")
    assert (figures.p50, figures.p95) == ("412\xa0ms", "2.1\xa0s")
    assert (figures.share, figures.recovered) == ("62%", "12")
    assert figures.recovered_amounts == "€1,234.56, $50.00"


def test_too_few_attempts_are_no_number():
    figures = figures_of(
        a_summary(
            approval=NotEnoughData(n=4, min_n=30),
            latency=LatencyFigures(n=4, p50_ms=None, p95_ms=None, p99_ms=None),
            share_of_traffic=None,
            sparkline=(None, None),
        )
    )

    assert (figures.approval, figures.interval) == ("not enough data", "n\xa04 of at least 30")
    assert (figures.p50, figures.p95, figures.share) == ("-", "-", "-")
    assert figures.sparkline is None


def test_a_provider_without_attempts_shows_dashes():
    assert figures_of(None) == Figures()


def test_a_line_breaks_where_there_is_too_little_data():
    line = sparkline((0.5, 0.6, None, 0.7, None, 0.8, 0.9))

    assert [points.count(",") for points in line.lines] == [2, 2]
    assert len(line.dots) == 1
    assert line.label == "Hour by hour between 50% and 90%, last 90%"


@pytest.mark.parametrize("rates", [(0.0,), (1.0, 1.0), (0.99, 1.0), (0.0, 1.0), (0.5,) * 24])
def test_every_point_lies_on_the_canvas(rates):
    line = sparkline(rates)

    points = [tuple(map(float, p.split(","))) for run in line.lines for p in run.split()]
    points += [tuple(map(float, dot)) for dot in line.dots]
    assert len(points) == len(rates)
    assert all(0 <= x <= 120 and 0 <= y <= 28 for x, y in points)
