"""What the routing board's template prints, gathered from the services."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from payorch.application.configuration import PublishedPolicy
from payorch.domain.errors import PayorchError, ReasonRequired
from payorch.presentation.backoffice.routing.board_rows import board_rows
from payorch.presentation.backoffice.routing.policy_difference import difference, in_words
from payorch.presentation.backoffice.routing.routing_draft import PostedBoard, RoutingDraft, dense
from payorch.presentation.services import services


@dataclass(frozen=True, slots=True)
class BoardState:
    """A draft on its way: what was typed with it and what was wrong."""

    draft: RoutingDraft
    posted: PostedBoard | None = None
    reason: str = ""
    reason_problem: str = ""
    problem: str = ""

    def with_problem(self, error: PayorchError) -> "BoardState":
        if isinstance(error, ReasonRequired):
            return replace(self, reason_problem=error.message)
        return replace(self, problem=error.message)


@dataclass(frozen=True, slots=True)
class HistoryLine:
    policy: PublishedPolicy
    changes: list[str]
    is_in_force: bool


def board_context(state: BoardState, *, history_length: int) -> dict[str, Any]:
    """A draft of an older version is shown on top of the one in force, with both orders.

    It then names the version in force: who publishes it now has seen what it replaces.
    """
    configuration = services().registry.configuration()
    policy, methods = configuration.policy, configuration.methods
    names = {method.code: method.display_name for method in methods}
    # One more than is shown, so that the last one shown has something to differ from.
    published = services().policies.history(limit=history_length + 1)
    return {
        "version": policy.version,
        "rows": board_rows(
            state.draft,
            state.posted,
            methods,
            services().circuits,
            services().metrics.provider_summaries(services().clock.now()),
        ),
        "changes": difference(dense(policy.entries), state.draft.entries, names),
        "reason": state.reason,
        "reason_problem": state.reason_problem,
        "problem": state.problem,
        "has_wrong_numbers": state.posted is not None and bool(state.posted.problems),
        "published_meanwhile": _published_meanwhile(state, policy.version, published),
        "order_in_force": in_words(dense(policy.entries), names),
        "order_of_draft": in_words(state.draft.entries, names),
        "history": _history(published, names, policy.version)[:history_length],
    }


def _published_meanwhile(
    state: BoardState, version: int, published: Sequence[PublishedPolicy]
) -> PublishedPolicy | None:
    if state.draft.based_on_version == version:
        return None
    return next((policy for policy in published if policy.version == version), None)


def _history(
    published: Sequence[PublishedPolicy], names: Mapping[str, str], version: int
) -> list[HistoryLine]:
    by_version = {policy.version: policy for policy in published}
    lines = []
    for policy in published:
        before = by_version.get(policy.based_on_version or 0)
        lines.append(
            HistoryLine(
                policy=policy,
                changes=difference(before.entries, policy.entries, names)
                if before
                else in_words(policy.entries, names),
                is_in_force=policy.version == version,
            )
        )
    return lines
