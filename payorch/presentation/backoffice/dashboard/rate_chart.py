"""Approval rates over time, one line with its 95 % band per provider."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from payorch.application.attempt_counts import AttemptKind
from payorch.application.metrics_window import MetricsWindow
from payorch.application.provider_figures import (
    BucketFigures,
    ProviderFigures,
    RatePoint,
)
from payorch.presentation.backoffice.dashboard.chart_layout import (
    BAND,
    DEFAULT_HEIGHT_PX,
    Chart,
    ProviderLook,
    Trace,
    bucket_bounds,
    figure,
    plot_time,
    rounded,
    share_axis,
    time_axis,
    trace_of,
)
from payorch.presentation.backoffice.payments.counted_as import FINISHED

RATE_HOVER = "%{y:.1%} (95 %: %{customdata[1]:.1%} to %{customdata[2]:.1%}, n = %{customdata[0]})"


Stretch = list[tuple[datetime, float, float]]
"""Time, low and high of points that follow each other without a gap."""


def rate_chart(
    window: MetricsWindow,
    providers: Iterable[ProviderFigures],
    look: ProviderLook,
    *,
    name: str,
    title: str,
    counts: str,
    height_px: int = DEFAULT_HEIGHT_PX,
    kind: AttemptKind,
    point_of: Callable[[BucketFigures], RatePoint],
    markers: dict[str, Any],
) -> Chart:
    traces: list[Trace] = []
    n = 0
    is_drawn = False
    for provider in providers:
        points = [(bucket, point_of(bucket)) for bucket in provider.points]
        n += sum(point.n for _, point in points)
        if all(point.rate is None for _, point in points):
            continue
        is_drawn = True
        traces += [_band(provider, points, look), _rate_line(provider, points, look, kind)]
    axes = {"xaxis": time_axis(window), "yaxis": share_axis("Approved", range=[0, 1.02])}
    return Chart(
        name=name,
        title=title,
        counts=counts,
        n=n,
        is_drawn=is_drawn,
        figure=figure(traces, axes=axes, height_px=height_px, **markers),
    )


def _rate_line(
    provider: ProviderFigures,
    points: Sequence[tuple[BucketFigures, RatePoint]],
    look: ProviderLook,
    kind: AttemptKind,
) -> Trace:
    return {
        **trace_of(provider, look, counted={"counted": FINISHED, "attempt": kind.value}),
        "type": "scatter",
        "mode": "lines+markers",
        "x": [plot_time(bucket.at) for bucket, _ in points],
        "y": [rounded(point.rate) for _, point in points],
        "customdata": [
            [
                point.n,
                None if point.interval is None else rounded(point.interval.low),
                None if point.interval is None else rounded(point.interval.high),
                *bucket_bounds(bucket),
            ]
            for bucket, point in points
        ],
        "marker": {
            "size": 6,
            "symbol": ["circle-open" if point.is_thin else "circle" for _, point in points],
        },
        "hovertemplate": RATE_HOVER,
    }


def _band(
    provider: ProviderFigures,
    points: Sequence[tuple[BucketFigures, RatePoint]],
    look: ProviderLook,
) -> Trace:
    """The 95 % band as closed shapes, one per stretch without a gap.

    Two lines with the space between them filled would be drawn across the gaps.
    """
    xs: list[str | None] = []
    ys: list[float | None] = []
    for stretch in _stretches(points):
        forth = [(plot_time(at), low) for at, low, _ in stretch]
        back = [(plot_time(at), high) for at, _, high in reversed(stretch)]
        for x, y in forth + back:
            xs.append(x)
            ys.append(rounded(y))
        xs.append(None)
        ys.append(None)
    return {
        **trace_of(provider, look, part=BAND),
        "type": "scatter",
        "mode": "lines",
        "x": xs,
        "y": ys,
        "line": {"width": 0},
        "fill": "toself",
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _stretches(points: Iterable[tuple[BucketFigures, RatePoint]]) -> list[Stretch]:
    stretches: list[Stretch] = [[]]
    for bucket, point in points:
        if point.interval is None:
            stretches.append([])
            continue
        low, high = point.interval.low, point.interval.high
        if stretches[-1]:
            stretches[-1].append((bucket.at, low, high))
        else:
            # A little to the left as well: a lone point's band would have no width at all.
            before = bucket.at - (bucket.until - bucket.at) / 4
            stretches[-1] += [(before, low, high), (bucket.at, low, high)]
    return [stretch for stretch in stretches if stretch]
