"""One row of the routing board, as ready text: the template only prints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from payorch.application.circuit_board import CircuitBoard
from payorch.application.provider_figures import ProviderSummary, Rate
from payorch.domain.attempt_stats import NotEnoughData
from payorch.domain.payment_method import PaymentMethodVO
from payorch.presentation.backoffice.routing.circuit_texts import Health, health_of
from payorch.presentation.backoffice.routing.posted_board import PostedBoard
from payorch.presentation.backoffice.routing.routing_draft import RoutingDraft
from payorch.presentation.backoffice.routing.rule_words import shares_of
from payorch.presentation.backoffice.routing.sparkline import Sparkline, sparkline
from payorch.presentation.money_format import format_money

DASH = "-"
_NBSP = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Figures:
    """The last 24 hours. A dash means that there were no attempts."""

    approval: str = DASH
    interval: str = "no attempts"
    p50: str = DASH
    p95: str = DASH
    share: str = DASH
    recovered: str = DASH
    recovered_amounts: str = ""
    sparkline: Sparkline | None = None


@dataclass(frozen=True, slots=True)
class BoardRow:
    method: PaymentMethodVO
    place: int
    tier: str
    weight: str
    share_of_tier: str
    health: Health
    figures: Figures
    problems: tuple[str, ...]


def board_rows(
    draft: RoutingDraft,
    posted: PostedBoard | None,
    methods: Sequence[PaymentMethodVO],
    circuits: CircuitBoard,
    summaries: Mapping[str, ProviderSummary],
) -> list[BoardRow]:
    """The rows in the draft's order; typed texts and problems are those of `posted`, if any."""
    by_code = {method.code: method for method in methods}
    keeps_texts = posted is not None and bool(posted.problems)
    texts = posted.texts if posted is not None and keeps_texts else {}
    problems = posted.problems if posted is not None else {}
    rows = []
    for place, entry in enumerate(draft.entries, start=1):
        code = entry.provider_code
        tier = [other for other in draft.entries if other.tier == entry.tier]
        rows.append(
            BoardRow(
                method=by_code[code],
                place=place,
                tier=texts.get(f"tier-{code}", str(entry.tier)),
                weight=texts.get(f"weight-{code}", str(entry.weight)),
                share_of_tier=shares_of(tier)[code] if len(tier) > 1 else "",
                health=health_of(circuits.view(code)),
                figures=figures_of(summaries.get(code)),
                problems=tuple(
                    f"{label}: {problems[name]}"
                    for label, name in (("Tier", f"tier-{code}"), ("Weight", f"weight-{code}"))
                    if name in problems
                ),
            )
        )
    return rows


def figures_of(summary: ProviderSummary | None) -> Figures:
    if summary is None:
        return Figures()
    approval, interval = _rate(summary.approval)
    amounts = summary.recovered.revenue_minor
    return Figures(
        approval=approval,
        interval=interval,
        p50=_milliseconds(summary.latency.p50_ms),
        p95=_milliseconds(summary.latency.p95_ms),
        share=DASH if summary.share_of_traffic is None else f"{summary.share_of_traffic:.0%}",
        recovered=str(summary.recovered.orders),
        recovered_amounts=", ".join(
            format_money(minor, currency) for currency, minor in sorted(amounts.items())
        ),
        sparkline=sparkline(summary.sparkline),
    )


def _rate(rate: Rate) -> tuple[str, str]:
    if isinstance(rate, NotEnoughData):
        return "not enough data", f"n{_NBSP}{rate.n:,} of at least {rate.min_n:,}"
    low, high = rate.interval.low, rate.interval.high
    return f"{rate.rate:.1%}", f"{low:.1%} to {high:.1%}, n{_NBSP}{rate.n:,}"


def _milliseconds(value: float | None) -> str:
    if value is None:
        return DASH
    return f"{value:.0f}{_NBSP}ms" if value < 1000 else f"{value / 1000:.1f}{_NBSP}s"
