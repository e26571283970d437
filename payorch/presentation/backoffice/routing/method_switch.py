"""Switching a provider on or off, from the routing board and from the providers page alike."""

from collections.abc import Mapping

from flask import flash

from payorch.domain.errors import PaymentMethodNotFound, ReasonRequired
from payorch.presentation.backoffice.shell.access import current_staff
from payorch.presentation.services import services


def switch_method(form: Mapping[str, str]) -> None:
    """Do what the form of the macro `switch` asks for, and say what came of it."""
    code, is_enabled = form.get("provider", ""), form.get("is_enabled") == "1"
    try:
        name = services().registry.method(code).display_name
        has_changed = services().change_method.set_enabled(
            code,
            is_enabled=is_enabled,
            actor=current_staff().email,
            reason=form.get("reason", ""),
        )
    except (PaymentMethodNotFound, ReasonRequired) as error:
        flash(error.message, "error")
        return
    state = "enabled" if is_enabled else "disabled"
    if has_changed:
        flash(f"{name} is {state} from the next order on.", "success")
    else:
        flash(f"{name} was {state} already.", "warning")
    if not any(method.is_enabled for method in services().registry.configuration().methods):
        flash("No provider is enabled: no payment can be taken now.", "warning")
