"""What a trial of a policy shows: evidence that may be looked at as often as one likes.

The arm of each order is a coin with a known chance. If the policies make no difference, that coin
has nothing to do with how the order ends, whatever conversion does meanwhile: among the orders
that were paid, and among those that ended unpaid, the candidate's share is that of the coin. The
evidence is how much better a share that is not known in advance explains both counts than the
coin does: two beta-binomial mixtures over two binomials. It is a nonnegative martingale with mean
1 while there is no difference, so the chance that it ever reaches 20 is at most 1 in 20.

Only orders that cannot change any more may be counted. One that was counted as unpaid and is paid
later would move between the two counts after its coin has been seen.

Sources: Ville 1939; Robbins 1970 (mixtures); Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas
2024, "Time-uniform central limit theory and asymptotic confidence sequences" (the interval).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import exp, lgamma, log, log1p, sqrt

from payorch.domain.attempt_stats import Interval, Tally
from payorch.domain.policy_trial import TrialArm

ALPHA = 0.05
LOG_CLEAR = -log(ALPHA)
"""Evidence of 20 to 1, as a logarithm: from here on a winner is named."""

CONCENTRATIONS = (100.0, 1_000.0, 10_000.0)
"""How far the candidate's share is supposed to lie from the coin's, as the sum of the parameters
of a Beta around it: at a share of 10 % by about 3, 1 and 0.3 points. A difference of 3 points of a
conversion of 80 % moves the share of the unpaid by 1.4 points and of the paid by 0.3. A third of
the weight for each costs at most a factor of 3 against having known the best one."""

LOG_UNEVEN = log(1000)
"""Evidence against the coin itself. It is asked of every trial, so it has to be sure."""

MIN_SETTLED = 100
"""Of each arm. The interval is one of large samples; below this it would promise too much."""

TUNED_FOR = 20_000
"""Settled orders at which the interval is narrowest. It holds at any other number, too."""

USUAL_VARIANCE = 0.15
"""Of one order's end, at a conversion of 82 %. It only tunes the interval."""

SURE_Z2 = 20.0
"""Square of the distance, in standard errors, at which four of five trials have named a winner;
measured by tests/trials."""


class Verdict(StrEnum):
    NONE = "none"
    CANDIDATE = "candidate"
    CONTROL = "control"


@dataclass(frozen=True, slots=True)
class ArmCounts:
    """Orders of one arm. `failed` ones are open, too: the customer may still try again."""

    paid: int = 0
    unpaid: int = 0
    failed: int = 0
    underway: int = 0

    @property
    def settled(self) -> Tally:
        return Tally(approved=self.paid, finished=self.paid + self.unpaid)

    @property
    def still_open(self) -> int:
        return self.failed + self.underway

    @property
    def entered(self) -> int:
        return self.settled.finished + self.still_open


@dataclass(frozen=True, slots=True)
class TrialCounts:
    control: ArmCounts = ArmCounts()
    candidate: ArmCounts = ArmCounts()

    def of(self, arm: TrialArm) -> ArmCounts:
        return self.candidate if arm is TrialArm.CANDIDATE else self.control

    @property
    def difference(self) -> float | None:
        """Conversion of the candidate less that of the control; None without orders of both."""
        candidate, control = self.candidate.settled, self.control.settled
        if not candidate.finished or not control.finished:
            return None
        return candidate.rate - control.rate

    def log_evidence(self, share: float) -> float:
        """That the policies differ in conversion: the natural logarithm of the betting odds."""
        return log_against_coin(
            self.candidate.paid, self.candidate.paid + self.control.paid, share
        ) + log_against_coin(
            self.candidate.unpaid, self.candidate.unpaid + self.control.unpaid, share
        )

    def is_uneven(self, share: float) -> bool:
        """Whether the arms did not get the orders that the coin would have given them.

        Arms are counted from the first press of "Pay". One that refuses orders before, because
        no provider of its policy may take them, is compared on what is left.
        """
        candidate = self.candidate.entered
        entered = candidate + self.control.entered
        return log_against_coin(candidate, entered, share) >= LOG_UNEVEN

    def interval(self, share: float) -> Interval | None:
        """Of the difference: 95 % sure to hold it at every look at once, for large samples."""
        control, candidate = self.control.settled, self.candidate.settled
        difference = self.difference
        if difference is None or min(control.finished, candidate.finished) < MIN_SETTLED:
            return None
        variance = _variance_of_mean(control) + _variance_of_mean(candidate)
        n = control.finished + candidate.finished
        # In the source's terms: t² times the variance of the mean is t sigma², its clock.
        clock = n * n * variance
        tuned = -2 * log(ALPHA) + log(-2 * log(ALPHA) + 1)
        rho2 = tuned * share * (1 - share) / (TUNED_FOR * USUAL_VARIANCE)
        reach = sqrt(
            2 * (clock * rho2 + 1) / (n * n * rho2) * (log1p(clock * rho2) / 2 - log(ALPHA))
        )
        return Interval(max(difference - reach, -1.0), min(difference + reach, 1.0))


@dataclass(frozen=True, slots=True)
class Look:
    """What the counts were at a time."""

    at: datetime
    counts: TrialCounts


@dataclass(frozen=True, slots=True)
class Finding:
    """All looks of a trial together. `peak` is the one with the most evidence.

    A winner, once named, stays: the promise is about the highest evidence ever.
    """

    peak: Look
    log_peak: float
    verdict: Verdict
    clear_since: datetime | None

    @property
    def p_value(self) -> float:
        """Always valid: it may be read at any look, and never rises."""
        return min(1.0, exp(-self.log_peak))


def finding(looks: Sequence[Look], share: float) -> Finding:
    """`looks` in the order of time, at least one."""
    logs = [look.counts.log_evidence(share) for look in looks]
    log_peak = max(logs)
    peak = looks[logs.index(log_peak)]
    clear = [look for look, log_e in zip(looks, logs, strict=True) if log_e >= LOG_CLEAR]
    verdict = Verdict.NONE
    if clear:
        is_better = (peak.counts.difference or 0.0) > 0
        verdict = Verdict.CANDIDATE if is_better else Verdict.CONTROL
    return Finding(peak, log_peak, verdict, clear[0].at if clear else None)


def log_against_coin(
    successes: int,
    n: int,
    share: float,
    concentrations: Iterable[float] = CONCENTRATIONS,
) -> float:
    """How much better the mixture explains `successes` of `n` than a coin of `share` does: the
    logarithm of the ratio of likelihoods.
    """
    if n == 0:
        return 0.0
    by_coin = successes * log(share) + (n - successes) * log(1 - share)
    ratios = []
    for concentration in concentrations:
        a, b = concentration * share, concentration * (1 - share)
        ratios.append(_log_beta(a + successes, b + n - successes) - _log_beta(a, b) - by_coin)
    highest = max(ratios)
    return highest + log(sum(exp(ratio - highest) for ratio in ratios) / len(ratios))


def orders_needed(conversion: float, difference: float, share: float) -> int:
    """Settled orders of both arms after which four of five trials have named a winner."""
    better = min(conversion + difference, 1.0)
    variance = conversion * (1 - conversion) / (1 - share) + better * (1 - better) / share
    return round(SURE_Z2 * variance / difference**2)


def _variance_of_mean(tally: Tally) -> float:
    """Half an order is added to either end, so that a rate of 100 % is not taken for certain."""
    rate = (tally.approved + 0.5) / (tally.finished + 1)
    return rate * (1 - rate) / tally.finished


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
