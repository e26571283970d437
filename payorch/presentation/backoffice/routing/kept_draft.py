"""The draft of the person at this request: found again on every page of the routing."""

from dataclasses import dataclass

from payorch.application.configuration import Configuration
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.routing.routing_draft import RoutingDraft
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.services import services


@dataclass(frozen=True, slots=True)
class KeptDraft:
    """`stamp` tells one state of the draft from the next; it is empty when nothing is kept."""

    draft: RoutingDraft
    stamp: str


def kept_draft(configuration: Configuration) -> KeptDraft:
    """The person's draft, or the policy in force as one that changes nothing."""
    if staff_may(Permission.CHANGE_ROUTING):
        saved = services().drafts.of(current_staff().email)
        if saved is not None:
            draft = RoutingDraft.of(saved.policy, configuration.methods)
            if draft.differs_from(configuration.policy):
                return KeptDraft(draft, saved.saved_at.isoformat())
    return KeptDraft(RoutingDraft.of(configuration.policy, configuration.methods), "")


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
