"""Port to the settings that ops change while payorch runs: methods, routing policy, rulings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from payorch.domain.adaptive_shares import ADAPTIVE_OFF, AdaptiveSettings, Shares
from payorch.domain.decline_ruling import NO_RULINGS, RulingsInForce
from payorch.domain.payment_method import MethodKind, PaymentMethodVO
from payorch.domain.payment_order import OrderId
from payorch.domain.policy_trial import PolicyTrial, TrialArm, TrialPlace
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy
from payorch.domain.routing_rule import RoutingRule


class OperatingMode(StrEnum):
    """SAFE: after a restored backup nothing is charged or refunded until the books are checked."""

    NORMAL = "normal"
    SAFE = "safe"


@dataclass(frozen=True, slots=True)
class Segment:
    """Orders whose providers are compared with each other: one currency, one way to pay."""

    currency: str
    kind: MethodKind


@dataclass(frozen=True, slots=True)
class Configuration:
    """All methods, the policy, the mode and the rulings in force, as of `revision`.

    `adaptive_shares` are in force where the policy's adaptive mode is ON; else there are none.
    `trial`: the running one, whose control is `policy`.
    """

    revision: int
    methods: tuple[PaymentMethodVO, ...]
    policy: RoutingPolicy
    mode: OperatingMode = OperatingMode.NORMAL
    rulings: RulingsInForce = NO_RULINGS
    adaptive_shares: Mapping[Segment, Shares] = field(default_factory=dict)
    trial: PolicyTrial | None = None

    def policy_for(self, order_id: OrderId | None) -> tuple[RoutingPolicy, TrialPlace | None]:
        """The document that this order goes by. Without an order it is the published one."""
        if self.trial is None or order_id is None:
            return self.policy, None
        arm = self.trial.arm_of(order_id)
        policy = self.trial.candidate if arm is TrialArm.CANDIDATE else self.policy
        return policy, TrialPlace(self.trial.number, arm)


@dataclass(frozen=True, slots=True)
class ModeInForce:
    """`since` is None before the first change."""

    mode: OperatingMode
    since: datetime | None

    @property
    def is_safe(self) -> bool:
        return self.mode is OperatingMode.SAFE


class OperatingModes(Protocol):
    """Both raise LedgerUnavailable."""

    def in_force(self) -> ModeInForce: ...

    def change(self, mode: OperatingMode, *, actor: str, reason: str, at: datetime) -> bool:
        """Journalled, and in force in every process at its next order. False: it was already."""


@dataclass(frozen=True, slots=True)
class PublishedPolicy:
    """`restores_version`: the earlier version whose contents this one put in force again."""

    policy: RoutingPolicy
    based_on_version: int | None
    restores_version: int | None
    published_by: str
    reason: str
    published_at: datetime

    @property
    def version(self) -> int:
        return self.policy.version

    @property
    def entries(self) -> tuple[PolicyEntry, ...]:
        return self.policy.entries


class PaymentMethodRepository(Protocol):
    def load_configuration(self) -> Configuration:
        """Methods and policy of one instant, in one read transaction."""

    def add(self, method: PaymentMethodVO, *, at: datetime) -> bool:
        """Insert a method if its code is new; True when it was. The policy does not know it yet."""

    def set_enabled(
        self, code: str, *, is_enabled: bool, actor: str, reason: str, at: datetime
    ) -> bool:
        """Switch a method on or off, journalled. False when it already was so.

        Raises PaymentMethodNotFound.
        """


class RoutingPolicyRepository(Protocol):
    def publish(
        self,
        entries: tuple[PolicyEntry, ...],
        *,
        based_on_version: int,
        exploration_share: float,
        actor: str,
        reason: str,
        at: datetime,
        rules: tuple[RoutingRule, ...] = (),
        adaptive: AdaptiveSettings = ADAPTIVE_OFF,
        restores_version: int | None = None,
    ) -> int:
        """Store the next version, journal it and bump the revision, in one transaction.

        Returns the new version. Raises PolicyChangedMeanwhile when `based_on_version` is not the
        one in force, and TrialIsRunning while it is the control of a trial.
        """

    def history(self, *, limit: int, before: int | None = None) -> tuple[PublishedPolicy, ...]:
        """The newest versions first; only those older than version `before`, if given."""

    def version(self, number: int) -> PublishedPolicy | None: ...


class Journal(Protocol):
    def write(
        self,
        *,
        actor: str,
        action: str,
        subject: str,
        reason: str,
        before: Mapping[str, object] | None,
        after: Mapping[str, object] | None,
        at: datetime,
    ) -> None: ...
