"""My account: password, second factors, where one is logged in, the end of what is not known."""

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.presentation.backoffice.people.own_factor import OwnFactor, own_session
from payorch.presentation.backoffice.people.own_passkeys import OwnPasskeys
from payorch.presentation.backoffice.people.own_password import OwnPassword
from payorch.presentation.backoffice.shell.access import current_staff, is_active_staff
from payorch.presentation.services import services


class AccountView(OwnPassword, OwnFactor, OwnPasskeys):
    """For everybody who is logged in; each sees and changes their own account only."""

    def __init__(self) -> None:
        super().__init__(name="My account", endpoint="account", url="account")

    def is_visible(self) -> bool:
        """Led to from the name under the menu."""
        return False

    def is_accessible(self) -> bool:
        return is_active_staff()

    @expose("/")
    def index(self) -> ResponseReturnValue:
        factors = services().second_factors
        page: str = self.render(
            "backoffice/account.html",
            factor=factors.state(current_staff().email),
            is_factor_required=factors.is_required,
            passkey_problem=services().passkeys.problem,
            sessions=services().staff_sessions.open_ones(current_staff().email),
            own_session=own_session(),
        )
        return page

    @expose("/sessions/end", methods=["POST"])
    def end_session(self) -> ResponseReturnValue:
        """One session of one's own; ending the present one is the same as logging out."""
        email = current_staff().email
        is_ended = services().staff_sessions.end_one(
            email, request.form.get("session", ""), by=email
        )
        flash(*ENDED if is_ended else WAS_OVER)
        return redirect(url_for(".index"), code=303)

    @expose("/sessions/end-others", methods=["POST"])
    def end_others(self) -> ResponseReturnValue:
        email = current_staff().email
        ended = services().staff_sessions.end_others(email, by=email, keep=own_session())
        flash(*ended_many(ended))
        return redirect(url_for(".index"), code=303)


ENDED = ("The session is ended.", "success")
WAS_OVER = ("That session was over already.", "info")


def ended_many(number: int) -> tuple[str, str]:
    """The message, and its tone."""
    if not number:
        return "There was no session to end.", "info"
    return ("1 session is ended." if number == 1 else f"{number} sessions are ended."), "success"
