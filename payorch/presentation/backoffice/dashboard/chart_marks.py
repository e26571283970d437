"""What happened meanwhile, marked on the time axes: policies, circuits that opened, alerts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from payorch.application.alerts import MetricAlert
from payorch.application.circuit_board import CircuitIncident
from payorch.application.configuration import PublishedPolicy
from payorch.application.metrics_window import MetricsWindow
from payorch.presentation.backoffice.dashboard.chart_layout import ProviderLook, plain, plot_time
from payorch.presentation.backoffice.routing.circuit_texts import KINDS

MARK_WIDTH = 0.15
"""Share of a chart's width that a mark's text takes: "policies 3 to 7" on the narrowest charts."""

MOST_LISTED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """`until` None marks a moment, else a stretch. `number` is that of a policy's version.

    `name` is what stands beside a single mark, `said` what pointing at it adds to the time.
    """

    at: datetime
    name: str
    said: str
    number: int | None = None
    provider_code: str = ""
    until: datetime | None = None


def policy_marks(history: Iterable[PublishedPolicy]) -> list[Mark]:
    return [
        Mark(
            at=policy.published_at,
            name=f"policy {policy.version}",
            said=f"routing policy {policy.version}, published by {policy.published_by}",
            number=policy.version,
        )
        for policy in history
    ]


def incident_marks(
    incidents: Iterable[CircuitIncident], look: ProviderLook, *, now: datetime
) -> list[Mark]:
    return [
        Mark(
            at=incident.began_at,
            until=incident.ended_at or now,
            provider_code=incident.provider_code,
            name=f"{look.name(incident.provider_code)} circuit",
            said=f"circuit of {look.name(incident.provider_code)}: {KINDS[incident.kind].lower()}"
            + ("" if incident.ended_at else ", not over yet"),
        )
        for incident in incidents
    ]


def alert_marks(alerts: Iterable[MetricAlert], look: ProviderLook) -> list[Mark]:
    return [
        Mark(
            at=alert.opened_at,
            provider_code=alert.provider_code,
            name=f"alert: {look.name(alert.provider_code)}" if alert.provider_code else "alert",
            said=f"alert {alert.rule_name}"
            + (f" at {look.name(alert.provider_code)}" if alert.provider_code else ""),
        )
        for alert in alerts
    ]


def time_markers(window: MetricsWindow, marks: Iterable[Mark]) -> dict[str, list[dict[str, Any]]]:
    """Dotted lines and shaded stretches, as plotly's `shapes` and `annotations`.

    Those whose texts would lie over each other share one, which lists them when pointed at.
    """
    within = [mark for mark in marks if mark.at < window.end and _end(mark) >= window.start]
    late = window.end - window.length / 6
    return {
        "shapes": [_shape(mark, window) for mark in within],
        "annotations": [
            {
                "xref": "x",
                "yref": "paper",
                "x": plot_time(max(group[0].at, window.start)),
                "y": 1,
                # Near the right end a text to the right of the line would be cut off.
                "xanchor": "right" if group[0].at > late else "left",
                "yanchor": "top",
                "showarrow": False,
                "text": plain(_group_name(group)),
                "hovertext": _group_list(group),
            }
            for group in _groups(within, apart=window.length * MARK_WIDTH)
        ],
    }


def _end(mark: Mark) -> datetime:
    return mark.until or mark.at


def _shape(mark: Mark, window: MetricsWindow) -> dict[str, Any]:
    """A stretch lies below the lines: it must not hide what it explains."""
    place = {
        "xref": "x",
        "yref": "paper",
        "x0": plot_time(max(mark.at, window.start)),
        "x1": plot_time(min(_end(mark), window.end)),
        "y0": 0,
        "y1": 1,
    }
    if mark.until is None:
        return {"type": "line", "line": {"width": 1, "dash": "dot"}, **place}
    return {"type": "rect", "line": {"width": 0}, "layer": "below", "opacity": 0.12, **place}


def _groups(marks: Iterable[Mark], *, apart: timedelta) -> Sequence[list[Mark]]:
    """Marks in the order of time, cut where the next one is `apart` from the group's first."""
    groups: list[list[Mark]] = []
    for mark in sorted(marks, key=lambda mark: mark.at):
        if groups and mark.at - groups[-1][0].at < apart:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return groups


def _group_name(group: Sequence[Mark]) -> str:
    numbers = [mark.number for mark in group if mark.number is not None]
    if len(group) == 1:
        return group[0].name
    if len(numbers) == len(group):
        return f"policies {numbers[0]} to {numbers[-1]}"
    return f"{len(group)} events"


def _group_list(group: Sequence[Mark]) -> str:
    shown = [f"{mark.at:%d %b %H:%M} UTC: {plain(mark.said)}" for mark in group[-MOST_LISTED:]]
    if len(group) > MOST_LISTED:
        shown.insert(0, f"{len(group) - MOST_LISTED} earlier ones, see the journal")
    return "<br>".join(shown)
