"""Replays policies on the traffic of a window; the model is fitted once for all of them."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from payorch.domain.attempt_stats import Interval
from payorch.domain.policy_replay import (
    LoggedOrder,
    PolicyReplay,
    ReplayedFigure,
    ReplayedOrders,
)
from payorch.domain.provider_fees import PPM, ProviderFee
from payorch.domain.routing_policy import RoutingPolicy
from payorch.infrastructure.replay.attempts import attempts_of
from payorch.infrastructure.replay.evidence import Witness
from payorch.infrastructure.replay.figures import Bends, Estimates
from payorch.infrastructure.replay.layout import SHARES, Layout
from payorch.infrastructure.replay.outcome_model import OutcomeModel, fit
from payorch.infrastructure.replay.plan import AdaptiveShares, Plan, plan_for
from payorch.infrastructure.replay.policy_tree import Rewards, Tables
from payorch.infrastructure.replay.time_to_result import times_to_result
from payorch.infrastructure.replay.traffic import Floats, Ints, Traffic, traffic_of
from payorch.infrastructure.replay.weighing import as_it_was, would_be

FIRST, CONVERSION, ATTEMPTS, FEES, FEES_BY_AMOUNT = range(5)
FIGURES = 5

_NUDGE = 1e-4

Fees = Mapping[tuple[str, str], ProviderFee]
"""By provider code and currency: the fee in force."""


def replayer_of(orders: Iterable[LoggedOrder], *, most: int) -> "Replayer":
    """`most` is how many providers are tried for one submission."""
    return Replayer(traffic_of(orders), most=most)


class Replayer:
    def __init__(self, traffic: Traffic, *, most: int) -> None:
        """`most` is how many providers are tried for one submission."""
        self._traffic = traffic
        self._most = most
        self._numbers = {code: number for number, code in enumerate(traffic.providers)}
        rows, _ = traffic.rows()
        self._attempts = attempts_of(traffic, rows, self._numbers)
        self._layout = Layout(len(traffic.providers), len(traffic.segments), traffic.blocks)
        self._model = fit(self._attempts, self._layout)
        self._witness = Witness.of(traffic, rows, self._attempts)

    @property
    def model(self) -> OutcomeModel:
        return self._model

    def replay(self, policy: RoutingPolicy, *, shares: AdaptiveShares, fees: Fees) -> PolicyReplay:
        """What `policy` would have done. `shares` are those of adaptive mode as they are now."""
        if not self._traffic.orders:
            return PolicyReplay(None, {}, 0, self._model.sigma)
        plan = plan_for(self._traffic, policy, shares)
        currencies = np.array([self._traffic.segments[s][0] for s in plan.cell_segment])
        tables = self._tables(plan)
        rewards = self._rewards(currencies, fees)
        estimates = self._estimates(plan, tables, rewards)
        row_currency = currencies[plan.cell]
        by_currency = {}
        for currency in sorted(set(currencies.tolist())):
            among = row_currency == currency
            has_fees = all((code, currency) in fees for code in _taking_part(plan, among))
            by_currency[currency] = self._orders(estimates, among, tables, has_fees=has_fees)
        everything = np.ones(plan.rows, dtype=np.bool_)
        is_one = len(by_currency) == 1
        total = self._orders(estimates, everything, tables, has_fees=False)
        if is_one:
            total = next(iter(by_currency.values()))
        return PolicyReplay(total, by_currency, self._witness.explored, self._model.sigma)

    def _estimates(self, plan: Plan, tables: Tables, rewards: Rewards) -> Estimates:
        estimate = self._would_be(tables, rewards, plan)
        return Estimates(
            plan,
            as_it_was(rewards, plan.groups, self._numbers, plan.rows),
            estimate,
            self._bends(tables, rewards, plan, estimate),
            self._model,
            self._attempts,
            self._fit_row(plan),
        )

    def _tables(self, plan: Plan) -> Tables:
        log_odds = self._model.log_odds()[:, plan.cell_segment, plan.cell_block]
        return Tables(log_odds, self._model.sigma, self._model.shares())

    def _would_be(self, tables: Tables, rewards: Rewards, plan: Plan) -> Floats:
        return would_be(
            tables,
            rewards,
            plan.treatments,
            plan.groups,
            numbers=self._numbers,
            most=self._most,
            trusted=self._witness.trusted,
            rows=plan.rows,
        )

    def _rewards(self, currencies: NDArray[np.str_], fees: Fees) -> Rewards:
        size = (FIGURES, len(self._traffic.providers), len(currencies))
        attempt, billed, approved = np.zeros(size), np.zeros(size), np.zeros(size)
        attempt[ATTEMPTS] = 1.0
        approved[CONVERSION] = 1.0
        for (code, currency), fee in fees.items():
            if code in self._numbers:
                here = currencies == currency
                number = self._numbers[code]
                billed[FEES, number, here] = fee.attempt_minor
                approved[FEES, number, here] = fee.fixed_minor
                approved[FEES_BY_AMOUNT, number, here] = fee.percent_ppm / PPM
        first = np.zeros(FIGURES)
        first[FIRST] = 1.0
        return Rewards(attempt, billed, approved, first)

    def _bends(self, tables: Tables, rewards: Rewards, plan: Plan, estimate: Floats) -> Bends:
        """A nudge of one provider's log-odds in all cells at once tells of each row's own cell."""

        def bend(nudged: Tables) -> Floats:
            return (self._would_be(nudged, rewards, plan) - estimate) / _NUDGE

        by_log_odds = []
        by_share: list[list[Floats]] = [[] for _ in range(SHARES)]
        for number in range(len(self._traffic.providers)):
            log_odds = tables.log_odds.copy()
            log_odds[number] += _NUDGE
            by_log_odds.append(bend(Tables(log_odds, tables.sigma, tables.shares)))
            for which in range(SHARES):
                shares = tables.shares.copy()
                share = shares[which, number]
                shares[which, number] += _NUDGE * share * (1 - share)
                by_share[which].append(bend(Tables(tables.log_odds, tables.sigma, shares)))
        wider = tables.sigma * float(np.exp(_NUDGE))
        return Bends(by_log_odds, bend(Tables(tables.log_odds, wider, tables.shares)), by_share)

    def _fit_row(self, plan: Plan) -> Ints:
        """The row of the model's table with the same attempts, kind of order and time."""
        sizes = (len(self._traffic.paths), self._layout.segments, self._layout.blocks)
        wanted = np.ravel_multi_index(
            (plan.path, plan.cell_segment[plan.cell], plan.cell_block[plan.cell]), sizes
        )
        return np.searchsorted(self._attempts.keys, wanted).astype(np.int64)

    def _orders(
        self, estimates: Estimates, among: NDArray[np.bool_], tables: Tables, *, has_fees: bool
    ) -> ReplayedOrders:
        plan = estimates.plan
        orders = int(plan.n[among].sum())
        attempts = estimates.mean(among, ATTEMPTS)
        fees = estimates.mean(among, FEES, FEES_BY_AMOUNT) if has_fees else None
        return ReplayedOrders(
            orders=orders,
            first_approval=estimates.mean(among, FIRST),
            conversion=estimates.mean(among, CONVERSION),
            extra_attempts=ReplayedFigure(attempts.was - 1, attempts.would_be - 1, attempts.change),
            time_to_result_ms=times_to_result(
                self._traffic,
                plan,
                among,
                tables=tables,
                numbers=self._numbers,
                most=self._most,
            ),
            fees_minor=None if fees is None else _times(fees, orders),
            evidence=self._witness.evidence(plan, among),
            firsts=self._witness.firsts(plan, among),
        )


def _taking_part(plan: Plan, among: NDArray[np.bool_]) -> set[str]:
    """Providers that were tried for these orders, or would be."""
    codes: set[str] = set()
    for group in plan.groups:
        if among[group.rows].any():
            codes |= {code for code, _ in group.path}
            codes |= plan.treatments[group.treatment].eligible
    return codes


def _times(figure: ReplayedFigure, orders: int) -> ReplayedFigure:
    change = Interval(figure.change.low * orders, figure.change.high * orders)
    return ReplayedFigure(figure.was * orders, figure.would_be * orders, change)
