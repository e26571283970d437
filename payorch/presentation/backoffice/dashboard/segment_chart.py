"""First-attempt approval of each provider by country, card brand or band of amounts."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from payorch.application.attempt_counts import AttemptKind
from payorch.application.provider_figures import DashboardFigures, SegmentFigures
from payorch.domain.segment import AMOUNT_BANDS, SegmentDimension
from payorch.presentation.backoffice.dashboard.chart_layout import (
    Chart,
    ProviderLook,
    figure,
    plain,
    rounded,
    scale_text,
)
from payorch.presentation.backoffice.dashboard.dashboard_filters import url_time
from payorch.presentation.backoffice.payments.counted_as import FINISHED
from payorch.presentation.backoffice.segment_texts import (
    DIMENSION_TITLES,
    LIST_FILTERS,
    segment_label,
)

MOST_SHOWN = 12
"""More columns are no more readable; the table has them all."""

HOVER = "%{y}, %{customdata[2]}: %{customdata[1]:.1%} (n = %{customdata[0]:,})<extra></extra>"
GAP = 0.08


def segment_chart_name(dimension: SegmentDimension) -> str:
    return f"by-{dimension.value.replace('_', '-')}"


def segment_chart_title(dimension: SegmentDimension) -> str:
    return f"Approval by provider and {DIMENSION_TITLES[dimension].lower()}"


def segment_chart(
    figures: DashboardFigures, look: ProviderLook, dimension: SegmentDimension
) -> Chart:
    """Bars side by side, for the reason that the heat chart's are."""
    every = segment_figures(figures, dimension)
    columns = _columns(every, dimension)
    drawn = [
        it
        for it in every
        if it.first_approval.rate is not None and it.segment.value in columns[:MOST_SHOWN]
    ]
    rates = [rounded(it.first_approval.rate) for it in drawn]
    labels = {it.segment.value: segment_label(it.segment) for it in every}
    hours = figures.query.window.in_whole_hours()
    bounds = [url_time(hours.start), url_time(hours.end)]
    trace = {
        "type": "bar",
        "orientation": "h",
        "uid": dimension.value,
        "meta": {
            "color": "accent",
            "is_band": False,
            "is_heat": True,
            "filter": {"counted": FINISHED, "attempt": AttemptKind.FIRST.value},
        },
        "y": [plain(look.name(it.provider_code)) for it in drawn],
        "base": [columns.index(it.segment.value) + GAP / 2 for it in drawn],
        "x": [1 - GAP for _ in drawn],
        "width": 0.92,
        "customdata": [
            [
                it.first_approval.n,
                rate,
                plain(labels[it.segment.value]),
                {"provider": it.provider_code, LIST_FILTERS[dimension]: it.segment.value},
                *bounds,
            ]
            for it, rate in zip(drawn, rates, strict=True)
        ],
        "hovertemplate": HOVER,
        "showlegend": False,
    }
    shown = columns[:MOST_SHOWN]
    left_out = len(columns) - len(shown)
    return Chart(
        name=segment_chart_name(dimension),
        title=segment_chart_title(dimension),
        counts="First-attempt approval rate, counted by whole hours: the darker, the more was "
        f"approved{scale_text(rates)}. Gaps have fewer than 5 finished attempts."
        + (f" {left_out} more in the table." if left_out else ""),
        n=sum(it.first_approval.n for it in every),
        is_drawn=bool(drawn),
        figure=figure(
            [trace],
            axes=_axes([labels[value] for value in shown], DIMENSION_TITLES[dimension]),
            height_px=120 + 36 * len({it.provider_code for it in drawn}),
            hovermode="closest",
            barmode="overlay",
            bargap=0,
        ),
        why_empty="Only one country, card brand or amount is shown; clear that filter to compare "
        "them."
        if figures.query.segment is not None
        else None,
    )


def _axes(labels: Sequence[str], title: str) -> dict[str, dict[str, Any]]:
    return {
        "xaxis": {
            "range": [0, max(len(labels), 1)],
            "tickvals": [place + 0.5 for place in range(len(labels))],
            "ticktext": [plain(label) for label in labels],
            "showgrid": False,
            "zeroline": False,
            "automargin": True,
            "title": {"text": title},
        },
        "yaxis": {"type": "category", "autorange": "reversed", "automargin": True},
    }


def segment_figures(figures: DashboardFigures, dimension: SegmentDimension) -> list[SegmentFigures]:
    """Of one dimension: the columns in their order, in each the providers by code."""
    if figures.query.segment is not None:
        return []
    found = [it for it in figures.segments if it.segment.dimension is dimension]
    places = _columns(found, dimension)
    return sorted(found, key=lambda it: (places.index(it.segment.value), it.provider_code))


def _columns(figures: Sequence[SegmentFigures], dimension: SegmentDimension) -> list[str]:
    """Values with the most attempts first; bands of amounts from small to large."""
    sizes: Counter[str] = Counter()
    for one in figures:
        sizes[one.segment.value] += one.first_approval.n
    if dimension is SegmentDimension.AMOUNT:
        return [code for code in AMOUNT_BANDS if code in sizes]
    return sorted(sizes, key=lambda value: (-sizes[value], value))
