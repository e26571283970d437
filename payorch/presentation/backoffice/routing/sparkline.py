"""A rate over time as a tiny SVG: lines where there is data, gaps where there is too little."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 120
HEIGHT = 28
_MARGIN = 2
_LEAST_SPAN = 0.05
"""Shares closer together than 5 points look flat, as they should."""


@dataclass(frozen=True, slots=True)
class Sparkline:
    """`lines` are values for polyline's `points`; `dots` stand alone between two gaps."""

    lines: tuple[str, ...]
    dots: tuple[tuple[str, str], ...]
    label: str


def sparkline(rates: Sequence[float | None]) -> Sparkline | None:
    """None without a single value. `rates` are shares of 0..1, oldest first."""
    known = [rate for rate in rates if rate is not None]
    if not known:
        return None
    low, high = min(known), max(known)
    span = max(high - low, _LEAST_SPAN)
    floor = max(0.0, min((low + high - span) / 2, 1.0 - span))
    step = (WIDTH - 2 * _MARGIN) / max(len(rates) - 1, 1)
    runs: list[list[tuple[str, str]]] = [[]]
    for index, rate in enumerate(rates):
        if rate is None:
            runs.append([])
            continue
        y = HEIGHT - _MARGIN - (rate - floor) / span * (HEIGHT - 2 * _MARGIN)
        runs[-1].append((f"{_MARGIN + index * step:.1f}", f"{y:.1f}"))
    return Sparkline(
        lines=tuple(" ".join(f"{x},{y}" for x, y in run) for run in runs if len(run) > 1),
        dots=tuple(run[0] for run in runs if len(run) == 1),
        label=f"Hour by hour between {low:.0%} and {high:.0%}, last {known[-1]:.0%}",
    )
