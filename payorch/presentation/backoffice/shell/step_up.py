"""The password once more before what moves money, changes the routing or takes the journal away.

Who finds a screen unlocked may look around, but not act (security.md, S17). What was posted is
posted again with the password, so nothing typed is lost, and it works without a script.
"""

from datetime import timedelta
from typing import Any, Protocol

from flask import current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from payorch.presentation.backoffice.shell.access import current_staff
from payorch.presentation.backoffice.shell.staff_session import current_session, renew_session
from payorch.presentation.backoffice.staff_login import StaffVerifyForm
from payorch.presentation.services import services

FRESH_FOR = timedelta(minutes=5)
"""How long a password counts after it was typed."""

PASSWORD_FIELD = "step_up_password"  # noqa: S105 - the name of a field
_NOT_REPEATED = frozenset({PASSWORD_FIELD, "csrf_token"})


class _Page(Protocol):
    def render(self, template: str, **context: Any) -> Any: ...


def identity_question(view: _Page) -> ResponseReturnValue | None:
    """The page that asks for the password; None when the posted request may go on.

    Call it once it is certain that this person may do what was posted. Raises TooManyLogins when
    too many passwords were tried.
    """
    if _is_fresh():
        return None
    password = request.form.get(PASSWORD_FIELD)
    if password is not None and _is_right(password):
        renew_session()
        return None
    repeated = [
        (name, value) for name, value in request.form.items(multi=True) if name not in _NOT_REPEATED
    ]
    page = view.render(
        "backoffice/step_up.html",
        repeated=repeated,
        password_field=PASSWORD_FIELD,
        is_wrong=password is not None,
        minutes=int(FRESH_FOR.total_seconds() // 60),
    )
    return page, 403


def _is_fresh() -> bool:
    found = current_session()
    return found is not None and services().staff_sessions.is_verified_within(found, FRESH_FOR)


def _is_right(password: str) -> bool:
    """Counted like a login, so that it cannot be guessed here either."""
    form = StaffVerifyForm(
        formdata=MultiDict({"password": password}), user=current_staff(), meta={"csrf": False}
    )
    is_right = bool(form.validate())
    # A password that is to be hashed anew waits for the next login: written here, it would hold
    # up the write that comes next.
    current_app.extensions["security"].datastore.db.session.rollback()
    return is_right
