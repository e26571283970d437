"""Latency percentiles over time, one row each, one line per provider."""

from collections.abc import Callable, Sequence
from typing import Any

from payorch.application.metrics_window import MetricsWindow
from payorch.application.provider_figures import (
    LatencyFigures,
    ProviderFigures,
)
from payorch.presentation.backoffice.dashboard.chart_layout import (
    TALL_PX,
    Chart,
    ProviderLook,
    bucket_bounds,
    figure,
    plot_time,
    time_axis,
    trace_of,
)
from payorch.presentation.backoffice.payments.counted_as import ANSWERED


def latency_chart(
    window: MetricsWindow,
    providers: Sequence[ProviderFigures],
    look: ProviderLook,
    markers: dict[str, Any],
) -> Chart:
    """Three rows that share the time axis: one line per provider and percentile is a tangle."""
    rows: list[tuple[str, str, Callable[[LatencyFigures], float | None]]] = [
        ("y", "p50", lambda latency: latency.p50_ms),
        ("y2", "p95", lambda latency: latency.p95_ms),
        ("y3", "p99", lambda latency: latency.p99_ms),
    ]
    shown = [p for p in providers if any(b.latency.p50_ms is not None for b in p.points)]
    traces = [
        {
            **trace_of(provider, look, part=label, counted={"counted": ANSWERED}),
            "type": "scatter",
            "mode": "lines+markers",
            "x": [plot_time(bucket.at) for bucket in provider.points],
            "y": [_whole(value_of(bucket.latency)) for bucket in provider.points],
            "yaxis": axis,
            "showlegend": axis == "y",
            "customdata": [[b.latency.n, label, *bucket_bounds(b)] for b in provider.points],
            "marker": {"size": 4},
            "hovertemplate": "%{customdata[1]} %{y:,} ms (n = %{customdata[0]})",
        }
        for axis, label, value_of in rows
        for provider in shown
    ]
    axes = {
        "xaxis": time_axis(window, anchor="y3"),
        "yaxis": {"domain": [0.7, 1], **_milliseconds_axis("p50 (ms)")},
        "yaxis2": {"domain": [0.35, 0.65], **_milliseconds_axis("p95 (ms)")},
        "yaxis3": {"domain": [0, 0.3], **_milliseconds_axis("p99 (ms)")},
    }
    return Chart(
        name="latency",
        title="Latency",
        counts="From sending a request to its answer, all attempts; time-outs count at their cut. "
        "Percentiles are true to 1 %; with few attempts p99 is simply the slowest.",
        n=sum(provider.latency.n for provider in providers),
        is_drawn=bool(shown),
        figure=figure(traces, axes=axes, height_px=TALL_PX, **markers),
    )


def _milliseconds_axis(title: str) -> dict[str, Any]:
    return {"title": {"text": title}, "rangemode": "tozero", "tickformat": ",d"}


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
