"""The routing board: the order of the providers, edited as a draft and published as a version.

Every step is a form post that works without JavaScript: moving only shows another draft, and
nothing is in force before "Publish". Each form names the version it was drawn from; when
another one is in force by then, both orders are shown (409) and nothing is published.
"""

from collections.abc import Mapping

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.application.change_routing_policy import ChangeRoutingPolicy
from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.domain.errors import InvalidRoutingPolicy, PolicyChangedMeanwhile, ReasonRequired
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.routing.board_page import BoardState, board_context
from payorch.presentation.backoffice.routing.method_switch import switch_method
from payorch.presentation.backoffice.routing.routing_draft import PostedBoard, RoutingDraft
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.backoffice.shell.base_view import BackofficeView
from payorch.presentation.services import services

HISTORY_LENGTH = 20


class RoutingBoardView(BackofficeView):
    required_permission = Permission.READ_ROUTING

    @expose("/")
    def index(self) -> ResponseReturnValue:
        configuration = services().registry.configuration()
        draft = RoutingDraft.of(configuration.policy, configuration.methods)
        return self._page(BoardState(draft))

    @expose("/draft", methods=["POST"])
    def draft(self) -> ResponseReturnValue:
        """The posted order, after one more move if the pressed button asks for one."""
        self._require_change()
        posted = self._posted()
        draft = posted.draft if posted.problems else _after_move(posted.draft, request.form)
        return self._page(
            BoardState(draft, posted, reason=request.form.get("reason", "")),
            422 if posted.problems else 200,
        )

    @expose("/publish", methods=["POST"])
    def publish(self) -> ResponseReturnValue:
        self._require_change()
        posted = self._posted()
        reason = request.form.get("reason", "")
        if posted.problems:
            return self._page(BoardState(posted.draft, posted, reason=reason), 422)
        if not posted.draft.differs_from(services().registry.configuration().policy):
            flash("This order is in force already; there is nothing to publish.", "warning")
            return self._back()
        return self._publish(BoardState(posted.draft, posted, reason=reason))

    @expose("/restore", methods=["POST"])
    def restore(self) -> ResponseReturnValue:
        """Publish the order of an earlier version again, as a new version."""
        self._require_change()
        wanted, base = request.form.get("restore", ""), request.form.get("version", "")
        history = services().policies.history(limit=HISTORY_LENGTH)
        found = next((policy for policy in history if str(policy.version) == wanted), None)
        if found is None or not base.isascii() or not base.isdecimal():
            abort(404)
        methods = services().registry.configuration().methods
        draft = RoutingDraft.from_entries(int(base), found.entries, methods)
        return self._publish(BoardState(draft, reason=request.form.get("reason", "")))

    @expose("/switch", methods=["POST"])
    def switch(self) -> ResponseReturnValue:
        self._require_change()
        switch_method(request.form)
        return self._back()

    def _publish(self, state: BoardState) -> ResponseReturnValue:
        try:
            version = services().change_policy.execute(
                ChangeRoutingPolicy(
                    entries=state.draft.entries,
                    based_on_version=state.draft.based_on_version,
                    actor=current_staff().email,
                    reason=state.reason,
                )
            )
        except PolicyChangedMeanwhile:
            return self._page(state, 409)
        except (ReasonRequired, InvalidRoutingPolicy) as error:
            return self._page(state.with_problem(error), 422)
        flash(f"Version {version} is in force from the next order on.", "success")
        return self._back()

    def _posted(self) -> PostedBoard:
        methods = services().registry.configuration().methods
        return PostedBoard.read(request.form, request.form.getlist("provider"), methods)

    def _page(self, state: BoardState, status: int = 200) -> ResponseReturnValue:
        page: str = self.render(
            "backoffice/routing_board.html",
            board=board_context(state, history_length=HISTORY_LENGTH),
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
