"""The decline codes: which came, what they mean, and the page on which staff rule on one."""

from functools import partial
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.application.rule_on_decline import RuledMeanwhile, WithdrawRuling
from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.domain.decline_row import InvalidDeclinePolicy
from payorch.domain.decline_ruling import CHOICES_OF_FAILOVER, CodeKey
from payorch.domain.decline_terms import TRANSPORT_SCHEME, DeclineClass, SignalKind
from payorch.domain.decline_verdict import DeclineSignal
from payorch.domain.errors import ReasonRequired
from payorch.presentation.backoffice.declines.code_lines import (
    EVIDENCE_DAYS,
    EVIDENCE_LENGTH,
    CodeLines,
)
from payorch.presentation.backoffice.declines.decline_words import (
    CLASSES,
    CUSTOMER_TEXTS,
    FAILOVERS,
    LATER,
    again_later,
    next_provider,
)
from payorch.presentation.backoffice.declines.ruling_form import RulingForm
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.backoffice.shell.base_view import BackofficeView
from payorch.presentation.services import services, settings

MAX_CODE_LENGTH = 60
MAX_SCHEME_LENGTH = 20


class DeclineCodesView(BackofficeView):
    required_permission = Permission.READ_ROUTING

    def __init__(self) -> None:
        super().__init__(
            name="Decline codes",
            category="Providers",
            endpoint="decline_codes",
            url="decline-codes",
        )

    @expose("/")
    def index(self) -> ResponseReturnValue:
        since = services().clock.now() - EVIDENCE_LENGTH
        page: str = self.render(
            "backoffice/decline_codes.html",
            codes=_lines().page(services().decline_evidence.by_code(since)),
            days=EVIDENCE_DAYS,
            version=services().decline_policy().version,
            may_change=staff_may(Permission.CHANGE_ROUTING),
        )
        return page

    @expose("/code")
    def details(self) -> ResponseReturnValue:
        """`?signal=response&scheme=visa&code=05`; codes of providers may hold any character."""
        return self._details(_asked_key(request.args.to_dict()))

    @expose("/code", methods=["POST"])
    def rule(self) -> ResponseReturnValue:
        key = self._changed_key()
        form = RulingForm.posted(request.form)
        try:
            services().rule_on_decline.execute(form.command(key, current_staff().email))
        except RuledMeanwhile as error:
            return self._details(key, form, error.message), 409
        except (InvalidDeclinePolicy, ReasonRequired) as error:
            return self._details(key, form, error.message), 422
        flash(f"From the next order on, {key} means what you said.", "success")
        return redirect(_address(key), code=303)

    @expose("/withdraw", methods=["POST"])
    def withdraw(self) -> ResponseReturnValue:
        key = self._changed_key()
        form = RulingForm.posted(request.form)
        try:
            command = WithdrawRuling(
                key=key,
                seen_number=form.seen_number(),
                actor=current_staff().email,
                reason=form.reason,
            )
            services().rule_on_decline.withdraw(command)
        except RuledMeanwhile as error:
            return self._details(key, None, error.message), 409
        except (InvalidDeclinePolicy, ReasonRequired) as error:
            return self._details(key, None, error.message), 422
        flash(f"The ruling on {key} is taken back: the table counts again.", "success")
        return redirect(_address(key), code=303)

    def _changed_key(self) -> CodeKey:
        if not staff_may(Permission.CHANGE_ROUTING):
            abort(403)
        return _asked_key(request.form.to_dict())

    def _details(self, key: CodeKey, form: RulingForm | None = None, problem: str = "") -> str:
        since = services().clock.now() - EVIDENCE_LENGTH
        evidence = services().decline_evidence.by_code(since)
        declined = sum(it.declined for it in evidence if it.key.signal is key.signal)
        lines = _lines()
        history = services().decline_rulings.history(key)
        row = lines.row(key)
        page: str = self.render(
            "backoffice/decline_code.html",
            line=lines.line(key, next((it for it in evidence if it.key == key), None), declined),
            days=EVIDENCE_DAYS,
            explanation=_explanation(key),
            source=None if row is None else row.source,
            history=history,
            is_in_force=bool(history) and history[0].row is not None,
            form=form or RulingForm.of(row, history[0].number if history else 0),
            newest=history[0].number if history else 0,
            problem=problem,
            next_provider=partial(next_provider, settings=services().decline_policy.settings),
            again_later=again_later,
            **_choices(),
        )
        return page


def _lines() -> CodeLines:
    configuration = services().registry.configuration()
    return CodeLines(
        services().decline_policy(),
        configuration.rulings,
        services().decline_policy.settings,
        on=services().clock.now().date(),
        names={method.code: method.display_name for method in configuration.methods},
        min_sample=settings().min_sample,
    )


def _choices() -> dict[str, Any]:
    policy = services().decline_policy()
    return {
        "meanings": sorted({row.reason for row in policy.rows if row.scheme != TRANSPORT_SCHEME}),
        "classes": [
            (it.value, text) for it, text in CLASSES.items() if it is not DeclineClass.UNCLASSIFIED
        ],
        "failovers": [(it.value, FAILOVERS[it]) for it in CHOICES_OF_FAILOVER],
        "laters": [(it.value, text) for it, text in LATER.items()],
        "customer_texts": [(it.value, text) for it, text in CUSTOMER_TEXTS.items()],
        "may_change": staff_may(Permission.CHANGE_ROUTING),
        "max_reason_length": MAX_REASON_LENGTH,
    }


def _explanation(key: CodeKey) -> str | None:
    """What would happen to a payment that was declined with it now; an advice needs a code."""
    if key.signal is SignalKind.ADVICE:
        return None
    return (
        services()
        .decline_policy()
        .classify(
            DeclineSignal(key.scheme, key.code, has_card_number=True),
            services().decline_policy.settings,
            services().clock.now().date(),
        )
        .explanation
    )


def _asked_key(values: dict[str, str]) -> CodeKey:
    scheme, code = values.get("scheme", ""), values.get("code", "")
    is_odd = not code.strip() or not (scheme + code).isprintable()
    if is_odd or len(code) > MAX_CODE_LENGTH or len(scheme) > MAX_SCHEME_LENGTH:
        abort(404)
    try:
        signal = SignalKind(values.get("signal", SignalKind.RESPONSE.value))
    except ValueError:
        abort(404)
    return CodeKey.of(scheme, code, signal)


def _address(key: CodeKey) -> str:
    return url_for(
        "decline_codes.details", signal=key.signal.value, scheme=key.scheme, code=key.code
    )
