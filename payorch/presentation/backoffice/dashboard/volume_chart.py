"""How many attempts were made, over time and by provider."""

from collections.abc import Sequence
from typing import Any

from payorch.application.metrics_window import MetricsWindow
from payorch.application.provider_figures import (
    ProviderFigures,
)
from payorch.presentation.backoffice.dashboard.chart_layout import (
    Chart,
    ProviderLook,
    bucket_bounds,
    bucket_width_ms,
    figure,
    plot_time,
    time_axis,
    trace_of,
)


def volume_chart(
    window: MetricsWindow,
    providers: Sequence[ProviderFigures],
    look: ProviderLook,
    markers: dict[str, Any],
) -> Chart:
    traces = [
        {
            **trace_of(provider, look),
            "type": "bar",
            "x": [plot_time(bucket.at) for bucket in provider.points],
            "y": [bucket.counts.attempts for bucket in provider.points],
            "width": [bucket_width_ms(bucket) for bucket in provider.points],
            "offset": 0,
            "customdata": [bucket_bounds(bucket) for bucket in provider.points],
            "hovertemplate": "%{y:,} attempts",
        }
        for provider in providers
    ]
    axes = {
        "xaxis": time_axis(window),
        "yaxis": {"title": {"text": "Attempts"}, "rangemode": "tozero", "tickformat": ",d"},
    }
    return Chart(
        name="volume",
        title="Volume",
        counts="All attempts by the time they started, first and fallback together.",
        n=sum(provider.counts.attempts for provider in providers),
        is_drawn=any(provider.counts.attempts for provider in providers),
        figure=figure(traces, axes=axes, barmode="stack", **markers),
    )
