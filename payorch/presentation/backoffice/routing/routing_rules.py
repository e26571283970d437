"""The rules of the routing draft: their order, and one page on which a rule is written.

Everything here changes the draft of the person alone; it is published on the board, where the
whole difference is seen.
"""

from collections.abc import Callable

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.application.configuration import Configuration
from payorch.domain.errors import InvalidRoutingPolicy
from payorch.domain.payment_method import MethodKind
from payorch.domain.routing_rule import MAX_NAME_LENGTH
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.routing.kept_draft import keep, kept_draft
from payorch.presentation.backoffice.routing.policy_difference import policy_difference
from payorch.presentation.backoffice.routing.policy_warnings import policy_warnings
from payorch.presentation.backoffice.routing.routing_draft import RoutingDraft
from payorch.presentation.backoffice.routing.rule_form import RuleForm
from payorch.presentation.backoffice.routing.rule_words import (
    BRAND_LABELS,
    KIND_LABELS,
    conditions_in_words,
    in_words,
    order_in_words,
)
from payorch.presentation.backoffice.shell.access import staff_may
from payorch.presentation.backoffice.shell.base_view import BackofficeView
from payorch.presentation.services import services


class RoutingRulesView(BackofficeView):
    required_permission = Permission.READ_ROUTING

    def is_visible(self) -> bool:
        """It is reached from the board, not from the menu."""
        return False

    @expose("/")
    def index(self) -> ResponseReturnValue:
        configuration = services().registry.configuration()
        draft = kept_draft(configuration).draft
        names = {method.code: method.display_name for method in configuration.methods}
        page: str = self.render(
            "backoffice/routing_rules.html",
            version=configuration.policy.version,
            rules=[
                (rule, conditions_in_words(rule.conditions), order_in_words(rule, names))
                for rule in draft.rules
            ],
            default_order=in_words(draft.entries, names),
            changes=_changes(draft, configuration),
            warnings=policy_warnings(draft.policy(), configuration.methods),
            may_change=staff_may(Permission.CHANGE_ROUTING),
        )
        return page

    @expose("/edit")
    def edit(self) -> ResponseReturnValue:
        """`?rule=` is the name of the rule; without it a new one is written."""
        self._require_change()
        configuration = services().registry.configuration()
        name = request.args.get("rule")
        if name is None:
            return self._form_page(RuleForm({}), configuration, None)
        rule = kept_draft(configuration).draft.rule(name)
        if rule is None:
            abort(404)
        return self._form_page(RuleForm.of(rule), configuration, name)

    @expose("/save", methods=["POST"])
    def save(self) -> ResponseReturnValue:
        self._require_change()
        configuration = services().registry.configuration()
        draft = kept_draft(configuration).draft
        name = request.form.get("rule") or None
        form = RuleForm.read(request.form, configuration.methods)
        if name is not None and draft.rule(name) is None:
            flash(
                "That rule is not in your draft any more, so it was added as a new one.", "warning"
            )
            name = None
        if form.rule is None:
            return self._form_page(form, configuration, name, 422)
        try:
            keep(draft.with_rule(form.rule, instead_of=name), configuration)
        except InvalidRoutingPolicy as error:
            return self._form_page(form, configuration, name, 422, error.message)
        flash(f"{form.rule} is in your draft. It is not in force yet.", "success")
        return self._back()

    @expose("/move", methods=["POST"])
    def move(self) -> ResponseReturnValue:
        """`move` is "up:Name of the rule" or "down:Name of the rule"."""
        to, _, name = request.form.get("move", "").partition(":")
        by = {"up": -1, "down": 1}.get(to, 0)
        return self._changed_by(lambda draft: draft.with_rule_moved(name, by), then_at=name)

    @expose("/delete", methods=["POST"])
    def delete(self) -> ResponseReturnValue:
        return self._changed_by(lambda draft: draft.without_rule(request.form.get("rule", "")))

    def _changed_by(
        self, change: Callable[[RoutingDraft], RoutingDraft], *, then_at: str = ""
    ) -> ResponseReturnValue:
        """`then_at` is the rule at which the reader goes on, also by keyboard."""
        self._require_change()
        configuration = services().registry.configuration()
        changed = change(kept_draft(configuration).draft)
        keep(changed, configuration)
        place = next((n for n, r in enumerate(changed.rules, start=1) if r.name == then_at), 0)
        return self._back(f"rule-{place}" if place else None)

    def _form_page(
        self,
        form: RuleForm,
        configuration: Configuration,
        name: str | None,
        status: int = 200,
        problem: str = "",
    ) -> ResponseReturnValue:
        page: str = self.render(
            "backoffice/routing_rule.html",
            form=form,
            rule_name=name,
            problem=problem or form.problem,
            methods=configuration.methods,
            kinds=[(kind.value, KIND_LABELS[kind]) for kind in MethodKind],
            brands=list(BRAND_LABELS.items()),
            max_name_length=MAX_NAME_LENGTH,
        )
        return page, status

    def _back(self, anchor: str | None = None) -> ResponseReturnValue:
        return redirect(url_for(f"{self.endpoint}.index", _anchor=anchor), code=303)

    @staticmethod
    def _require_change() -> None:
        if not staff_may(Permission.CHANGE_ROUTING):
            abort(403)


def _changes(draft: RoutingDraft, configuration: Configuration) -> list[str]:
    names = {method.code: method.display_name for method in configuration.methods}
    in_force = RoutingDraft.of(configuration.policy, configuration.methods).policy()
    return policy_difference(in_force, draft.policy(), names)
