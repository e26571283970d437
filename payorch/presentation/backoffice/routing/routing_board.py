"""The routing board: the order of the providers, edited as a draft and published as a version.

Every step is a form post that works without JavaScript: moving only changes the draft, which is
kept for the person who edits it, and nothing is in force before "Publish". Each form names the
version it was drawn from; when another one is in force by then, both are shown (409) and nothing
is published.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from flask import Response, abort, flash, redirect, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.application.change_routing_policy import ChangeRoutingPolicy
from payorch.application.configuration import Configuration
from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.domain.errors import (
    InvalidRoutingPolicy,
    PolicyChangedMeanwhile,
    ReasonRequired,
    TrialIsRunning,
)
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.routing.board_page import BoardState, board_context
from payorch.presentation.backoffice.routing.kept_draft import (
    discard,
    keep,
    kept_draft,
    rules_stamp,
)
from payorch.presentation.backoffice.routing.method_switch import switch_method
from payorch.presentation.backoffice.routing.posted_board import PostedBoard
from payorch.presentation.backoffice.routing.replay_panel import (
    STREAM_TYPE,
    days_of,
    replay_html,
)
from payorch.presentation.backoffice.routing.replay_texts import replay_text
from payorch.presentation.backoffice.routing.routing_draft import RoutingDraft
from payorch.presentation.backoffice.routing.rule_words import policy_in_words
from payorch.presentation.backoffice.routing.streamed_replay import streamed
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.backoffice.shell.base_view import BackofficeView
from payorch.presentation.backoffice.shell.step_up import identity_question
from payorch.presentation.services import services

HISTORY_LENGTH = 3
OTHER_WINDOW = (
    "The rules of your draft were changed in another window since this page was shown. "
    "Nothing was published: look at the difference below, and publish it then."
)


class RoutingBoardView(BackofficeView):
    required_permission = Permission.READ_ROUTING

    @expose("/")
    def index(self) -> ResponseReturnValue:
        configuration = services().registry.configuration()
        return self._page(BoardState(kept_draft(configuration).draft), configuration)

    @expose("/draft", methods=["POST"])
    def draft(self) -> ResponseReturnValue:
        """The posted order, after one more move if the pressed button asks for one."""
        self._require_change()
        configuration = services().registry.configuration()
        posted = _posted(configuration)
        reason = request.form.get("reason", "")
        if posted.problems:
            return self._page(BoardState(posted.draft, posted, reason=reason), configuration, 422)
        draft = _after_move(posted.draft, request.form)
        keep(draft, configuration)
        return self._page(BoardState(draft, posted, reason=reason), configuration)

    @expose("/publish", methods=["POST"])
    def publish(self) -> ResponseReturnValue:
        self._require_change()
        configuration = services().registry.configuration()
        posted = _posted(configuration)
        state = BoardState(posted.draft, posted, reason=request.form.get("reason", ""))
        if posted.problems:
            return self._page(state, configuration, 422)
        keep(posted.draft, configuration)
        if _has_unseen_rules(posted.draft, configuration):
            return self._page(replace(state, problem=OTHER_WINDOW), configuration, 409)
        if not posted.draft.differs_from(configuration.policy):
            flash("This policy is in force already; there is nothing to publish.", "warning")
            return self._back()
        if (question := identity_question(self)) is not None:
            return question
        return self._publish(state)

    @expose("/replay", methods=["POST"])
    def replay(self) -> ResponseReturnValue:
        """What the posted order would have done to the last days: streamed for the script of the
        board, else a page. The draft is kept as it is posted, like after a move.
        """
        self._require_change()
        configuration = services().registry.configuration()
        posted = _posted(configuration)
        if posted.problems:
            state = BoardState(posted.draft, posted, reason=request.form.get("reason", ""))
            return self._page(state, configuration, 422)
        keep(posted.draft, configuration)
        policy = posted.draft.policy()
        names = {method.code: method.display_name for method in configuration.methods}
        days = days_of(request.form.get("days", ""))
        run = partial(services().replay_policy.execute, policy, days=days)
        if STREAM_TYPE in request.accept_mimetypes.values():
            html = stream_with_context(
                streamed(
                    lambda progress: run(progress=progress),
                    lambda answer: replay_html(replay_text(answer, policy, names)),
                )
            )
            return Response(html, mimetype=STREAM_TYPE)
        page: str = self.render(
            "backoffice/routing_replay.html",
            replay=replay_text(run(), policy, names),
            drafted=policy_in_words(policy, names),
            version=configuration.policy.version,
        )
        return page

    @expose("/try", methods=["POST"])
    def try_out(self) -> ResponseReturnValue:
        """To the form of a trial, with the posted order kept as the draft that it is about."""
        self._require_change()
        configuration = services().registry.configuration()
        posted = _posted(configuration)
        if posted.problems:
            state = BoardState(posted.draft, posted, reason=request.form.get("reason", ""))
            return self._page(state, configuration, 422)
        keep(posted.draft, configuration)
        return redirect(url_for("routing_trials.index"), code=303)

    @expose("/discard", methods=["POST"])
    def discard(self) -> ResponseReturnValue:
        self._require_change()
        discard()
        flash("Your draft is gone. What is in force stays as it is.", "success")
        return self._back()

    @expose("/restore", methods=["POST"])
    def restore(self) -> ResponseReturnValue:
        """Put an earlier version in force again, as a new one. A draft stays what it is."""
        self._require_change()
        wanted, base = (_number(request.form.get(name, "")) for name in ("restore", "version"))
        found = services().policies.version(wanted) if wanted else None
        if found is None or base is None:
            abort(404)
        if (question := identity_question(self)) is not None:
            return question
        configuration = services().registry.configuration()
        earlier = RoutingDraft.of(found.policy, configuration.methods)
        reason = request.form.get("reason", "")
        try:
            version = _change(earlier, base, reason, restores=found.version)
        except PolicyChangedMeanwhile:
            configuration = services().registry.configuration()
            own = kept_draft(configuration).draft
            state = BoardState(own, reason=reason, restoring=found)
            return self._page(state, configuration, 409)
        except (ReasonRequired, InvalidRoutingPolicy, TrialIsRunning) as error:
            flash(error.message, "error")
            return self._back()
        flash(
            f"Version {version} is in force from the next order on: "
            f"version {found.version} over again.",
            "success",
        )
        return self._back()

    @expose("/switch", methods=["POST"])
    def switch(self) -> ResponseReturnValue:
        self._require_change()
        switch_method(request.form)
        return self._back()

    def _publish(self, state: BoardState) -> ResponseReturnValue:
        try:
            version = _change(state.draft, state.draft.based_on_version, state.reason)
        except PolicyChangedMeanwhile:
            conflict = replace(state, is_conflict=True)
            return self._page(conflict, services().registry.configuration(), 409)
        except TrialIsRunning as error:
            running = replace(state, problem=error.message)
            return self._page(running, services().registry.configuration(), 409)
        except (ReasonRequired, InvalidRoutingPolicy) as error:
            configuration = services().registry.configuration()
            return self._page(state.with_problem(error), configuration, 422)
        discard()
        flash(f"Version {version} is in force from the next order on.", "success")
        return self._back()

    def _page(
        self, state: BoardState, configuration: Configuration, status: int = 200
    ) -> ResponseReturnValue:
        page: str = self.render(
            "backoffice/routing_board.html",
            board=board_context(state, configuration, history_length=HISTORY_LENGTH),
            may_change=staff_may(Permission.CHANGE_ROUTING),
            max_reason_length=MAX_REASON_LENGTH,
        )
        return page, status

    def _back(self) -> ResponseReturnValue:
        return redirect(url_for(f"{self.endpoint}.index"), code=303)

    @staticmethod
    def _require_change() -> None:
        if not staff_may(Permission.CHANGE_ROUTING):
            abort(403)


def _posted(configuration: Configuration) -> PostedBoard:
    return PostedBoard.read(
        request.form,
        request.form.getlist("provider"),
        configuration.methods,
        kept_draft(configuration).draft,
    )


def _has_unseen_rules(draft: RoutingDraft, configuration: Configuration) -> bool:
    """The page shows rules without sending them; what it showed is not what would be published.

    On a stale page that is no question of its own: there all of it is shown again anyway.
    """
    is_stale = draft.based_on_version != configuration.policy.version
    return not is_stale and request.form.get("rules", "") != rules_stamp(draft.rules)


def _change(draft: RoutingDraft, base: int, reason: str, *, restores: int | None = None) -> int:
    return services().change_policy.execute(
        ChangeRoutingPolicy(
            entries=draft.entries,
            rules=draft.rules,
            exploration_share=draft.exploration_share,
            adaptive=draft.adaptive,
            based_on_version=base,
            restores_version=restores,
            actor=current_staff().email,
            reason=reason,
        )
    )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else None


def _after_move(draft: RoutingDraft, form: Mapping[str, str]) -> RoutingDraft:
    """`move` is "beta:up", "beta:down" or "beta:3" (to the third place); else nothing moves."""
    code, _, to = form.get("move", "").rpartition(":")
    place = draft.place_of(code)
    if place < 0:
        return draft
    match to:
        case "up":
            return draft.moved(code, place - 1) if place else draft
        case "down":
            return draft.moved(code, place + 1) if place < len(draft.entries) - 1 else draft
        case number if number.isascii() and number.isdecimal() and len(number) < 4:
            return draft if int(number) == place + 1 else draft.moved(code, int(number) - 1)
        case _:
            return draft
