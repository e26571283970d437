"""The dashboard's tiles: title, number, what it stands on, and how it moved."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from payorch.application.provider_figures import (
    ComparedRate,
    LatencyFigures,
    RecoveredOrders,
    Tiles,
    UnknownBacklog,
)
from payorch.presentation.backoffice.dashboard.metric_texts import (
    age_text,
    change_text,
    milliseconds_text,
    n_text,
    rate_basis_text,
    rate_text,
)
from payorch.presentation.page_context import money

Tone = Literal["neutral", "success", "danger", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """Strings ready to print. `change` is None when nothing is compared."""

    name: str
    title: str
    value: str
    basis: str
    counts: str
    change: str | None = None
    tone: Tone = "neutral"


def tiles_of(tiles: Tiles) -> list[Tile]:
    return [
        _rate_tile(
            tiles.order_conversion,
            name="conversion",
            title="Order conversion",
            counts="Orders paid / orders first tried in this time, each once",
        ),
        _rate_tile(
            tiles.first_approval,
            name="approval",
            title="First-attempt approval",
            counts="Approved / finished first attempts",
        ),
        _recovered_tile(tiles.recovered, tiles.recovered_before),
        _rate_tile(
            tiles.technical_failure,
            name="technical",
            title="Technical failure rate",
            counts="Not sent and unknown / all attempts",
            is_good_when_high=False,
        ),
        _latency_tile(tiles.latency, tiles.latency_before),
        _unknown_tile(tiles.unknown),
    ]


def _rate_tile(
    compared: ComparedRate, *, name: str, title: str, counts: str, is_good_when_high: bool = True
) -> Tile:
    tone: Tone = "neutral"
    if compared.is_clear and compared.delta is not None:
        tone = "success" if (compared.delta > 0) is is_good_when_high else "danger"
    return Tile(
        name=name,
        title=title,
        value=rate_text(compared.now),
        basis=rate_basis_text(compared.now),
        counts=counts,
        change=change_text(compared),
        tone=tone,
    )


def _recovered_tile(now: RecoveredOrders, before: RecoveredOrders | None) -> Tile:
    change = None
    if before is not None:
        change = f"Before: {before.orders:,} ({amounts_text(before.revenue_minor)})"
    return Tile(
        name="recovered",
        title="Recovered orders",
        value=f"{now.orders:,}",
        basis=amounts_text(now.revenue_minor),
        counts="Orders paid by a later provider after the first one failed",
        change=change,
    )


def _latency_tile(now: LatencyFigures, before: LatencyFigures | None) -> Tile:
    return Tile(
        name="latency",
        title="Latency p95",
        value=milliseconds_text(now.p95_ms),
        basis=f"p50 {milliseconds_text(now.p50_ms)}, {n_text(now.n)}",
        counts="From sending to the answer, time-outs included",
        change=None if before is None else f"Before: {milliseconds_text(before.p95_ms)}",
    )


def _unknown_tile(unknown: UnknownBacklog) -> Tile:
    return Tile(
        name="unknown",
        title="Unknown now",
        value=f"{unknown.attempts:,}",
        basis=f"Oldest: {age_text(unknown.oldest_age)}",
        counts="Attempts being confirmed at this moment, whenever they started",
        tone="unknown" if unknown.attempts else "neutral",
    )


def amounts_text(by_currency: Mapping[str, int]) -> str:
    """Each currency for itself: amounts of different currencies are never added."""
    if not by_currency:
        return "no amount"
    return ", ".join(money(amount, currency) for currency, amount in by_currency.items())
