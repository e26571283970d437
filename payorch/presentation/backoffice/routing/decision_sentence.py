"""Why a provider was asked first, in one sentence: from what was stored, by the policy of then."""

from collections.abc import Mapping

from payorch.application.stored_decision import StoredDecision
from payorch.domain.payment_method import LeftOut
from payorch.domain.routing_policy import RoutingPolicy
from payorch.domain.tier_list import ChosenBecause, PolicyEntry, followed_by
from payorch.presentation.backoffice.payments.payment_texts import left_out_text, reason_text
from payorch.presentation.backoffice.routing.rule_words import percent


def decision_sentence(
    decision: StoredDecision, policy: RoutingPolicy | None, names: Mapping[str, str]
) -> str:
    """Such as "Alpha first: rule “Brazil cards” of policy 7, weight 70 of 100."

    `policy` is the document of the order's arm where a trial was running. `policy` None: it is not
    known any more, as for payments found by a recovery.
    """
    if not decision.candidates:
        return "No routing decision is stored for it."
    first = decision.candidates[0]
    name = names.get(first.provider_code, first.provider_code)
    entries = _entries_of(decision, policy)
    entry = next((e for e in entries if e.provider_code == first.provider_code), None)
    source = _source(decision)
    match first.because:
        case ChosenBecause.WEIGHT if entry is not None:
            total = sum(e.weight for e in _drawn_with(entry, entries, decision))
            why = f"{source}, weight {entry.weight} of {total}"
        case ChosenBecause.POLICY_ORDER if entry is not None:
            why = f"{source}, tier {entry.tier}"
        case ChosenBecause.EXPLORATION if policy is not None:
            share = percent(policy.exploration_share)
            why = f"drawn at random for comparison, as {share} of orders are by "
            why += _document(decision)
        case ChosenBecause.ADAPTIVE:
            why = f"drawn by the adaptive shares of policy {decision.policy_version}, "
            why += f"which gave it {percent(first.propensity)}"
        case _:
            why = reason_text(first.because)
    return f"{name} first: {why}{_arm(decision)}.{_passed_over(decision, entry, entries, names)}"


def _source(decision: StoredDecision) -> str:
    part = f"rule “{decision.rule_name}”" if decision.rule_name else "the default order"
    return f"{part} of {_document(decision)}"


def _document(decision: StoredDecision) -> str:
    if decision.candidate_of is not None:
        return "the candidate"
    return f"policy {decision.policy_version}"


def _arm(decision: StoredDecision) -> str:
    trial = decision.trial
    return "" if trial is None else f" (trial {trial.number}, {trial.arm} arm)"


def _entries_of(decision: StoredDecision, policy: RoutingPolicy | None) -> tuple[PolicyEntry, ...]:
    """The tier list that was used; empty when it is not known."""
    if policy is None:
        return ()
    if decision.rule_name is None:
        return policy.entries
    for rule in policy.rules:
        if rule.name == decision.rule_name:
            return followed_by(rule.entries, policy.entries if rule.then_default else ())
    return ()


def _drawn_with(
    entry: PolicyEntry, entries: tuple[PolicyEntry, ...], decision: StoredDecision
) -> list[PolicyEntry]:
    """Those of the tier that could take the order; some of them only came too late to be tried."""
    could = {candidate.provider_code for candidate in decision.candidates}
    could |= {c for c, why in decision.left_out.items() if why == LeftOut.PROVIDER_LIMIT}
    return [e for e in entries if e.tier == entry.tier and e.provider_code in could]


def _passed_over(
    decision: StoredDecision,
    entry: PolicyEntry | None,
    entries: tuple[PolicyEntry, ...],
    names: Mapping[str, str],
) -> str:
    """Who stood before it and was left out, as far as the policy's order decided."""
    decided = decision.candidates[0].because
    if entry is None or decided not in {ChosenBecause.WEIGHT, ChosenBecause.POLICY_ORDER}:
        return ""
    passed = [
        f"{names.get(e.provider_code, e.provider_code)} "
        f"({left_out_text(decision.left_out[e.provider_code])})"
        for e in sorted(entries, key=lambda e: e.tier)
        if e.tier < entry.tier and e.provider_code in decision.left_out
    ]
    return f" Left out before it: {', '.join(passed)}." if passed else ""
