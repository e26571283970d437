"""What the routing board's template prints, gathered from the services."""

from dataclasses import dataclass, replace
from typing import Any

from payorch.application.configuration import Configuration, PublishedPolicy
from payorch.domain.errors import PayorchError, ReasonRequired
from payorch.presentation.backoffice.routing.board_rows import board_rows
from payorch.presentation.backoffice.routing.history_lines import history_lines
from payorch.presentation.backoffice.routing.kept_draft import rules_stamp
from payorch.presentation.backoffice.routing.policy_difference import policy_difference
from payorch.presentation.backoffice.routing.policy_warnings import policy_warnings
from payorch.presentation.backoffice.routing.posted_board import EXPLORATION, PostedBoard
from payorch.presentation.backoffice.routing.replay_panel import DAYS, USUAL_DAYS
from payorch.presentation.backoffice.routing.routing_draft import RoutingDraft, dense
from payorch.presentation.backoffice.routing.rule_words import percent, policy_in_words
from payorch.presentation.services import services


@dataclass(frozen=True, slots=True)
class BoardState:
    """A draft on its way: what was typed with it and what was wrong.

    `is_conflict`: publishing was refused because another version came into force meanwhile;
    `restoring` is the earlier version that was to be put in force again when that happened.
    """

    draft: RoutingDraft
    posted: PostedBoard | None = None
    reason: str = ""
    reason_problem: str = ""
    problem: str = ""
    is_conflict: bool = False
    restoring: PublishedPolicy | None = None

    def with_problem(self, error: PayorchError) -> "BoardState":
        if isinstance(error, ReasonRequired):
            return replace(self, reason_problem=error.message)
        return replace(self, problem=error.message)


def board_context(
    state: BoardState, configuration: Configuration, *, history_length: int
) -> dict[str, Any]:
    """A draft of an older version is shown on top of the one in force, with both policies.

    Only the page that refused to publish it names the version in force as its base: who publishes
    from there has seen, and was told, what that replaces. Mere moves never change the base.
    """
    policy, methods = configuration.policy, configuration.methods
    names = {method.code: method.display_name for method in methods}
    shown = replace(policy, entries=dense(policy.entries))
    drafted = state.draft.policy()
    restoring = state.restoring
    posted = state.posted
    return {
        "version": policy.version,
        "base_version": policy.version if state.is_conflict else state.draft.based_on_version,
        "is_conflict": state.is_conflict,
        "trial": configuration.trial,
        "rules_stamp": rules_stamp(drafted.rules),
        "rows": board_rows(
            state.draft,
            posted,
            methods,
            services().circuits,
            services().metrics.provider_summaries(services().clock.now()),
        ),
        "exploration": posted.texts.get(EXPLORATION, "") if posted and posted.problems else "",
        "exploration_share": percent(drafted.exploration_share).removesuffix("%"),
        "exploration_problem": posted.problems.get(EXPLORATION, "") if posted else "",
        "replay_days": DAYS,
        "replay_usual_days": USUAL_DAYS,
        "changes": policy_difference(shown, drafted, names),
        "warnings": policy_warnings(drafted, methods),
        "reason": state.reason,
        "reason_problem": state.reason_problem,
        "problem": state.problem,
        "has_wrong_numbers": posted is not None and bool(posted.problems),
        "published_meanwhile": _published_meanwhile(state, policy.version),
        "in_force": policy_in_words(shown, names),
        "drafted": policy_in_words(drafted, names),
        "restoring": restoring,
        "restored": policy_in_words(restoring.policy, names) if restoring else None,
        "history": history_lines(
            services().policies.history(limit=history_length + 1), names, policy.version
        )[:history_length],
    }


def _published_meanwhile(state: BoardState, version: int) -> PublishedPolicy | None:
    if state.restoring is None and state.draft.based_on_version == version:
        return None
    return services().policies.version(version)
