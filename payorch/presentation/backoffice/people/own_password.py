"""The password of one's own account, changed by who knows the present one.

The present one is counted like a login. Who has a second factor is asked for it first; for others
the present password is the proof, and it is not asked for twice. No password is ever in a page.
"""

from collections.abc import Mapping

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.base import expose

from payorch.presentation.backoffice.shell.access import current_staff
from payorch.presentation.backoffice.shell.base_view import BackofficeView
from payorch.presentation.backoffice.shell.staff_session import (
    current_session,
    follow_account_key,
    renew_session,
)
from payorch.presentation.backoffice.shell.step_up import identity_question, is_own_password
from payorch.presentation.services import services

PRESENT, NEW, AGAIN = "present_password", "new_password", "new_password_again"
PASSWORD_FIELDS = frozenset({PRESENT, NEW, AGAIN})

Problems = Mapping[str, str]
"""What is wrong, by the field that it is about; "" is about none."""

_WRONG_PRESENT = (
    "This is not your present password, or the account is locked. Ten wrong tries lock it for "
    "half an hour."
)
_NOT_ALIKE = "The two are not alike. Type the new one again."
_SAME = "This is the present one. Choose another."
_MEANWHILE = "Your password or your account was changed meanwhile. Nothing was done."


class OwnPassword(BackofficeView):
    @expose("/password", methods=["POST"])
    def change_password(self) -> ResponseReturnValue:
        """Without passwords: the page that asks for them. With them: the new one is in force."""
        email = current_staff().email
        if services().second_factors.state(email) is not None and (
            question := identity_question(self, never_repeated=PASSWORD_FIELDS)
        ):
            return question
        found = current_session()
        if found is None or not request.form.keys() >= PASSWORD_FIELDS:
            return self._password_page({})
        new = request.form[NEW]
        if problems := _problems(email):
            return self._password_page(problems), 422
        if not is_own_password(request.form[PRESENT]):
            return self._password_page({PRESENT: _WRONG_PRESENT}), 422
        changed = services().own_password.execute(
            email, new, account_key=found.account_key, keep_session=found.public_id
        )
        if changed is None:
            return self._password_page({"": _MEANWHILE}), 409
        follow_account_key(changed.account_key)
        renew_session()
        flash(_done(changed.ended_sessions), "success")
        return redirect(url_for(".index"), code=303)

    def _password_page(self, problems: Problems) -> str:
        page: str = self.render("backoffice/change_password.html", problems=problems)
        return page


def _problems(email: str) -> Problems:
    """Of the new one. The present one is not looked at before these are gone: it costs a try."""
    new = request.form[NEW]
    if problem := services().own_password.why_refused(email, new):
        return {NEW: problem}
    if new == request.form[PRESENT]:
        return {NEW: _SAME}
    return {} if new == request.form[AGAIN] else {AGAIN: _NOT_ALIKE}


def _done(ended: int) -> str:
    if not ended:
        return "Your password is changed."
    others = "1 other session is" if ended == 1 else f"{ended} other sessions are"
    return f"Your password is changed, and {others} ended."
