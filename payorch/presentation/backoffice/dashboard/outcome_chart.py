"""How the attempts of each provider stand: one bar per provider, cut by outcome."""

from collections.abc import Sequence
from typing import NamedTuple

from payorch.application.metrics_window import MetricsWindow
from payorch.application.provider_figures import (
    ProviderFigures,
)
from payorch.presentation.backoffice.dashboard.chart_layout import (
    Chart,
    ProviderLook,
    Trace,
    figure,
    plain,
    rounded,
    share_axis,
)
from payorch.presentation.backoffice.dashboard.dashboard_filters import url_time

OUTCOME_HOVER = ": %{x:.1%} (%{customdata[0]:,} of %{customdata[1]:,})<extra></extra>"


class Outcome(NamedTuple):
    """How one part of a bar is named and drawn; `counter` also finds its attempts in the list.

    The pattern is there so that no outcome is told from another by its color alone.
    """

    counter: str
    name: str
    color: str
    pattern: str


OUTCOMES = (
    Outcome("approved", "Approved", "success", ""),
    Outcome("voided", "Approved, then voided", "series-5", "|"),
    Outcome("declined_issuer", "Declined", "neutral", ""),
    Outcome("declined_customer_data", "Customer data", "warning", "."),
    Outcome("not_sent", "Not sent (technical)", "danger", "/"),
    Outcome("unknown", "Unknown", "unknown", "x"),
    Outcome("abandoned", "Abandoned", "series-8", "-"),
    Outcome("still_open", "Open", "accent", "+"),
)


def outcome_chart(
    window: MetricsWindow, providers: Sequence[ProviderFigures], look: ProviderLook
) -> Chart:
    traces = [
        _outcome_bars(window, providers, look, outcome)
        for outcome in OUTCOMES
        if any(getattr(provider.counts, outcome.counter) for provider in providers)
    ]
    axes = {
        "xaxis": share_axis("Share of attempts", range=[0, 1]),
        "yaxis": {"type": "category", "autorange": "reversed", "automargin": True},
    }
    return Chart(
        name="outcomes",
        title="Outcomes",
        counts="How all attempts of the window stand now. Customer data: a wrong or expired card, "
        "never counted as the provider's failure. Unknown: being confirmed, not failed.",
        n=sum(provider.counts.attempts for provider in providers),
        is_drawn=bool(traces),
        figure=figure(
            traces,
            axes=axes,
            height_px=140 + 48 * len(providers),
            barmode="stack",
            hovermode="closest",
        ),
    )


def _outcome_bars(
    window: MetricsWindow,
    providers: Sequence[ProviderFigures],
    look: ProviderLook,
    outcome: Outcome,
) -> Trace:
    counts = [getattr(provider.counts, outcome.counter) for provider in providers]
    totals = [provider.counts.attempts for provider in providers]
    return {
        "type": "bar",
        "orientation": "h",
        "name": outcome.name,
        "meta": {"color": outcome.color, "filter": {"counted": outcome.counter}},
        "x": [rounded(part / total) for part, total in zip(counts, totals, strict=True)],
        "y": [
            f"{plain(look.name(p.provider_code))} (n = {p.counts.attempts:,})" for p in providers
        ],
        "customdata": [
            [count, total, provider.provider_code, url_time(window.start), url_time(window.end)]
            for count, total, provider in zip(counts, totals, providers, strict=True)
        ],
        "marker": {"pattern": {"shape": outcome.pattern, "solidity": 0.25, "fillmode": "overlay"}},
        "hovertemplate": outcome.name + OUTCOME_HOVER,
    }
