"""What attempts cost the merchant, from the same counts as every other number.

A window in which a fee changes is counted in parts, so each attempt has the fee that was valid
when it started.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from payorch.application.attempt_counts import AttemptCounts, merge_counts
from payorch.application.metrics_rollup import ProviderMetricsRepository
from payorch.application.metrics_window import MetricsWindow
from payorch.application.provider_figures import MetricsQuery
from payorch.domain.provider_fees import FeeSchedule


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderCost:
    """One provider in one currency. `cost_minor` None: for some attempts no fee is known.

    It is the exact sum, rounded once per fee: at most half a minor unit per approved payment
    from the sum of the rounded fees.
    """

    provider_code: str
    currency: str
    approved: int
    approved_minor: int
    billed_attempts: int
    cost_minor: int | None

    @property
    def share(self) -> float | None:
        """Cost per approved amount."""
        if self.cost_minor is None or not self.approved_minor:
            return None
        return float(Fraction(self.cost_minor, self.approved_minor))


def provider_costs(
    query: MetricsQuery, repository: ProviderMetricsRepository, fees: FeeSchedule
) -> tuple[ProviderCost, ...]:
    """By provider and currency; those without a billed attempt are left out."""
    counted: dict[tuple[str, str], list[AttemptCounts]] = {}
    costs: dict[tuple[str, str], int | None] = {}
    for part in _parts(query.window, fees):
        for key, counts in _counts(query, repository, part).items():
            fee = fees.in_force(*key, part.start)
            cost = None
            if fee is not None:
                cost = fee.of_many(
                    approved=counts.approved,
                    approved_minor=counts.approved_amount_minor,
                    attempts=_billed(counts),
                )
            before = costs.get(key, 0)
            costs[key] = None if before is None or cost is None else before + cost
            counted.setdefault(key, []).append(counts)
    return tuple(_cost(key, merge_counts(counted[key]), costs[key]) for key in sorted(counted))


def _parts(window: MetricsWindow, fees: FeeSchedule) -> Iterator[MetricsWindow]:
    marks = [window.start, *fees.changes_within(window.start, window.end), window.end]
    for start, end in pairwise(marks):
        yield MetricsWindow(start, end)


def _counts(
    query: MetricsQuery, repository: ProviderMetricsRepository, window: MetricsWindow
) -> Mapping[tuple[str, str], AttemptCounts]:
    cells = repository.counts(
        window, providers=query.providers, currency=query.currency, by_bucket=False
    ).counts
    by_key: dict[tuple[str, str], list[AttemptCounts]] = {}
    for cell, counts in cells.items():
        if _billed(counts):
            by_key.setdefault((cell.provider_code, cell.currency), []).append(counts)
    return {key: merge_counts(every) for key, every in by_key.items()}


def _billed(counts: AttemptCounts) -> int:
    """Attempts in the states of provider_fees.BILLED_ATTEMPTS."""
    return counts.attempts - counts.not_sent - counts.still_open


def _cost(key: tuple[str, str], counts: AttemptCounts, cost_minor: int | None) -> ProviderCost:
    return ProviderCost(
        provider_code=key[0],
        currency=key[1],
        approved=counts.approved,
        approved_minor=counts.approved_amount_minor,
        billed_attempts=_billed(counts),
        cost_minor=cost_minor,
    )
