"""Why an order would go to whom: all of a routing decision without its dice, and no order needed.

The same consideration that a payment starts from, so that an explanation cannot drift from what
is done. It may be asked of a policy that is not in force: that is the preview of a draft.
"""

from dataclasses import dataclass

from payorch.application.payment_method_registry import (
    Consideration,
    PaymentMethodRegistry,
    RoutingQuestion,
)
from payorch.domain.payment_method import LeftOut
from payorch.domain.policy_trial import PolicyTrial, TrialPlace
from payorch.domain.routing_policy import RoutingPolicy
from payorch.domain.routing_rule import RoutingRule
from payorch.domain.tier_list import ChosenBecause, PolicyEntry, first_place_propensities


@dataclass(frozen=True, slots=True)
class ExplainedPlace:
    """A provider that can take the order. `first_share`: how often it would come first, 0..1.

    `weight` counts among `tier_weight`, the sum over those of its tier that can take the order.
    """

    provider_code: str
    tier: int
    weight: int
    tier_weight: int
    first_share: float
    because: ChosenBecause


@dataclass(frozen=True, slots=True)
class RoutingExplanation:
    """`rule` None: the default order. At most `max_tried` of the `places` are tried.

    `trial` is the running one, unless another policy was asked about; `place` the order's arm.
    """

    policy: RoutingPolicy
    rule: RoutingRule | None
    places: tuple[ExplainedPlace, ...]
    left_out: dict[str, LeftOut]
    max_tried: int
    trial: PolicyTrial | None = None
    place: TrialPlace | None = None


class ExplainRoutingUseCase:
    def __init__(self, registry: PaymentMethodRegistry) -> None:
        self._registry = registry

    def execute(
        self, question: RoutingQuestion, policy: RoutingPolicy | None = None
    ) -> RoutingExplanation:
        """By `policy`, or by the one in force. It may answer also while payments are paused."""
        configuration = self._registry.configuration()
        trial = configuration.trial if policy is None else None
        place = None
        if policy is None:
            policy, place = configuration.policy_for(question.order_id)
        considered = self._registry.consider(configuration, policy, question)
        if considered.best_of_bad is None:
            places = _places(considered, policy.exploration_share, question.preferred_provider)
        else:
            places = _best_of_bad(considered, considered.best_of_bad)
        shown = {place.provider_code for place in places}
        open_circuits = {
            code: LeftOut.CIRCUIT_OPEN for code in considered.eligible if code not in shown
        }
        return RoutingExplanation(
            policy=policy,
            rule=considered.order.rule,
            places=places,
            left_out={**considered.left_out, **open_circuits},
            max_tried=self._registry.max_providers,
            trial=trial,
            place=place,
        )


def _places(
    considered: Consideration, exploration_share: float, preferred: str | None
) -> tuple[ExplainedPlace, ...]:
    """By tier; inside a tier by weight, though there the dice decide each time.

    In adaptive mode the dice fall by the shares, whatever the tier: these come first.
    """
    entries = [e for e in considered.order.entries if e.provider_code in considered.healthy]
    shares = first_place_propensities(entries, exploration_share, considered.first_shares)
    is_chosen = preferred in shares
    places = []
    for entry in entries:
        tier = [other for other in entries if other.tier == entry.tier]
        because = ChosenBecause.WEIGHT if len(tier) > 1 else ChosenBecause.POLICY_ORDER
        if considered.first_shares:
            because = ChosenBecause.ADAPTIVE
        share = shares[entry.provider_code]
        if is_chosen:
            share = float(entry.provider_code == preferred)
        if entry.provider_code == preferred:
            because = ChosenBecause.CUSTOMER_CHOICE
        places.append(_place(entry, tier, share, because))
    by_shares = considered.first_shares is not None
    return tuple(
        sorted(
            places,
            key=lambda p: (
                p.provider_code != preferred,
                -p.first_share if by_shares else 0.0,
                p.tier,
                -p.weight,
            ),
        )
    )


def _best_of_bad(considered: Consideration, code: str) -> tuple[ExplainedPlace, ...]:
    return tuple(
        _place(entry, [entry], 1.0, ChosenBecause.BEST_OF_BAD)
        for entry in considered.order.entries
        if entry.provider_code == code
    )


def _place(
    entry: PolicyEntry, tier: list[PolicyEntry], first_share: float, because: ChosenBecause
) -> ExplainedPlace:
    return ExplainedPlace(
        provider_code=entry.provider_code,
        tier=entry.tier,
        weight=entry.weight,
        tier_weight=sum(other.weight for other in tier),
        first_share=first_share,
        because=because,
    )
