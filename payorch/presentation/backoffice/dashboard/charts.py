"""The dashboard's charts: which there are, in which order, and what each says that it counts."""

from collections.abc import Sequence
from dataclasses import replace

from payorch.application.attempt_counts import AttemptKind
from payorch.application.provider_figures import DashboardFigures
from payorch.domain.segment import SegmentDimension
from payorch.presentation.backoffice.dashboard.chart_layout import (
    TALL_PX,
    Chart,
    ProviderLook,
)
from payorch.presentation.backoffice.dashboard.chart_marks import Mark, time_markers
from payorch.presentation.backoffice.dashboard.decline_chart import decline_chart
from payorch.presentation.backoffice.dashboard.flow_chart import flow_chart
from payorch.presentation.backoffice.dashboard.heat_chart import heat_chart
from payorch.presentation.backoffice.dashboard.latency_chart import latency_chart
from payorch.presentation.backoffice.dashboard.outcome_chart import outcome_chart
from payorch.presentation.backoffice.dashboard.rate_chart import rate_chart
from payorch.presentation.backoffice.dashboard.segment_chart import segment_chart
from payorch.presentation.backoffice.dashboard.volume_chart import volume_chart

NOT_KEPT = frozenset({"latency", "flow", "declines"})
NOT_BY_SEGMENT = (
    "This is not counted by country, card brand or amount; clear that filter to see it."
)


def all_charts(figures: DashboardFigures, look: ProviderLook, marks: Sequence[Mark]) -> list[Chart]:
    window, providers = figures.query.window, figures.providers
    markers = time_markers(window, marks)
    charts = [
        rate_chart(
            window,
            providers,
            look,
            name="approval",
            title="First-attempt approval rate",
            height_px=TALL_PX,
            counts="Approved / finished attempts, first attempts only, with the 95 % band. "
            "Hollow points have few attempts; below 5 there is a gap.",
            kind=AttemptKind.FIRST,
            point_of=lambda bucket: bucket.first_approval,
            markers=markers,
        ),
        latency_chart(window, providers, look, markers),
        outcome_chart(window, providers, look),
        flow_chart(window, figures.flow, look),
        decline_chart(window, providers, look),
        heat_chart(window, providers, look),
        *(segment_chart(figures, look, dimension) for dimension in SegmentDimension),
        volume_chart(window, providers, look, markers),
        rate_chart(
            window,
            providers,
            look,
            name="fallback",
            title="Fallback approval rate",
            counts="Approved / finished attempts that were made after another provider declined or "
            "failed. Never mixed with first attempts: these payments are harder.",
            kind=AttemptKind.FALLBACK,
            point_of=lambda bucket: bucket.fallback_approval,
            markers=markers,
        ),
    ]
    if figures.query.segment is None:
        return charts
    return [
        replace(chart, why_empty=NOT_BY_SEGMENT) if chart.name in NOT_KEPT else chart
        for chart in charts
    ]
