"""Trials of routing policies: start one on the draft, watch it, end it with a decision."""

from flask import abort, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.application.configuration import Configuration
from payorch.application.policy_trials import EndPolicyTrial, StartPolicyTrial, StoredTrial
from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.application.trial_report import LATEST
from payorch.domain.adaptive_shares import AdaptiveMode
from payorch.domain.errors import (
    InvalidPolicyTrial,
    InvalidRoutingPolicy,
    PolicyChangedMeanwhile,
    ReasonRequired,
    TrialIsRunning,
    TrialNotRunning,
)
from payorch.domain.policy_trial import MAX_NAME_LENGTH, MAX_SHARE_PERCENT, MIN_SHARE_PERCENT
from payorch.presentation.backoffice.dashboard.table_cells import cell_text
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.routing.kept_draft import discard, kept_draft
from payorch.presentation.backoffice.routing.trial_chart import evidence_figure, evidence_table
from payorch.presentation.backoffice.routing.trial_difference import policy_changes
from payorch.presentation.backoffice.routing.trial_form import TrialForm, draft_stamp
from payorch.presentation.backoffice.routing.trial_words import outcome_text, report_text
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.backoffice.shell.base_view import BackofficeView
from payorch.presentation.backoffice.shell.step_up import identity_question
from payorch.presentation.services import services

PAGE_LENGTH = 20
OTHER_DRAFT = (
    "Your draft was changed in another window since this page was shown. "
    "Nothing was started: look at it again."
)


class RoutingTrialsView(BackofficeView):
    required_permission = Permission.READ_ROUTING

    def is_visible(self) -> bool:
        """It is reached from the board, not from the menu."""
        return False

    @expose("/")
    def index(self) -> ResponseReturnValue:
        return self._list(TrialForm())

    @expose("/start", methods=["POST"])
    def start(self) -> ResponseReturnValue:
        self._require_change()
        form = TrialForm.read(request.form)
        configuration = services().registry.configuration()
        draft = kept_draft(configuration).draft
        if form.share_percent is None:
            return self._list(form), 422
        if request.form.get("draft", "") != draft_stamp(draft):
            return self._list(form, OTHER_DRAFT), 409
        if (question := identity_question(self)) is not None:
            return question
        try:
            number = services().start_trial.execute(
                StartPolicyTrial(
                    name=form.name,
                    candidate=draft.policy(),
                    share_percent=form.share_percent,
                    actor=current_staff().email,
                    reason=form.reason,
                )
            )
        except (TrialIsRunning, PolicyChangedMeanwhile) as error:
            return self._list(form, error.message), 409
        except (InvalidPolicyTrial, InvalidRoutingPolicy, ReasonRequired) as error:
            return self._list(form, error.message), 422
        discard()
        flash(
            f"The trial is running: from the next order on {form.share_percent} % of the orders "
            "go by your draft.",
            "success",
        )
        return redirect(url_for(f"{self.endpoint}.details", number=number), code=303)

    @expose("/<int:number>/")
    def details(self, number: int) -> ResponseReturnValue:
        return self._details(_found(number))

    @expose("/<int:number>/figures")
    def figures(self, number: int) -> ResponseReturnValue:
        """The chart as plotly draws it."""
        return jsonify(evidence_figure(services().report_trial.execute(_found(number))))

    @expose("/<int:number>/end", methods=["POST"])
    def end(self, number: int) -> ResponseReturnValue:
        self._require_change()
        stored = _found(number)
        decision = request.form.get("decision", "")
        if decision not in {"adopt", "keep"}:
            abort(400)
        reason = request.form.get("reason", "")
        if not reason.strip():
            return self._details(stored, "Say why: the reason is kept in the journal."), 422
        if (question := identity_question(self)) is not None:
            return question
        try:
            version = services().end_trial.execute(
                EndPolicyTrial(
                    number=number,
                    adopts_candidate=decision == "adopt",
                    actor=current_staff().email,
                    reason=reason,
                )
            )
        except (InvalidRoutingPolicy, ReasonRequired) as error:
            return self._details(stored, error.message), 422
        except TrialNotRunning as error:
            return self._details(_found(number), error.message), 409
        said = "The control stays in force" if version is None else f"Version {version} is in force"
        flash(f"The trial is over. {said} for all orders from the next one on.", "success")
        return redirect(url_for(f"{self.endpoint}.details", number=number), code=303)

    def _list(self, form: TrialForm, problem: str = "") -> str:
        configuration = services().registry.configuration()
        text = request.args.get("before", "")
        before = int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else None
        trials = services().trials.latest(limit=PAGE_LENGTH + 1, before=before)
        page: str = self.render(
            "backoffice/routing_trials.html",
            version=configuration.policy.version,
            running=configuration.trial,
            form=form,
            problem=problem,
            draft=_draft_facts(configuration),
            trials=[(stored, outcome_text(stored)) for stored in trials[:PAGE_LENGTH]],
            has_earlier=len(trials) > PAGE_LENGTH,
            min_share=MIN_SHARE_PERCENT,
            max_share=MAX_SHARE_PERCENT,
            max_name_length=MAX_NAME_LENGTH,
            may_change=staff_may(Permission.CHANGE_ROUTING),
            max_reason_length=MAX_REASON_LENGTH,
        )
        return page

    def _details(self, stored: StoredTrial, problem: str = "") -> str:
        configuration = services().registry.configuration()
        report = services().report_trial.execute(stored)
        control = services().policies.version(stored.trial.control_version)
        page: str = self.render(
            "backoffice/routing_trial.html",
            version=configuration.policy.version,
            stored=stored,
            trial=stored.trial,
            outcome=outcome_text(stored),
            text=report_text(report),
            latest=LATEST,
            table=evidence_table(report),
            cell_text=cell_text,
            changes=policy_changes(control.policy, stored.trial.candidate, configuration.methods)
            if control
            else [],
            has_adaptive_control=control is not None
            and control.policy.adaptive.mode is AdaptiveMode.ON,
            problem=problem,
            reason=request.form.get("reason", ""),
            may_change=staff_may(Permission.CHANGE_ROUTING),
            max_reason_length=MAX_REASON_LENGTH,
        )
        return page

    @staticmethod
    def _require_change() -> None:
        if not staff_may(Permission.CHANGE_ROUTING):
            abort(403)


def _found(number: int) -> StoredTrial:
    stored = services().trials.trial(number) if number < 10**9 else None
    if stored is None:
        abort(404)
    return stored


def _draft_facts(configuration: Configuration) -> dict[str, object] | None:
    """What the start form shows of the draft; None without one."""
    kept = kept_draft(configuration)
    if not kept.is_kept:
        return None
    return {
        "stamp": draft_stamp(kept.draft),
        "is_stale": kept.draft.based_on_version != configuration.policy.version,
        "is_adaptive": kept.draft.adaptive.mode is AdaptiveMode.ON,
        "changes": policy_changes(configuration.policy, kept.draft.policy(), configuration.methods),
    }
