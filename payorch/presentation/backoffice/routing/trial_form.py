"""The form that starts a trial: a name, a share, and the draft that was looked at."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from payorch.domain.policy_trial import (
    MAX_NAME_LENGTH,
    MAX_SHARE_PERCENT,
    MIN_SHARE_PERCENT,
    USUAL_SHARE_PERCENT,
)
from payorch.presentation.backoffice.routing.kept_draft import rules_stamp
from payorch.presentation.backoffice.routing.posted_board import TypedNumbers
from payorch.presentation.backoffice.routing.routing_draft import RoutingDraft


@dataclass(frozen=True, slots=True)
class TrialForm:
    """As it was typed. `share_percent` is None while a problem is left."""

    name: str = ""
    share: str = str(USUAL_SHARE_PERCENT)
    reason: str = ""
    share_percent: int | None = None
    problems: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, form: Mapping[str, str]) -> "TrialForm":
        numbers = TypedNumbers(form)
        share = numbers.number("share", MIN_SHARE_PERCENT, MAX_SHARE_PERCENT, 0)
        name, reason = form.get("name", "").strip(), form.get("reason", "").strip()
        problems = dict(numbers.problems)
        if not name:
            problems["name"] = "Give it a name by which colleagues will know it."
        elif len(name) > MAX_NAME_LENGTH:
            problems["name"] = f"At most {MAX_NAME_LENGTH} characters."
        if not reason:
            problems["reason"] = "Say why: the reason is kept in the journal."
        return cls(name, numbers.texts["share"], reason, None if problems else share, problems)


def draft_stamp(draft: RoutingDraft) -> str:
    """Tells one state of a draft from another, in each process: what is shown is what is tried."""
    state = (
        draft.based_on_version,
        rules_stamp(draft.rules),
        draft.entries,
        draft.exploration_share,
        draft.adaptive,
    )
    return hashlib.sha256(repr(state).encode()).hexdigest()[:16]
