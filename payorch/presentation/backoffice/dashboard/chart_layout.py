"""What all charts share: axes, markers of policy changes, and how colors are named.

Figures are plain dicts that are sent as JSON; tests pass each through go.Figure, which knows
plotly's schema. Colors are only named here (`meta.color`): the browser takes them from the
theme's custom properties, so that light and dark need no second request.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from payorch.application.configuration import PublishedPolicy
from payorch.application.metrics_window import MetricsWindow
from payorch.application.provider_figures import BucketFigures, ProviderFigures
from payorch.presentation.backoffice.dashboard.dashboard_filters import url_time

Figure = dict[str, Any]
Trace = dict[str, Any]

BAND = "band"

SERIES_COLORS = 8
"""Number of `--po-series-*` colors of the theme."""

DEFAULT_HEIGHT_PX = 320
TALL_PX = 480


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One panel of the dashboard. `n` is how many attempts it is about.

    Without `is_drawn` nothing can be shown: no attempts, or too few of them in every bucket.
    """

    name: str
    title: str
    counts: str
    n: int
    is_drawn: bool
    figure: Figure


@dataclass(frozen=True, slots=True)
class ProviderLook:
    """How a provider is named and colored; the same on every chart, whatever is filtered."""

    names: Mapping[str, str]

    def name(self, code: str) -> str:
        return self.names.get(code, code)

    def color(self, code: str) -> str:
        known = sorted(self.names)
        place = known.index(code) if code in known else len(known)
        return f"series-{place % SERIES_COLORS + 1}"


def plot_time(moment: datetime) -> str:
    """Plotly has no time zones: it draws the digits that it gets, here always UTC."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def figure(
    traces: Iterable[Trace],
    *,
    axes: Mapping[str, Mapping[str, Any]],
    height_px: int = DEFAULT_HEIGHT_PX,
    **layout: Any,
) -> Figure:
    """A figure with the house's margins and legend. `uirevision` keeps zoom over a refresh."""
    return {
        "data": list(traces),
        "layout": {
            "height": height_px,
            "margin": {"l": 56, "r": 16, "t": 16, "b": 40},
            "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
            "hovermode": "x unified",
            "uirevision": "constant",
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            **axes,
            **layout,
        },
    }


def time_axis(window: MetricsWindow, **more: Any) -> dict[str, Any]:
    return {
        "type": "date",
        "range": [plot_time(window.start), plot_time(window.end)],
        "title": {"text": "Time (UTC)"},
        "automargin": True,
        "tickangle": 0,
        **more,
    }


def share_axis(title: str, **more: Any) -> dict[str, Any]:
    return {"tickformat": ".0%", "title": {"text": title}, **more}


MARK_WIDTH = 0.15
"""Share of a chart's width that a mark's text takes: "policies 3 to 7" on the narrowest charts."""

MOST_LISTED = 8


def policy_markers(
    window: MetricsWindow, history: Iterable[PublishedPolicy]
) -> dict[str, list[dict[str, Any]]]:
    """Dotted lines where another routing policy came into force, as `shapes` and `annotations`.

    Those whose texts would lie over each other share one, which lists them when pointed at.
    """
    within = [policy for policy in history if window.start <= policy.published_at < window.end]
    late = window.end - window.length / 6
    return {
        "shapes": [
            {
                "type": "line",
                "xref": "x",
                "yref": "paper",
                "x0": plot_time(policy.published_at),
                "x1": plot_time(policy.published_at),
                "y0": 0,
                "y1": 1,
                "line": {"width": 1, "dash": "dot"},
            }
            for policy in within
        ],
        "annotations": [
            {
                "xref": "x",
                "yref": "paper",
                "x": plot_time(group[0].published_at),
                "y": 1,
                # Near the right end a text to the right of the line would be cut off.
                "xanchor": "right" if group[0].published_at > late else "left",
                "yanchor": "top",
                "showarrow": False,
                "text": _group_name(group),
                "hovertext": _group_list(group),
            }
            for group in _groups(within, apart=window.length * MARK_WIDTH)
        ],
    }


def _groups(
    policies: Iterable[PublishedPolicy], *, apart: timedelta
) -> Sequence[list[PublishedPolicy]]:
    """Policies in the order of time, cut where the next one is `apart` from the group's first."""
    groups: list[list[PublishedPolicy]] = []
    for policy in sorted(policies, key=lambda policy: policy.published_at):
        if groups and policy.published_at - groups[-1][0].published_at < apart:
            groups[-1].append(policy)
        else:
            groups.append([policy])
    return groups


def _group_name(group: Sequence[PublishedPolicy]) -> str:
    first, last = group[0].version, group[-1].version
    return f"policy {first}" if first == last else f"policies {first} to {last}"


def _group_list(group: Sequence[PublishedPolicy]) -> str:
    shown = [
        f"{policy.published_at:%d %b %H:%M} UTC: routing policy {policy.version}, "
        f"published by {plain(policy.published_by)}"
        for policy in group[-MOST_LISTED:]
    ]
    if len(group) > MOST_LISTED:
        shown.insert(0, f"{len(group) - MOST_LISTED} earlier ones, see the journal")
    return "<br>".join(shown)


def plain(text: str) -> str:
    """Text for plotly, which reads a few HTML tags and entities in every text it draws."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def trace_of(provider: ProviderFigures, look: ProviderLook, *, part: str = "line") -> Trace:
    """What every trace of a provider has. `uid` lets a hidden one stay hidden over a refresh."""
    code = provider.provider_code
    return {
        "uid": f"{code} {part}",
        "name": plain(look.name(code)),
        "legendgroup": code,
        "meta": {"provider": code, "color": look.color(code), "is_band": part == BAND},
    }


def bucket_bounds(bucket: BucketFigures) -> list[str]:
    """Where the attempts of a point are to be found; it ends every `customdata`."""
    return [url_time(bucket.at), url_time(bucket.until)]


def bucket_width_ms(bucket: BucketFigures) -> int:
    return int((bucket.until - bucket.at).total_seconds() * 1000)


def rounded(value: float | None) -> float | None:
    """A share to four digits: more are noise, and bytes on the wire."""
    return None if value is None else round(value, 4)
