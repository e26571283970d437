"""The second factor on one's own account: set up, set up anew, recovery codes, removed.

Each change asks first who is there. Recovery codes are in the answer to the form that makes them:
they are on no page that could be opened again.
"""

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.application.second_factor import Draft
from payorch.domain.errors import SecondFactorRefused, SecretUnreadable
from payorch.presentation.backoffice.people.enrolment_page import shown_secret
from payorch.presentation.backoffice.shell.access import current_staff
from payorch.presentation.backoffice.shell.base_view import BackofficeView
from payorch.presentation.backoffice.shell.staff_session import current_session, renew_session
from payorch.presentation.backoffice.shell.step_up import identity_question
from payorch.presentation.services import services

OWN_WISH = "at their own wish"


class OwnFactor(BackofficeView):
    @expose("/second-factor", methods=["POST"])
    def set_up(self) -> ResponseReturnValue:
        """Without a code: the page with a new secret. With its first code: it is in force."""
        if question := identity_question(self):
            return question
        email, factors = current_staff().email, services().second_factors
        if "code" not in request.form:
            return self._set_up_page(factors.draft(email))
        try:
            draft = factors.draft_again(email, request.form.get("draft", ""))
        except SecretUnreadable as error:
            return self._set_up_page(factors.draft(email), error.message), 422
        try:
            codes = factors.enrol(
                email, draft, request.form["code"], keep_session=own_session(), replaces=True
            )
        except SecondFactorRefused as error:
            return self._set_up_page(draft, error.message), 422
        renew_session(with_factor=True)
        return self._codes_page(codes)

    @expose("/recovery-codes", methods=["POST"])
    def recovery_codes(self) -> ResponseReturnValue:
        if question := identity_question(self):
            return question
        try:
            codes = services().second_factors.new_recovery_codes(current_staff().email)
        except SecondFactorRefused as error:
            flash(error.message, "error")
            return redirect(url_for(".index"), code=303)
        return self._codes_page(codes)

    @expose("/second-factor/remove", methods=["POST"])
    def remove_factor(self) -> ResponseReturnValue:
        if question := identity_question(self):
            return question
        email = current_staff().email
        try:
            services().second_factors.remove(
                email, by=email, reason=OWN_WISH, keep_session=own_session()
            )
        except SecondFactorRefused as error:
            flash(error.message, "error")
        else:
            flash(*left_text(email))
        return redirect(url_for(".index"), code=303)

    def _set_up_page(self, draft: Draft, problem: str = "") -> str:
        email = current_staff().email
        page: str = self.render(
            "backoffice/set_up_factor.html", secret=shown_secret(email, draft), problem=problem
        )
        return page

    def _codes_page(self, codes: tuple[str, ...]) -> str:
        page: str = self.render("backoffice/recovery_codes.html", codes=codes)
        return page


def left_text(staff: str) -> tuple[str, str]:
    """What lets in after a removal, and the tone of it."""
    if services().second_factors.state(staff) is None:
        return "From now on your password alone lets you in.", "warning"
    return "It is removed; your other second factors stay.", "success"


def own_session() -> str | None:
    """The public id of the session of this request."""
    found = current_session()
    return None if found is None else found.public_id
