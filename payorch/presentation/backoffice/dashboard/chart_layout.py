"""What all charts share: axes, and how providers and colors are named.

Figures are plain dicts that are sent as JSON; tests pass each through go.Figure, which knows
plotly's schema. Colors are only named here (`meta.color`): the browser takes them from the
theme's custom properties, so that light and dark need no second request.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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

    Without `is_drawn` nothing can be shown: no attempts, or too few of them in every bucket, or
    for the reason that `why_empty` gives.
    """

    name: str
    title: str
    counts: str
    n: int
    is_drawn: bool
    figure: Figure
    why_empty: str | None = None


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


def plain(text: str) -> str:
    """Text for plotly, which reads a few HTML tags and entities in every text it draws."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def trace_of(
    provider: ProviderFigures,
    look: ProviderLook,
    *,
    part: str = "line",
    counted: Mapping[str, str] | None = None,
) -> Trace:
    """What every trace of a provider has. `uid` lets a hidden one stay hidden over a refresh.

    `counted` are the filters of the transactions that a point of it counts, but for provider,
    currency and time.
    """
    code = provider.provider_code
    return {
        "uid": f"{code} {part}",
        "name": plain(look.name(code)),
        "legendgroup": code,
        "meta": {
            "provider": code,
            "color": look.color(code),
            "is_band": part == BAND,
            "filter": dict(counted or {}),
        },
    }


def bucket_bounds(bucket: BucketFigures) -> list[str]:
    """Where the attempts of a point are to be found; it ends every `customdata`."""
    return [url_time(bucket.at), url_time(bucket.until)]


def bucket_width_ms(bucket: BucketFigures) -> int:
    return int((bucket.until - bucket.at).total_seconds() * 1000)


def rounded(value: float | None) -> float | None:
    """A share to four digits: more are noise, and bytes on the wire."""
    return None if value is None else round(value, 4)


def scale_text(rates: Sequence[float | None]) -> str:
    """From the lightest to the darkest part of a heat map; empty when nothing is drawn."""
    shown = [rate for rate in rates if rate is not None]
    return f", from {min(shown):.0%} to {max(shown):.0%}" if shown else ""
