"""Figures with their intervals, out of estimates per row and of how these bend with the model.

The error of an estimate has two parts: what chance did to the orders, and what it did to the model.
Both are sums over orders, so their common variance is the sum of squares of each order's own part
(the influence function of an M-estimator; van der Vaart 1998, chapter 5). What partial pooling
holds back is added as the variance it was assumed to have.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from payorch.domain.attempt_stats import Interval
from payorch.domain.policy_replay import ReplayedFigure
from payorch.infrastructure.replay.attempts import Attempts
from payorch.infrastructure.replay.layout import SHARES
from payorch.infrastructure.replay.outcome_model import OutcomeModel
from payorch.infrastructure.replay.plan import Plan
from payorch.infrastructure.replay.traffic import Floats, Ints, counted

Z_95 = 1.959963984540054
_CRUMB = 1e-11


@dataclass(frozen=True, slots=True)
class Bends:
    """What a small change of the model does to each estimate: figures x rows for each of them.

    `by_share` is by which share first, then by provider.
    """

    by_log_odds: list[Floats]
    by_log_sigma: Floats
    by_share: list[list[Floats]]


@dataclass(frozen=True, slots=True)
class Estimates:
    """Figures x rows. `fit_row` is each row's place among the `attempts` that taught the model."""

    plan: Plan
    was: Floats
    would_be: Floats
    bends: Bends
    model: OutcomeModel
    attempts: Attempts
    fit_row: Ints

    def mean(
        self, among: NDArray[np.bool_], figure: int, by_amount: int | None = None
    ) -> ReplayedFigure:
        """Per order. `by_amount` is a second figure that counts times each order's amount."""
        orders = float(self.plan.n[among].sum())
        share = np.where(among, 1.0 / orders, 0.0)
        weights = _Weights(
            share * self.plan.n,
            share * self.plan.sum_amount,
            share * self.plan.sum_square,
            figure,
            by_amount,
        )
        was, would_be = weights.mean(self.was), weights.mean(self.would_be)
        pull = self.model.covariance @ self._gradient(weights)
        variance = self._variance(weights, pull, would_be - was, orders)
        half = Z_95 * float(np.sqrt(max(variance, 0.0)))
        change = _exact(would_be - was)
        return ReplayedFigure(
            was, was + change, Interval(_exact(change - half), _exact(change + half))
        )

    def _variance(self, weights: "_Weights", pull: Floats, change: float, orders: float) -> float:
        difference = self.would_be - self.was
        through_model = self._through_model(pull)
        inside = (difference[weights.figure] - change) / orders + through_model
        by_amount = weights.amount_part(difference)
        squares = float(weights.square @ by_amount**2)
        # Orders outside the scope taught the model, too.
        outside = self.plan.n - weights.n * orders
        return float(
            weights.n @ inside**2 * orders
            + 2 * (weights.amount @ (inside * by_amount))
            + squares / orders
            + outside @ through_model**2
            + self.model.precision @ pull**2
        )

    def _gradient(self, weights: "_Weights") -> Floats:
        layout, plan = self.model.layout, self.plan
        by_cell = np.zeros((layout.providers, layout.segments, layout.blocks))
        for number, bent in enumerate(self.bends.by_log_odds):
            by_cell[number, plan.cell_segment, plan.cell_block] = counted(
                plan.cell, weights.of_rows(bent), len(plan.cell_segment)
            )
        gradient = layout.gathered(by_cell)
        gradient[0] = weights.mean(self.bends.by_log_sigma)
        for which, bends in enumerate(self.bends.by_share):
            gradient[layout.share_places(which)] = [weights.mean(bent) for bent in bends]
        return gradient

    def _through_model(self, pull: Floats) -> Floats:
        """Each row's own part in the error of the figure by what it taught the model."""
        layout = self.model.layout
        by_log_odds, by_log_sigma, by_share = self.model.scores(self.attempts)
        total = (by_log_odds * pull[layout.features(self.attempts)].sum(axis=2)).sum(axis=1)
        total += by_log_sigma * pull[0]
        for which in range(SHARES):
            of_providers = pull[layout.share_places(which)]
            total += (by_share[which] * of_providers[self.attempts.provider]).sum(axis=1)
        return np.asarray(total[self.fit_row])


def _exact(value: float) -> float:
    """Without the crumbs of rounding: what did not change has not changed."""
    return 0.0 if abs(value) < _CRUMB else value


@dataclass(frozen=True, slots=True)
class _Weights:
    """Of each row in a mean per order: `n` for the figure, `amount` for the one by amount.

    `square` is of the squares of the amounts.
    """

    n: Floats
    amount: Floats
    square: Floats
    figure: int
    by_amount: int | None

    def of_rows(self, values: Floats) -> Floats:
        weighted = self.n * values[self.figure]
        return np.asarray(weighted + self.amount * self.amount_part(values))

    def mean(self, values: Floats) -> float:
        return float(self.of_rows(values).sum())

    def amount_part(self, values: Floats) -> Floats:
        if self.by_amount is None:
            return np.zeros_like(self.n)
        return np.asarray(values[self.by_amount])
