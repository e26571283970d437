"""A replay in words and numbers, the same on the board, on its page and in the terminal."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from payorch.application.replay_policy import BIN_DIGITS_KEPT, AnsweredReplay
from payorch.domain.adaptive_shares import AdaptiveMode
from payorch.domain.policy_replay import Evidence, ReplayedFigure, ReplayedOrders
from payorch.domain.routing_policy import RoutingPolicy
from payorch.presentation.backoffice.dashboard.metric_texts import NBSP, points_text, share_text
from payorch.presentation.money_format import format_money

FEW_ORDERS = 100
"""Below these the intervals of a replay are no better than a guess."""

UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class FigureText:
    """`verdict` is "better", "worse", "no clear change" or "unchanged"; of a figure without a good
    side it is empty.
    """

    label: str
    was: str
    would_be: str
    change: str
    verdict: str
    help: str


@dataclass(frozen=True, slots=True)
class FirstText:
    provider: str
    was: str
    would_be: str


@dataclass(frozen=True, slots=True)
class OrdersText:
    """`title` is a currency, or "All currencies"; `caution` stands where there are few orders."""

    title: str
    orders: int
    figures: tuple[FigureText, ...]
    firsts: tuple[FirstText, ...]
    evidence: str
    caution: str


@dataclass(frozen=True, slots=True)
class ReplayText:
    """`sentence` sums it up. Without any orders there are no `parts`."""

    days: int
    sentence: str
    parts: tuple[OrdersText, ...]
    assumptions: tuple[str, ...]


def replay_text(
    answer: AnsweredReplay, policy: RoutingPolicy, names: Mapping[str, str]
) -> ReplayText:
    days = round(answer.window.length.total_seconds() / 86_400)
    total = answer.replay.total
    if total is None:
        return ReplayText(days, f"No order was finished in the last {_days(days)}.", (), ())
    currencies = answer.replay.by_currency
    several = len(currencies) > 1
    parts = [_orders_text("All currencies", None, total, names)] if several else []
    parts += [_orders_text(code, code, orders, names) for code, orders in currencies.items()]
    return ReplayText(
        days, _sentence(total, days), tuple(parts), tuple(_assumptions(answer, policy, names))
    )


def _sentence(total: ReplayedOrders, days: int) -> str:
    conversion, time = total.conversion, total.time_to_result_ms
    low, high = points_text(conversion.change.low), points_text(conversion.change.high)
    clear = "" if conversion.is_clear else ", no clear change"
    return (
        f"With this order the last {_days(days)} would have gone: orders paid at the first try "
        f"{share_text(conversion.was)} → {share_text(conversion.would_be)} "
        f"({points_text(conversion.difference)} points, 95{NBSP}%: {low} to {high}{clear}), "
        f"p95 time to result {_seconds(time.was)} → {_seconds(time.would_be)}, "
        f"no evidence for {share_text(total.evidence.none)} of {total.orders:,} orders."
    )


def _orders_text(
    title: str, currency: str | None, orders: ReplayedOrders, names: Mapping[str, str]
) -> OrdersText:
    moved = [
        (code, was, will) for code, (was, will) in orders.firsts.items() if max(was, will) >= 0.0005
    ]
    return OrdersText(
        title=title,
        orders=orders.orders,
        figures=tuple(_figures(orders, currency)),
        firsts=tuple(
            FirstText(names.get(code, code), share_text(was), share_text(will))
            for code, was, will in sorted(moved, key=lambda move: -move[2])
        ),
        evidence=_evidence_text(orders.evidence),
        caution=""
        if orders.orders >= FEW_ORDERS
        else f"Only {orders.orders:,} orders: too few to tell policies apart.",
    )


def _figures(orders: ReplayedOrders, currency: str | None) -> Iterator[FigureText]:
    yield _rate(
        "Order conversion",
        orders.conversion,
        "Orders paid at the first press of Pay, of all orders.",
    )
    yield _rate(
        "First-attempt approval",
        orders.first_approval,
        "Orders that the first provider approved, of all orders.",
    )
    extra = orders.extra_attempts
    yield FigureText(
        "Extra attempts per 100 orders",
        f"{extra.was * 100:.1f}",
        f"{extra.would_be * 100:.1f}",
        _change(extra, lambda value: f"{value * 100:+.1f}"),
        _verdict(extra, more_is_better=False),
        "Attempts after the first one of an order.",
    )
    time = orders.time_to_result_ms
    yield FigureText(
        "p95 time to result",
        _seconds(time.was),
        _seconds(time.would_be),
        _change(time, lambda value: f"{value / 1000:+.2f}{NBSP}s"),
        _verdict(time, more_is_better=False),
        "The time within which 95 of 100 orders have their result, all attempts included.",
    )
    fees = orders.fees_minor
    if fees is not None and currency is not None:
        yield FigureText(
            "Fees",
            _money(fees.was, currency),
            _money(fees.would_be, currency),
            _change(fees, lambda value: _money(value, currency, signed=True)),
            "" if fees.difference else UNCHANGED,
            "All providers' fees at today's prices. More approvals cost more fees.",
        )


def _points(difference: float) -> str:
    return f"{points_text(difference)}{NBSP}pts"


def _rate(label: str, figure: ReplayedFigure, explanation: str) -> FigureText:
    return FigureText(
        label,
        share_text(figure.was),
        share_text(figure.would_be),
        _change(figure, _points),
        _verdict(figure, more_is_better=True),
        explanation,
    )


def _change(figure: ReplayedFigure, text: Callable[[float], str]) -> str:
    """With its interval; nothing where nothing changes."""
    if _verdict(figure, more_is_better=True) == UNCHANGED:
        return ""
    low, high = text(figure.change.low), text(figure.change.high)
    return f"{text(figure.difference)} ({low} to {high})"


def _verdict(figure: ReplayedFigure, *, more_is_better: bool) -> str:
    if not figure.difference and figure.change.low == figure.change.high:
        return UNCHANGED
    if not figure.is_clear:
        return "no clear change"
    return "better" if (figure.difference > 0) is more_is_better else "worse"


def _evidence_text(evidence: Evidence) -> str:
    return (
        f"The first provider of {share_text(evidence.by_chance)} of the orders rests on the log "
        f"itself, of {share_text(evidence.by_model)} on the model's estimate; for "
        f"{share_text(evidence.none)} there is no evidence."
    )


def _assumptions(
    answer: AnsweredReplay, policy: RoutingPolicy, names: Mapping[str, str]
) -> Iterator[str]:
    replay = answer.replay
    window = answer.window
    yield (
        f"Counted are orders that were first paid for between {window.start:%Y-%m-%d %H:%M} and "
        f"{window.end:%Y-%m-%d %H:%M} UTC, each at its first press of Pay. Whether a customer "
        "would have tried again nobody can know."
    )
    if answer.unfinished:
        yield f"{answer.unfinished:,} orders that are still open are left out."
    yield (
        f"Chance decided the first provider of {replay.explored:,} orders (weights, exploration, "
        "adaptive shares); these are weighted by that chance, so they need no model."
        if replay.explored
        else "No first provider was left to chance, so what differs from the log is the model's "
        "estimate. An exploration of 2 % of the orders would give evidence."
    )
    yield (
        "The model knows that orders which come after a decline are harder to approve (spread of "
        f"the orders in log-odds: {replay.selection:.1f}), and draws thin groups of orders towards "
        "the others."
    )
    yield (
        "Limits, open circuits and the customers' own choice of a provider are as they were; so "
        "are the providers' answers: nobody reacts to the new order."
    )
    if policy.adaptive.mode is AdaptiveMode.ON:
        yield "Adaptive routing draws by the shares of now."
    if answer.has_long_bins:
        yield (
            f"Rules that ask for more than {BIN_DIGITS_KEPT} digits of a card are used for no "
            "order here: the books keep no more."
        )
    if answer.new_providers:
        those = ", ".join(names.get(code, code) for code in answer.new_providers)
        yield f"Nothing is known of {those}: orders go as if these could not take them."
    without_fees = [code for code, part in replay.by_currency.items() if part.fees_minor is None]
    if without_fees:
        yield f"Fees in {', '.join(without_fees)} are not known of every provider."


def _money(minor: float, currency: str, *, signed: bool = False) -> str:
    text = format_money(round(minor), currency)
    return f"+{text}" if signed and round(minor) > 0 else text


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.2f}{NBSP}s"


def _days(days: int) -> str:
    return "day" if days == 1 else f"{days} days"
