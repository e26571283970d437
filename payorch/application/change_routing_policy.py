"""Publish a new routing policy. It never changes a published one: every change is a new version.

The caller names the version it looked at; when another one is in force by now nothing is
published, because the order that was on the screen is not the order that would be replaced.
"""

from dataclasses import dataclass

from payorch.application.configuration import PaymentMethodRepository, RoutingPolicyRepository
from payorch.application.ports import Clock
from payorch.application.staff_reason import checked_reason
from payorch.domain.errors import InvalidRoutingPolicy
from payorch.domain.routing_policy import PolicyEntry, RoutingPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRoutingPolicy:
    """`entries` name every provider exactly once. No `exploration_share` keeps the present."""

    entries: tuple[PolicyEntry, ...]
    based_on_version: int
    actor: str
    reason: str
    exploration_share: float | None = None


class ChangeRoutingPolicyUseCase:
    def __init__(
        self, policies: RoutingPolicyRepository, methods: PaymentMethodRepository, clock: Clock
    ) -> None:
        self._policies = policies
        self._methods = methods
        self._clock = clock

    def execute(self, change: ChangeRoutingPolicy) -> int:
        """The new version, in force for the next order of every process.

        Raises ReasonRequired, InvalidRoutingPolicy (a provider is missing, unknown or twice; a
        tier or weight out of range), and PolicyChangedMeanwhile: show both orders and ask again.
        """
        reason = checked_reason(change.reason)
        present = self._methods.load_configuration()
        share = change.exploration_share
        policy = RoutingPolicy(
            version=change.based_on_version + 1,
            entries=change.entries,
            exploration_share=present.policy.exploration_share if share is None else share,
        )
        _check_same_providers(policy, frozenset(method.code for method in present.methods))
        return self._policies.publish(
            policy.entries,
            based_on_version=change.based_on_version,
            exploration_share=policy.exploration_share,
            actor=change.actor,
            reason=reason,
            at=self._clock.now(),
        )


def _check_same_providers(policy: RoutingPolicy, known: frozenset[str]) -> None:
    named = frozenset(entry.provider_code for entry in policy.entries)
    if missing := known - named:
        raise InvalidRoutingPolicy(f"The policy leaves out {', '.join(sorted(missing))}.")
    if unknown := named - known:
        raise InvalidRoutingPolicy(f"There is no provider {', '.join(sorted(unknown))}.")
