"""Numbers of the metrics as people read them: every rate with its interval and its n."""

from datetime import timedelta

from payorch.application.provider_figures import ComparedRate, Rate
from payorch.domain.attempt_stats import Interval, NotEnoughData

DASH = "-"
NBSP = "\N{NO-BREAK SPACE}"
"""Between a number and its unit, so that no line ends between them."""


def share_text(share: float | None) -> str:
    return DASH if share is None else f"{share * 100:.1f}{NBSP}%"


def interval_text(interval: Interval | None) -> str:
    if interval is None:
        return DASH
    return f"{interval.low * 100:.1f} to {interval.high * 100:.1f}{NBSP}%"


def rate_text(rate: Rate) -> str:
    """The rate, or that there is not enough data for one."""
    return "Not enough data" if isinstance(rate, NotEnoughData) else share_text(rate.rate)


def rate_basis_text(rate: Rate) -> str:
    """What the rate stands on: its interval and n, or how many are missing."""
    if isinstance(rate, NotEnoughData):
        return f"{n_text(rate.n)}, at least {rate.min_n:,} needed"
    return f"95{NBSP}%: {interval_text(rate.interval)}, {n_text(rate.n)}"


def n_text(n: int) -> str:
    return f"n{NBSP}={NBSP}{n:,}"


def points_text(difference: float) -> str:
    """A difference of two rates in percentage points, always with its sign."""
    return f"{difference * 100:+.1f}"


def change_text(compared: ComparedRate) -> str | None:
    """How the rate moved, and whether the data can tell; None without a comparison."""
    if compared.before is None:
        return None
    if compared.delta is None or compared.change is None:
        return "Not enough data before to compare"
    low, high = points_text(compared.change.low), points_text(compared.change.high)
    said = f"{points_text(compared.delta)} points (95{NBSP}%: {low} to {high})"
    return said if compared.is_clear else f"{said}, no clear change"


def milliseconds_text(value: float | None) -> str:
    return "Not enough data" if value is None else f"{value:,.0f}{NBSP}ms"


def age_text(age: timedelta | None) -> str:
    """An age in its largest two units: "45 s", "12 min", "3 h 5 min", "2 d 4 h"."""
    if age is None:
        return DASH
    seconds = max(0, int(age.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 86_400:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min"
    return f"{seconds // 86_400} d {seconds % 86_400 // 3600} h"
