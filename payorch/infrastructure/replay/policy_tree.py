"""What a policy makes of an order, by the model: a tree of who is tried after whom.

Every value is kept by cell (kind of order and time) and by point of readiness u, so that a value
after some declines is the same values under another belief about u.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from payorch.domain.policy_replay import Step
from payorch.domain.tier_list import PolicyEntry, first_place_propensities
from payorch.infrastructure.replay.attempts import sigmoid
from payorch.infrastructure.replay.outcome_model import READINESS
from payorch.infrastructure.replay.traffic import Floats, Ints


@dataclass(frozen=True, slots=True)
class Tables:
    """The model's numbers. `log_odds`: providers x cells, at u = 0; `shares`: 3 x providers."""

    log_odds: Floats
    sigma: float
    shares: Floats

    def approval(self, provider: int) -> Floats:
        """The chance that the issuer says yes: cells x points."""
        return sigmoid(self.log_odds[provider][:, None] + self.sigma * READINESS)

    def decided(self, provider: int) -> float:
        return float(1 - self.shares[0, provider])

    def unsent(self, provider: int) -> float:
        return float(self.shares[0, provider] * self.shares[1, provider])

    def going_on(self, provider: int, approval: Floats) -> Floats:
        """The chance that the next provider is tried after this one: cells x points."""
        declined = self.decided(provider) * (1 - approval)
        return np.asarray(self.unsent(provider) + declined * self.shares[2, provider])


@dataclass(frozen=True, slots=True)
class Rewards:
    """What is counted: figures x providers x cells.

    `attempt` for each attempt, `billed` for each one that the provider may have seen, `approved`
    for an approval; `first` for an approval at the first attempt (by figure).
    """

    attempt: Floats
    billed: Floats
    approved: Floats
    first: Floats

    def observed(self, provider: int, step: Step, cells: Ints, *, is_first: bool) -> Floats:
        """Figures x the given cells, of an attempt that went so."""
        value = self.attempt[:, provider, cells].copy()
        if step is not Step.NOT_SENT:
            value += self.billed[:, provider, cells]
        if step is Step.APPROVED:
            value += self.approved[:, provider, cells]
            if is_first:
                value += self.first[:, None]
        return value


@dataclass(frozen=True, slots=True)
class Branch:
    """Trying a provider next. `value`: figures x cells x points, all that follows included."""

    chance: float
    value: Floats
    after: "Node"


@dataclass(frozen=True, slots=True)
class Node:
    """Where a submission stands after some attempts that went on."""

    value: Floats
    branches: Mapping[int, Branch]


@dataclass(frozen=True, slots=True)
class Treatment:
    """How a policy treats orders: the chances to be first, and the tier list for what follows."""

    first_chances: tuple[tuple[str, float], ...]
    entries: tuple[PolicyEntry, ...]
    eligible: frozenset[str]

    def next_chances(self, tried: Sequence[str]) -> Mapping[str, float]:
        if not tried:
            return dict(self.first_chances)
        return next_chances(self.entries, self.eligible.difference(tried))


def next_chances(entries: Sequence[PolicyEntry], left: Collection[str]) -> Mapping[str, float]:
    """Who of those that are left comes next, by tier and weight."""
    return first_place_propensities([e for e in entries if e.provider_code in left], 0.0)


class PolicyTree:
    def __init__(
        self, tables: Tables, rewards: Rewards, numbers: Mapping[str, int], most: int
    ) -> None:
        """`most` is how many providers are tried for one submission."""
        self._tables = tables
        self._rewards = rewards
        self._numbers = numbers
        self._most = most
        self._approval = [tables.approval(number) for number in range(len(numbers))]
        self._going_on = [
            tables.going_on(number, approval) for number, approval in enumerate(self._approval)
        ]
        figures = len(rewards.first)
        self._nothing = np.zeros((figures, tables.log_odds.shape[1], len(READINESS)))

    def grow(self, treatment: Treatment, tried: tuple[str, ...] = ()) -> Node:
        if len(tried) == self._most:
            return Node(self._nothing, {})
        branches = {}
        value = self._nothing
        for code, chance in treatment.next_chances(tried).items():
            if chance <= 0:
                continue
            number = self._numbers[code]
            after = self.grow(treatment, (*tried, code))
            branch_value = self._expected(number, is_first=not tried)
            if after.branches:
                branch_value = branch_value + self._going_on[number] * after.value
            branches[number] = Branch(chance, branch_value, after)
            value = value + chance * branch_value
        return Node(value, branches)

    def _expected(self, number: int, *, is_first: bool) -> Floats:
        """The reward of one attempt: figures x cells x points."""
        rewards = self._rewards
        approved = rewards.approved[:, number, :]
        if is_first:
            approved = approved + rewards.first[:, None]
        sure = rewards.attempt[:, number, :] + rewards.billed[:, number, :] * (
            1 - self._tables.unsent(number)
        )
        gain = approved[:, :, None] * self._tables.decided(number) * self._approval[number]
        return np.asarray(sure[:, :, None] + gain)
