"""Circuits: what the pages show of them keeps itself fresh, and staff hold and release them.

A hold is confirmed on a page that says what customers will feel of it. It is in force in every
process at its next order, ends by itself, and is undone by releasing it.
"""

from datetime import timedelta
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.application.staff_reason import MAX_REASON_LENGTH
from payorch.domain.errors import (
    CircuitChangedMeanwhile,
    InvalidHold,
    PaymentMethodNotFound,
    ReasonRequired,
)
from payorch.domain.payment_method import PaymentMethodVO
from payorch.presentation.backoffice.permissions import Permission
from payorch.presentation.backoffice.routing.circuit_hold import HoldForm, plan_of
from payorch.presentation.backoffice.routing.circuit_texts import health_of, incident_line
from payorch.presentation.backoffice.shell.access import current_staff, staff_may
from payorch.presentation.backoffice.shell.base_view import BackofficeView
from payorch.presentation.services import services

HISTORY = timedelta(days=30)
HISTORY_LENGTH = 20


class CircuitsView(BackofficeView):
    """Has no page of its own in the menu: circuits are shown where the providers are."""

    required_permission = Permission.READ_ROUTING

    def is_visible(self) -> bool:
        return False

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """All circuits as fragments, for the pages that put them in place of older ones."""
        methods = services().registry.configuration().methods
        page: str = self.render(
            "backoffice/circuits_refresh.html",
            health={m.code: health_of(services().circuits.view(m.code)) for m in methods},
            names={m.code: m.display_name for m in methods},
        )
        return page

    @expose("/<code>/hold", methods=["GET", "POST"])
    def hold(self, code: str) -> ResponseReturnValue:
        """GET is the empty form. POST asks once more; with `confirmed` it is done."""
        method = self._changeable(code)
        if request.method == "GET":
            return self._form(method, HoldForm.empty())
        form = HoldForm.posted(request.form)
        try:
            command = form.command(code, current_staff().email)
            services().hold_circuit.checked(command)
            if request.form.get("confirmed") != "1":
                return self._confirmation(method, form)
            hold = services().hold_circuit.execute(command)
        except (InvalidHold, ReasonRequired) as error:
            return self._form(method, form, error.message), 422
        except CircuitChangedMeanwhile as error:
            return self._form(method, form, error.message), 409
        until = hold.until.strftime("%Y-%m-%d %H:%M")
        flash(
            f"The circuit of {method.display_name} is held {hold.kind.value} until {until} UTC. "
            "Release it below to undo this.",
            "success",
        )
        return self._back(code)

    @expose("/<code>/release", methods=["POST"])
    def release(self, code: str) -> ResponseReturnValue:
        method = self._changeable(code)
        try:
            was_held = services().hold_circuit.release(
                code, actor=current_staff().email, reason=request.form.get("reason", "")
            )
        except ReasonRequired as error:
            flash(error.message, "error")
            return self._back(code)
        if was_held:
            flash(f"The breaker of {method.display_name} decides again.", "success")
        else:
            flash(f"Nobody held the circuit of {method.display_name} any more.", "warning")
        return self._back(code)

    def _form(self, method: PaymentMethodVO, form: HoldForm, problem: str = "") -> str:
        return self._page("backoffice/circuit_hold.html", method, form=form, problem=problem)

    def _confirmation(self, method: PaymentMethodVO, form: HoldForm) -> str:
        command = form.command(method.code, current_staff().email)
        plan = plan_of(command, method, services().clock.now())
        return self._page("backoffice/circuit_confirm.html", method, form=form, plan=plan)

    def _page(self, template: str, method: PaymentMethodVO, **facts: object) -> str:
        # The view is read after the configuration: that is when others' changes are learned.
        services().registry.configuration()
        circuit = services().circuits.view(method.code)
        page: str = self.render(
            template,
            method=method,
            circuit=circuit,
            health=health_of(circuit),
            max_reason_length=MAX_REASON_LENGTH,
            **facts,
        )
        return page

    @staticmethod
    def _changeable(code: str) -> PaymentMethodVO:
        if not staff_may(Permission.CHANGE_ROUTING):
            abort(403)
        try:
            return services().registry.method(code)
        except PaymentMethodNotFound:
            abort(404)

    @staticmethod
    def _back(code: str) -> ResponseReturnValue:
        return redirect(url_for("providers.details", code=code), code=303)


def circuit_context(code: str) -> dict[str, Any]:
    """What the page of one provider shows of its circuit: as it is, and its last openings."""
    now = services().clock.now()
    circuit = services().circuits.view(code)
    incidents = services().circuit_history.circuit_incidents(
        now - HISTORY, now + timedelta(days=1), provider_code=code
    )
    return {
        "circuit": circuit,
        "health": health_of(circuit),
        "incidents": [incident_line(i, now) for i in reversed(incidents[-HISTORY_LENGTH:])],
        "history_days": HISTORY.days,
    }
