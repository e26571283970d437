"""Where orders went: first provider, the next ones, and the result, as wide as they are many."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from payorch.application.fallback_flow import FallbackFlow, FlowStep
from payorch.application.metrics_window import MetricsWindow
from payorch.presentation.backoffice.dashboard.chart_layout import (
    Chart,
    ProviderLook,
    figure,
    plain,
)
from payorch.presentation.backoffice.dashboard.dashboard_filters import url_time

PAID_FIRST, RECOVERED, ENDED, OPEN = "Paid at first", "Recovered", "Not paid", "Open"
RESULT_COLORS = {PAID_FIRST: "success", RECOVERED: "series-2", ENDED: "danger", OPEN: "accent"}
PLACES = {1: "first", 2: "second", 3: "third"}


@dataclass(frozen=True, slots=True)
class Link:
    """`filters` find the transactions it counts, but for currency and time."""

    source: str
    target: str
    count: int
    color: str
    filters: dict[str, str]


def flow_chart(window: MetricsWindow, flow: FallbackFlow, look: ProviderLook) -> Chart:
    links = [link for step in flow.steps for link in links_of(step, look) if link.count]
    nodes = list(dict.fromkeys(name for link in links for name in (link.source, link.target)))
    firsts = sum(step.attempts for step in flow.steps if step.place == 1)
    bounds = [url_time(window.start), url_time(window.end)]
    trace: dict[str, Any] = {
        "type": "sankey",
        "uid": "flow",
        "meta": {"color": "text", "is_band": False, "filter": {}},
        "arrangement": "snap",
        "node": {
            "label": [plain(name) for name in nodes],
            "customdata": [_color_of(name, flow.steps, look) for name in nodes],
            "pad": 18,
            "thickness": 14,
            "hovertemplate": "%{label}: %{value:,}<extra></extra>",
        },
        "link": {
            "source": [nodes.index(link.source) for link in links],
            "target": [nodes.index(link.target) for link in links],
            "value": [link.count for link in links],
            "label": [link.color for link in links],
            "customdata": [[link.count, link.filters, *bounds] for link in links],
            "hovertemplate": "%{source.label} → %{target.label}: %{value:,}<extra></extra>",
        },
    }
    return Chart(
        name="flow",
        title="Fallback flow",
        counts="Payments by the provider that was tried first, by the ones tried after it, and by "
        "the result. All providers, whatever is chosen above. Recovered: paid by a later one.",
        n=firsts,
        is_drawn=bool(links),
        figure=figure([trace], axes={}, height_px=160 + 26 * len(nodes), hovermode="closest"),
    )


def links_of(step: FlowStep, look: ProviderLook) -> Iterator[Link]:
    """From one provider at one place to whoever was tried next, and to the results."""
    here = _name(step.provider_code, step.place, look)
    own = {"provider": step.provider_code, "place": str(step.place)}
    paid = PAID_FIRST if step.place == 1 else RECOVERED
    yield Link(here, paid, step.charged, RESULT_COLORS[paid], {**own, "counted": "charged"})
    for code, count in step.went_on.items():
        filters = {
            "provider": code,
            "place": str(step.place + 1),
            "follows": step.provider_code,
        }
        yield Link(here, _name(code, step.place + 1, look), count, look.color(code), filters)
    yield Link(here, ENDED, step.ended, RESULT_COLORS[ENDED], {**own, "counted": "ended"})
    still_open = {**own, "counted": "unfinished"}
    yield Link(here, OPEN, step.still_open, RESULT_COLORS[OPEN], still_open)


def _name(code: str, place: int, look: ProviderLook) -> str:
    return f"{look.name(code)} {PLACES.get(place, f'attempt {place}')}"


def _color_of(name: str, steps: Sequence[FlowStep], look: ProviderLook) -> str:
    if name in RESULT_COLORS:
        return RESULT_COLORS[name]
    for step in steps:
        if _name(step.provider_code, step.place, look) == name:
            return look.color(step.provider_code)
    return "neutral"
