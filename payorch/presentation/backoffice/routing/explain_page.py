"""What the page that explains an order prints, by the policy in force and by a draft."""

from collections.abc import Mapping
from dataclasses import dataclass

from payorch.application.explain_routing import ExplainedPlace, RoutingExplanation
from payorch.domain.policy_trial import TrialArm
from payorch.domain.tier_list import ChosenBecause
from payorch.presentation.backoffice.payments.payment_texts import CHOSEN, LEFT_OUT
from payorch.presentation.backoffice.routing.rule_words import conditions_in_words, percent


@dataclass(frozen=True, slots=True)
class PlaceText:
    name: str
    reason: str
    first: str
    is_tried: bool


@dataclass(frozen=True, slots=True)
class ExplanationText:
    """`decided_by` names the rule or the default order; `when` is empty for the latter.

    `document` is the policy; `trial` says what a running trial has to do with it, or is empty.
    """

    decided_by: str
    when: str
    places: tuple[PlaceText, ...]
    left_out: tuple[tuple[str, str], ...]
    max_tried: int
    document: str
    trial: str


def explanation_text(explanation: RoutingExplanation, names: Mapping[str, str]) -> ExplanationText:
    rule = explanation.rule
    return ExplanationText(
        decided_by="The default order" if rule is None else str(rule),
        when="" if rule is None else conditions_in_words(rule.conditions),
        places=tuple(
            PlaceText(
                name=names.get(place.provider_code, place.provider_code),
                reason=place_text(place),
                first=f"First for {percent(place.first_share)} of such orders"
                if place.first_share
                else "",
                is_tried=number <= explanation.max_tried,
            )
            for number, place in enumerate(explanation.places, start=1)
        ),
        left_out=tuple(
            (names.get(code, code), LEFT_OUT[reason])
            for code, reason in sorted(explanation.left_out.items())
        ),
        max_tried=explanation.max_tried,
        document=_document(explanation),
        trial=_trial(explanation),
    )


def _document(explanation: RoutingExplanation) -> str:
    place = explanation.place
    if place is not None and place.arm is TrialArm.CANDIDATE:
        return "the candidate"
    return f"policy {explanation.policy.version}"


def _trial(explanation: RoutingExplanation) -> str:
    trial, place = explanation.trial, explanation.place
    if trial is None:
        return ""
    running = f"Trial {trial.number} “{trial.name}” is running"
    if place is not None:
        return f"{running}: this order is in its {place.arm} arm."
    return f"{running}: {trial.share_percent} % of the orders go by its candidate instead."


def place_text(place: ExplainedPlace) -> str:
    if place.because is ChosenBecause.WEIGHT:
        return f"tier {place.tier}, weight {place.weight} of {place.tier_weight}"
    if place.because is ChosenBecause.POLICY_ORDER:
        return f"tier {place.tier}"
    return CHOSEN[place.because]
