"""Where orders went after their first provider: who was tried next, and what came of it.

Counted by place, so that a provider which is first for some orders and second for others stands
twice, and the flow has no circles.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from payorch.application.attempt_counts import AttemptCounts, AttemptKind, CellKey, merge_counts
from payorch.domain.attempt_stats import Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStep:
    """Attempts at one provider at one place (1 is the first) of their submissions.

    `went_on`: by provider, how many of them were followed by an attempt there. `ended` were
    neither approved nor followed by another one; `still_open` have no outcome yet.
    """

    provider_code: str
    place: int
    attempts: int
    charged: int
    still_open: int
    went_on: Mapping[str, int]

    @property
    def ended(self) -> int:
        # The last of a window may be followed by an attempt after it, so never below zero.
        rest = self.attempts - self.charged - self.still_open - sum(self.went_on.values())
        return max(rest, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackPair:
    """What became of attempts at `provider_code` made right after one at `after`."""

    after: str
    provider_code: str
    approval: Tally
    recovered: int
    revenue_minor: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackFlow:
    """`steps` by place and provider, `pairs` with the most recovered orders first."""

    steps: tuple[FlowStep, ...]
    pairs: tuple[FallbackPair, ...]


def fallback_flow(counts: Mapping[CellKey, AttemptCounts]) -> FallbackFlow:
    return FallbackFlow(steps=_steps(counts), pairs=_pairs(counts))


def _steps(counts: Mapping[CellKey, AttemptCounts]) -> tuple[FlowStep, ...]:
    parts: dict[tuple[int, str], list[AttemptCounts]] = defaultdict(list)
    went_on: dict[tuple[int, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for key, one in counts.items():
        parts[key.place, key.provider_code].append(one)
        if key.after:
            went_on[key.place - 1, key.after][key.provider_code] += one.attempts
    steps = []
    for (place, code), every in sorted(parts.items()):
        total = merge_counts(every)
        steps.append(
            FlowStep(
                provider_code=code,
                place=place,
                attempts=total.attempts,
                charged=total.charged,
                still_open=total.still_open + total.unknown,
                went_on=dict(sorted(went_on.get((place, code), {}).items())),
            )
        )
    return tuple(steps)


def _pairs(counts: Mapping[CellKey, AttemptCounts]) -> tuple[FallbackPair, ...]:
    parts: dict[tuple[str, str], list[AttemptCounts]] = defaultdict(list)
    revenue: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for key, one in counts.items():
        if key.kind is AttemptKind.FALLBACK and key.after:
            pair = (key.after, key.provider_code)
            parts[pair].append(one)
            if one.approved_amount_minor:
                revenue[pair][key.currency] += one.approved_amount_minor
    pairs = []
    for (after, code), every in parts.items():
        total = merge_counts(every)
        pairs.append(
            FallbackPair(
                after=after,
                provider_code=code,
                approval=total.approval,
                recovered=total.charged,
                revenue_minor=dict(sorted(revenue[after, code].items())),
            )
        )
    return tuple(sorted(pairs, key=lambda p: (-p.recovered, p.after, p.provider_code)))
