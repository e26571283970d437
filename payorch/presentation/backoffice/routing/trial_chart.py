"""The evidence of a trial over time, as a chart and as a table."""

from collections.abc import Sequence
from math import log
from typing import Any

from payorch.application.trial_report import TrialReport
from payorch.domain.trial_evidence import LOG_CLEAR, Look
from payorch.presentation.backoffice.dashboard.chart_layout import Figure, figure, plot_time
from payorch.presentation.backoffice.dashboard.metric_texts import points_text
from payorch.presentation.backoffice.dashboard.table_cells import Row, Share, Table
from payorch.presentation.backoffice.routing.trial_words import odds_text, span_text

MOST_POINTS = 400
MOST_ROWS = 60
HEIGHT_PX = 300
MOST_WRITTEN_OUT = 6
_LOG_10 = log(10)
CLEAR = LOG_CLEAR / _LOG_10


def evidence_figure(report: TrialReport) -> Figure:
    """On a logarithmic scale: each line of the grid is ten times the evidence."""
    share = report.stored.trial.share
    looks = _thinned(report.looks, MOST_POINTS)
    evidence = [look.counts.log_evidence(share) / _LOG_10 for look in looks]
    traces = [
        {
            "uid": "evidence",
            "name": "Evidence",
            "meta": {"color": "series-1"},
            "type": "scatter",
            "mode": "lines+markers",
            "x": [plot_time(look.at) for look in looks],
            "y": [round(value, 3) for value in evidence],
            "customdata": [odds_text(value * _LOG_10) for value in evidence],
            "marker": {"size": 5},
            "hovertemplate": "%{customdata}<extra></extra>",
            "showlegend": False,
        }
    ]
    low = min(-1.0, *evidence)
    high = max(2.0, *evidence)
    axes: dict[str, dict[str, Any]] = {
        "xaxis": {"type": "date", "title": {"text": "Time (UTC)"}, "automargin": True},
        "yaxis": {
            "title": {"text": "Evidence of a difference"},
            "automargin": True,
            "range": [low - 0.2, high + 0.2],
            **_powers_of_ten(low, high),
        },
    }
    line = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": CLEAR, "y1": CLEAR}
    note = {
        "xref": "paper",
        "x": 0.01,
        "xanchor": "left",
        "y": CLEAR,
        "yanchor": "bottom",
        "text": "20 to 1: a winner is named",
        "showarrow": False,
    }
    return figure(
        traces,
        axes=axes,
        height_px=HEIGHT_PX,
        shapes=[{**line, "line": {"width": 1, "dash": "dash"}}],
        annotations=[note],
    )


def evidence_table(report: TrialReport) -> Table:
    """The last look of each day, the newest first."""
    share = report.stored.trial.share
    by_day: dict[str, Look] = {f"{look.at:%Y-%m-%d}": look for look in report.looks}
    rows: list[Row] = []
    for look in list(reversed(by_day.values()))[:MOST_ROWS]:
        control, candidate = look.counts.control.settled, look.counts.candidate.settled
        difference = look.counts.difference
        interval = look.counts.interval(share)
        rows.append(
            (
                look.at,
                control.finished,
                Share(control.rate if control.finished else None),
                candidate.finished,
                Share(candidate.rate if candidate.finished else None),
                None if difference is None else points_text(difference),
                None if interval is None else span_text(interval),
                odds_text(look.counts.log_evidence(share)),
            )
        )
    columns = (
        "Looked at (UTC)",
        "Control, settled",
        "Paid",
        "Candidate, settled",
        "Paid",
        "Difference, points",
        "95 % interval",
        "Evidence",
    )
    return Table("evidence", "Evidence over time", columns, rows)


def _powers_of_ten(low: float, high: float) -> dict[str, Sequence[float] | Sequence[str]]:
    step = max(1, round((high - low) / 8))
    values = list(range(int(low) - 1, int(high) + 2, step))
    if 0 not in values:
        values = sorted({*values, 0})
    return {"tickvals": values, "ticktext": [_odds_of_ten(value) for value in values]}


def _odds_of_ten(power: int) -> str:
    if power < 0:
        return f"1 to {10**-power:,}"
    return f"{10**power:,} to 1" if power <= MOST_WRITTEN_OUT else f"10<sup>{power}</sup> to 1"


def _thinned(looks: Sequence[Look], most: int) -> Sequence[Look]:
    """Evenly, and always with the newest."""
    step = -(-len(looks) // most)
    return looks[(len(looks) - 1) % step :: step]
