"""A trial of a routing policy: some orders go by a candidate, the others by the published one.

The arm is drawn by a keyed hash of the order's id, so that every process and every press of "Pay"
finds the same one without asking anybody, and so that nothing about an order can decide its arm.
"""

import hmac
from dataclasses import dataclass
from enum import StrEnum

from payorch.domain.adaptive_shares import AdaptiveMode
from payorch.domain.errors import InvalidPolicyTrial
from payorch.domain.payment_order import OrderId
from payorch.domain.routing_policy import RoutingPolicy

MIN_SHARE_PERCENT, MAX_SHARE_PERCENT = 1, 50
USUAL_SHARE_PERCENT = 10
MAX_NAME_LENGTH = 60
_DRAW_BYTES = 8
_DRAWS = 256**_DRAW_BYTES


class TrialArm(StrEnum):
    CONTROL = "control"
    CANDIDATE = "candidate"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTrial:
    """`candidate.version` is the version in force, `control_version`, that it would replace.

    `share_percent` of the orders go by the candidate. `salt` makes the draw one of this trial:
    with the same for all, the same orders would be candidates each time.
    """

    number: int
    name: str
    control_version: int
    candidate: RoutingPolicy
    share_percent: int
    salt: str

    def __post_init__(self) -> None:
        if not 0 < len(self.name) <= MAX_NAME_LENGTH:
            raise InvalidPolicyTrial(
                f"Give the trial a name of at most {MAX_NAME_LENGTH} characters."
            )
        if not MIN_SHARE_PERCENT <= self.share_percent <= MAX_SHARE_PERCENT:
            raise InvalidPolicyTrial(
                f"The share of the candidate lies between {MIN_SHARE_PERCENT} and "
                f"{MAX_SHARE_PERCENT} %."
            )
        if self.candidate.adaptive.mode is AdaptiveMode.ON:
            raise InvalidPolicyTrial(
                "Adaptive shares are worked out for the published policy alone. "
                "Switch adaptive routing off in the draft, then try it."
            )

    @property
    def share(self) -> float:
        return self.share_percent / 100

    def arm_of(self, order_id: OrderId) -> TrialArm:
        digest = hmac.digest(self.salt.encode(), order_id.encode(), "sha256")
        draw = int.from_bytes(digest[:_DRAW_BYTES], "big")
        is_candidate = draw * 100 < self.share_percent * _DRAWS
        return TrialArm.CANDIDATE if is_candidate else TrialArm.CONTROL


@dataclass(frozen=True, slots=True)
class TrialPlace:
    """An order's place in a trial, as its routing decision keeps it."""

    number: int
    arm: TrialArm
