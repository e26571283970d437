"""First-attempt approval of each provider through the window: which one had a bad hour."""

from collections.abc import Sequence

from payorch.application.attempt_counts import AttemptKind
from payorch.application.metrics_window import MetricsWindow
from payorch.application.provider_figures import ProviderFigures
from payorch.presentation.backoffice.dashboard.chart_layout import (
    Chart,
    ProviderLook,
    bucket_bounds,
    bucket_width_ms,
    figure,
    plain,
    plot_time,
    rounded,
    scale_text,
    time_axis,
)
from payorch.presentation.backoffice.payments.counted_as import FINISHED

HEAT_HOVER = "%{y}: %{customdata[1]:.1%} (n = %{customdata[0]:,})<extra></extra>"


def heat_chart(
    window: MetricsWindow, providers: Sequence[ProviderFigures], look: ProviderLook
) -> Chart:
    """Bars side by side: plotly's own heat map sets styles in a way that our policy refuses."""
    cells = [
        (provider, bucket)
        for provider in providers
        for bucket in provider.points
        if bucket.first_approval.rate is not None
    ]
    rates = [rounded(bucket.first_approval.rate) for _, bucket in cells]
    trace = {
        "type": "bar",
        "orientation": "h",
        "uid": "heat",
        "meta": {
            "color": "accent",
            "is_band": False,
            "is_heat": True,
            "filter": {"counted": FINISHED, "attempt": AttemptKind.FIRST.value},
        },
        "y": [plain(look.name(provider.provider_code)) for provider, _ in cells],
        "base": [plot_time(bucket.at) for _, bucket in cells],
        "x": [bucket_width_ms(bucket) for _, bucket in cells],
        "width": 0.92,
        "customdata": [
            [bucket.first_approval.n, rate, provider.provider_code, *bucket_bounds(bucket)]
            for (provider, bucket), rate in zip(cells, rates, strict=True)
        ],
        "hovertemplate": HEAT_HOVER,
        "showlegend": False,
    }
    axes = {
        "xaxis": time_axis(window),
        "yaxis": {"type": "category", "autorange": "reversed", "automargin": True},
    }
    names = {provider.provider_code for provider, _ in cells}
    return Chart(
        name="heat",
        title="Approval by provider and time",
        counts="First-attempt approval rate in each stretch of time: the darker, the more was "
        f"approved{scale_text(rates)}. Gaps have fewer than 5 finished attempts.",
        n=sum(bucket.first_approval.n for provider in providers for bucket in provider.points),
        is_drawn=bool(cells),
        figure=figure(
            [trace],
            axes=axes,
            height_px=120 + 36 * len(names),
            hovermode="closest",
            barmode="overlay",
            bargap=0,
        ),
    )
