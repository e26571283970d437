"""What would happen to an order: by the policy in force, and by the draft if there is one."""

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.routing.explain_form import (
    METHOD_LABELS,
    ExplainForm,
    read_explain_form,
)
from payorch.presentation.backoffice.routing.explain_page import ExplanationText, explanation_text
from payorch.presentation.backoffice.routing.kept_draft import kept_draft
from payorch.presentation.backoffice.routing.rule_words import BRAND_LABELS
from payorch.presentation.backoffice.shell.base_view import BackofficeView
from payorch.presentation.services import services


class RoutingExplainView(BackofficeView):
    required_permission = Permission.READ_ROUTING

    def is_visible(self) -> bool:
        """It is reached from the board, not from the menu."""
        return False

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """The order is in the URL, so that an explanation can be sent to somebody."""
        configuration = services().registry.configuration()
        names = {method.code: method.display_name for method in configuration.methods}
        form = read_explain_form(request.args) if request.args else ExplainForm({})
        in_force: ExplanationText | None = None
        drafted: ExplanationText | None = None
        if form.question is not None:
            explain = services().explain_routing.execute
            in_force = explanation_text(explain(form.question), names)
            draft = kept_draft(configuration)
            if draft.is_kept:
                drafted = explanation_text(explain(form.question, draft.draft.policy()), names)
        page: str = self.render(
            "backoffice/routing_explain.html",
            version=configuration.policy.version,
            form=form,
            in_force=in_force,
            drafted=drafted,
            methods=list(METHOD_LABELS.items()),
            brands=list(BRAND_LABELS.items()),
        )
        return page, 422 if form.problems else 200
