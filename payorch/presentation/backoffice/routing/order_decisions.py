"""The routing decisions of one order, each told in a sentence."""

from collections.abc import Mapping

from payorch.application.configuration import RoutingPolicyRepository
from payorch.application.stored_decision import StoredDecision
from payorch.domain.payment_order import OrderId
from payorch.domain.routing_policy import RoutingPolicy
from payorch.presentation.backoffice.routing.decision_sentence import decision_sentence
from payorch.presentation.services import services


def sentences_of_order(order_id: OrderId, names: Mapping[str, str]) -> dict[int, str]:
    """By the number of the submission."""
    decisions = services().decisions.of_order(order_id)
    policies = policies_of(decisions, services().policies)
    return {
        decision.number: decision_sentence(decision, policies[decision.policy_version], names)
        for decision in decisions
    }


def policies_of(
    decisions: tuple[StoredDecision, ...], policies: RoutingPolicyRepository
) -> dict[int, RoutingPolicy | None]:
    """Each policy that a decision was made by, read once; None where it is not there."""
    found = {number: policies.version(number) for number in {d.policy_version for d in decisions}}
    return {number: None if policy is None else policy.policy for number, policy in found.items()}
