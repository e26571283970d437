"""Why attempts were declined: the most frequent reasons first, with the share they add up to."""

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from payorch.application.metrics_window import MetricsWindow
from payorch.application.provider_figures import ProviderFigures
from payorch.presentation.backoffice.dashboard.chart_layout import (
    Chart,
    ProviderLook,
    Trace,
    figure,
    plain,
    rounded,
    share_axis,
    trace_of,
)
from payorch.presentation.backoffice.dashboard.dashboard_filters import url_time
from payorch.presentation.backoffice.payments.payment_texts import worded

MOST_REASONS = 12
"""What comes after these is in the table; as bars they would be too small to hit."""


def decline_chart(
    window: MetricsWindow, providers: Sequence[ProviderFigures], look: ProviderLook
) -> Chart:
    counts = reasons_of(providers)
    shown = [reason for reason, _ in counts.most_common(MOST_REASONS)]
    total = counts.total()
    bounds = [url_time(window.start), url_time(window.end)]
    traces: list[Trace] = [
        {
            **trace_of(provider, look, counted={"counted": "declined"}),
            "type": "bar",
            "orientation": "h",
            "x": [provider.declines.get(reason, 0) for reason in shown],
            "y": [_label(reason) for reason in shown],
            "customdata": [[reason, *bounds] for reason in shown],
            "hovertemplate": "%{x:,} declined",
        }
        for provider in providers
        if provider.declines
    ]
    for trace in traces:
        trace["meta"]["point_filter"] = "decline_reason"
    if shown:
        traces.append(_added_up(shown, counts))
    axes: dict[str, dict[str, Any]] = {
        "yaxis": {"type": "category", "autorange": "reversed", "automargin": True},
        "xaxis": {"tickformat": ",d", "tickangle": 0},
        "xaxis2": {
            **share_axis("", overlaying="x", side="top", range=[0, 1.04]),
            "dtick": 0.5,
            "tickangle": 0,
            "showgrid": False,
        },
    }
    return Chart(
        name="declines",
        title="Reasons for declines",
        counts="Declined attempts by normalised reason, first and fallback together. The line is "
        "the share of all declines that the reasons add up to from the top.",
        n=total,
        is_drawn=bool(shown),
        figure=figure(
            traces,
            axes=axes,
            height_px=180 + 26 * len(shown),
            barmode="stack",
            margin={"l": 56, "r": 24, "t": 32, "b": 40},
            hovermode="closest",
            legend={"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"},
        ),
    )


def reasons_of(providers: Sequence[ProviderFigures]) -> Counter[str]:
    """All providers together; equal counts in the order of the alphabet."""
    total: Counter[str] = Counter()
    for provider in providers:
        total.update(provider.declines)
    return Counter(dict(sorted(total.items())))


def _added_up(shown: Sequence[str], counts: Counter[str]) -> Trace:
    total = counts.total()
    return {
        "uid": "added up",
        "type": "scatter",
        "mode": "lines+markers",
        "name": "Added up",
        "meta": {"color": "text-muted", "is_band": False},
        "x": [rounded(part / total) for part in accumulate(counts[reason] for reason in shown)],
        "y": [_label(reason) for reason in shown],
        "xaxis": "x2",
        "marker": {"size": 5},
        "hovertemplate": "%{x:.1%} of all declines",
    }


def _label(reason: str) -> str:
    return plain(worded(reason))
