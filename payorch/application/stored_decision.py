"""Routing decisions as they were stored with each submission, and what the order was then."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from payorch.domain.instrument import CardSummary
from payorch.domain.payment_order import OrderId
from payorch.domain.policy_trial import TrialArm, TrialPlace


@dataclass(frozen=True, slots=True)
class StoredCandidate:
    """`because` is a ChosenBecause of this release or of another one."""

    provider_code: str
    because: str
    propensity: float


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """`candidates` in the order of trying; `left_out` gives the reason by provider code.

    `rule_name` None: the default order of the policy, or a decision of before there were rules.
    `card` is that of the first attempt. `trial`: the arm that it went by, if one was running.
    """

    number: int
    at: datetime
    policy_version: int
    rule_name: str | None
    preferred_provider: str | None
    candidates: tuple[StoredCandidate, ...]
    left_out: dict[str, str]
    card: CardSummary | None = None
    trial: TrialPlace | None = None

    @property
    def candidate_of(self) -> int | None:
        """The number of the trial whose candidate decided; None: the published policy did."""
        if self.trial is None or self.trial.arm is TrialArm.CONTROL:
            return None
        return self.trial.number


class StoredDecisionReader(Protocol):
    def of_order(self, order_id: OrderId) -> tuple[StoredDecision, ...]:
        """Of each submission, first to last; none for an order that is not there."""
