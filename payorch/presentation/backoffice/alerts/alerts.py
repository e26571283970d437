"""The alerts: what is open, what was, and the rules, which ops change."""

from datetime import timedelta
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.application.alerts import AlertNotFound, RuleChangedMeanwhile, StoredRule
from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.application.work_on_alerts import ChangeAlertRule
from payorch.domain.alert_rule import LIMITS, InvalidAlertRule
from payorch.domain.errors import ReasonRequired
from payorch.presentation.backoffice.alerts.alert_words import (
    QUIET_TEXT,
    THRESHOLDS,
    alert_line,
    rule_sentence,
)
from payorch.presentation.backoffice.alerts.rule_form import RuleForm
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.backoffice.shell.base_view import BackofficeView
from payorch.presentation.services import services, settings

HISTORY_DAYS = 30


class AlertsView(BackofficeView):
    required_permission = Permission.READ_METRICS

    def __init__(self) -> None:
        super().__init__(name="Alerts", endpoint="alerts", url="alerts")

    def menu_count(self) -> int:
        """Those that are open and that nobody has looked at yet."""
        return sum(alert.acknowledged is None for alert in services().alerts.open_alerts())

    @expose("/")
    def index(self) -> ResponseReturnValue:
        return self._index()

    @expose("/<int:alert_id>/acknowledge", methods=["POST"])
    def acknowledge(self, alert_id: int) -> ResponseReturnValue:
        self._require_change()
        try:
            is_first = services().work_on_alerts.acknowledge(
                alert_id, actor=current_staff().email, note=request.form.get("note", "")
            )
        except AlertNotFound:
            abort(404)
        except ReasonRequired as error:
            return self._index(error.message), 422
        flash(
            "Your note is stored." if is_first else "Somebody had acknowledged it before you.",
            "success" if is_first else "info",
        )
        return redirect(url_for(".index"), code=303)

    @expose("/rules/<int:rule_id>")
    def rule(self, rule_id: int) -> ResponseReturnValue:
        self._require_change()
        return self._rule_page(_stored(rule_id))

    @expose("/rules/<int:rule_id>", methods=["POST"])
    def change_rule(self, rule_id: int) -> ResponseReturnValue:
        self._require_change()
        stored, form = _stored(rule_id), RuleForm.posted(request.form)
        try:
            services().work_on_alerts.change_rule(
                ChangeAlertRule(
                    rule_id=rule_id,
                    rule=form.rule(stored),
                    version=form.version_number(),
                    actor=current_staff().email,
                    reason=form.reason,
                )
            )
        except RuleChangedMeanwhile as error:
            return self._rule_page(_stored(rule_id), None, error.message), 409
        except (InvalidAlertRule, ReasonRequired) as error:
            return self._rule_page(stored, form, error.message), 422
        flash(f"The rule “{stored.rule.name}” is changed. It counts within a minute.", "success")
        return redirect(url_for(".index"), code=303)

    def _index(self, problem: str = "") -> str:
        now = services().clock.now()
        names = _names()
        alerts = services().alerts.between(now - timedelta(days=HISTORY_DAYS), now)
        lines = [alert_line(alert, names, now) for alert in alerts]
        page: str = self.render(
            "backoffice/alerts.html",
            open_lines=[line for line in lines if line.alert.closed_at is None],
            closed_lines=[line for line in lines if line.alert.closed_at is not None],
            rules=[(it, rule_sentence(it.rule)) for it in services().alerts.rules()],
            history_days=HISTORY_DAYS,
            quiet=QUIET_TEXT,
            told=len(settings().alert_emails),
            has_webhook=settings().alert_webhook_url is not None,
            problem=problem,
            **_rights(),
        )
        return page

    def _rule_page(
        self, stored: StoredRule, form: RuleForm | None = None, problem: str = ""
    ) -> str:
        page: str = self.render(
            "backoffice/alert_rule.html",
            stored=stored,
            sentence=rule_sentence(stored.rule),
            threshold_label=THRESHOLDS[stored.rule.measure],
            has_sample=LIMITS[stored.rule.measure].has_sample,
            form=form or RuleForm.of(stored),
            problem=problem,
            **_rights(),
        )
        return page

    def _require_change(self) -> None:
        if not staff_may(Permission.MANAGE_ALERTS):
            abort(403)


def _stored(rule_id: int) -> StoredRule:
    stored = {it.id: it for it in services().alerts.rules()}.get(rule_id)
    if stored is None:
        abort(404)
    return stored


def _names() -> dict[str, str]:
    return {
        method.code: method.display_name for method in services().registry.configuration().methods
    }


def _rights() -> dict[str, Any]:
    return {
        "may_change": staff_may(Permission.MANAGE_ALERTS),
        "max_reason_length": MAX_REASON_LENGTH,
    }
