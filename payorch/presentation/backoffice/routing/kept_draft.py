"""The draft of the person at this request: found again on every page of the routing."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from payorch.application.configuration import Configuration
from payorch.domain.routing_rule import RoutingRule
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.routing.routing_draft import RoutingDraft
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.services import services


@dataclass(frozen=True, slots=True)
class KeptDraft:
    """`is_kept` is false where the draft is just what is in force."""

    draft: RoutingDraft
    is_kept: bool


def kept_draft(configuration: Configuration) -> KeptDraft:
    """The person's draft, or the policy in force as one that changes nothing."""
    if staff_may(Permission.CHANGE_ROUTING):
        saved = services().drafts.of(current_staff().email)
        if saved is not None:
            draft = RoutingDraft.of(saved.policy, configuration.methods)
            if draft.differs_from(configuration.policy):
                return KeptDraft(draft, is_kept=True)
    in_force = RoutingDraft.of(configuration.policy, configuration.methods)
    return KeptDraft(in_force, is_kept=False)


def keep(draft: RoutingDraft, configuration: Configuration) -> None:
    """Nothing is kept of a draft that is no different from what is in force.

    Raises InvalidRoutingPolicy, and then keeps what was kept before.
    """
    if draft.differs_from(configuration.policy):
        services().edit_draft.execute(current_staff().email, draft.policy())
    else:
        discard()


def discard() -> None:
    services().edit_draft.discard(current_staff().email)


def rules_stamp(rules: Iterable[RoutingRule]) -> str:
    """Tells one state of the rules from another: equal rules give equal stamps in each process."""
    state = [
        (
            rule.name,
            [sorted(codes) for codes in rule.conditions.code_sets],
            rule.conditions.amount,
            rule.entries,
            rule.then_default,
        )
        for rule in rules
    ]
    return hashlib.sha256(repr(state).encode()).hexdigest()[:16]
