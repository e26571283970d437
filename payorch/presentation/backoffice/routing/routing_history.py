"""Every published policy: who, when, why, what it changed, and the figures before and after."""

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.application.policy_effect import effects_of
from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.routing.history_lines import history_lines
from payorch.presentation.backoffice.shell.access import staff_may
from payorch.presentation.backoffice.shell.base_view import BackofficeView
from payorch.presentation.services import services

PAGE_LENGTH = 10


class RoutingHistoryView(BackofficeView):
    required_permission = Permission.READ_ROUTING

    def is_visible(self) -> bool:
        """It is reached from the board, not from the menu."""
        return False

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """`?before=` is a version: the page then starts with the one before it."""
        text = request.args.get("before", "")
        before = int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else None
        policies = services().policies
        configuration = services().registry.configuration()
        # One more than is shown, so that the last one has something to differ from.
        published = policies.history(limit=PAGE_LENGTH + 1, before=before)
        later = policies.version(before) if before is not None else None
        effects = effects_of(
            published,
            services().metrics,
            until=later.published_at if later else services().clock.now(),
        )
        names = {method.code: method.display_name for method in configuration.methods}
        version = configuration.policy.version
        page: str = self.render(
            "backoffice/routing_history.html",
            version=version,
            lines=history_lines(published, names, version, effects)[:PAGE_LENGTH],
            has_earlier=len(published) > PAGE_LENGTH,
            is_first_page=before is None,
            may_change=staff_may(Permission.CHANGE_ROUTING),
            max_reason_length=MAX_REASON_LENGTH,
        )
        return page
