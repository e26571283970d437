"""Port to the settings that ops change while payorch runs: payment methods and routing policy."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from payorch.domain.payment_method import PaymentMethodVO
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy


@dataclass(frozen=True, slots=True)
class Configuration:
    """All methods and the policy in force, as of `revision`."""

    revision: int
    methods: tuple[PaymentMethodVO, ...]
    policy: RoutingPolicy


@dataclass(frozen=True, slots=True)
class PublishedPolicy:
    version: int
    based_on_version: int | None
    entries: tuple[PolicyEntry, ...]
    published_by: str
    reason: str
    published_at: datetime


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
    ) -> int:
        """Store the next version, journal it and bump the revision, in one transaction.

        Returns the new version. Raises PolicyChangedMeanwhile when `based_on_version` is not the
        one in force.
        """

    def history(self, *, limit: int) -> tuple[PublishedPolicy, ...]: ...


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
