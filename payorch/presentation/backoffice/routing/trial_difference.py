"""What the candidate of a trial changes from its control."""

from collections.abc import Sequence
from dataclasses import replace

from payorch.domain.payment_method import PaymentMethodVO
from payorch.domain.routing_policy import RoutingPolicy
from payorch.presentation.backoffice.routing.policy_difference import policy_difference
from payorch.presentation.backoffice.routing.routing_draft import dense


def policy_changes(
    control: RoutingPolicy, candidate: RoutingPolicy, methods: Sequence[PaymentMethodVO]
) -> list[str]:
    """In words; gaps between the numbers of tiers are no difference."""
    names = {method.code: method.display_name for method in methods}
    old, new = (replace(policy, entries=dense(policy.entries)) for policy in (control, candidate))
    return policy_difference(old, new, names)
