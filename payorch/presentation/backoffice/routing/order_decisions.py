"""The routing decisions of one order, each told in a sentence."""

from collections.abc import Mapping

from payorch.application.configuration import RoutingPolicyRepository
from payorch.application.policy_trials import PolicyTrialBook
from payorch.application.stored_decision import StoredDecision
from payorch.domain.payment_order import OrderId
from payorch.domain.routing_policy import RoutingPolicy
from payorch.presentation.backoffice.routing.decision_sentence import decision_sentence
from payorch.presentation.services import services


def sentences_of_order(order_id: OrderId, names: Mapping[str, str]) -> dict[int, str]:
    """By the number of the submission."""
    decisions = services().decisions.of_order(order_id)
    policies = policies_of(decisions, services().policies, services().trials)
    return {
        decision.number: decision_sentence(decision, policies[decision.number], names)
        for decision in decisions
    }


def policies_of(
    decisions: tuple[StoredDecision, ...],
    policies: RoutingPolicyRepository,
    trials: PolicyTrialBook,
) -> dict[int, RoutingPolicy | None]:
    """The document that each decision was made by, by the number of the submission; None where it
    is not there. Each is read once.
    """
    versions = {decision.policy_version for decision in decisions}
    published = {version: policies.version(version) for version in versions}
    candidates = {
        number: trials.trial(number)
        for number in {d.candidate_of for d in decisions}
        if number is not None
    }
    found: dict[int, RoutingPolicy | None] = {}
    for decision in decisions:
        if decision.candidate_of is not None:
            stored = candidates[decision.candidate_of]
            found[decision.number] = None if stored is None else stored.trial.candidate
        else:
            policy = published[decision.policy_version]
            found[decision.number] = None if policy is None else policy.policy
    return found
