"""A code or the password once more before money moves, the routing changes or the journal leaves.

Who finds a screen unlocked may look around, but not act (security.md, S17). What was posted is
posted again with the answer, so nothing typed is lost, and it works without a script.
"""

from datetime import timedelta
from typing import Any, Protocol

from flask import current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from payorch.presentation.backoffice.shell.access import current_staff
from payorch.presentation.backoffice.shell.code_check import factor_used
from payorch.presentation.backoffice.shell.staff_session import current_session, renew_session
from payorch.presentation.backoffice.staff_login import StaffVerifyForm
from payorch.presentation.services import services

FRESH_FOR = timedelta(minutes=5)
"""How long an answer counts, and a login."""

PASSWORD_FIELD = "step_up_password"  # noqa: S105 - the name of a field
CODE_FIELD = "step_up_code"

_NOT_REPEATED = frozenset({PASSWORD_FIELD, CODE_FIELD, "csrf_token"})


class _Page(Protocol):
    def render(self, template: str, **context: Any) -> Any: ...


def identity_question(view: _Page) -> ResponseReturnValue | None:
    """The page that asks who it is; None when the posted request may go on.

    Who has a second factor is asked for a code of it, others for the password.

    Call it once it is certain that this person may do what was posted. Raises TooManyLogins when
    too many answers were tried.
    """
    if _is_fresh():
        return None
    email = current_staff().email
    asks_code = services().second_factors.state(email) is not None
    answer = request.form.get(CODE_FIELD if asks_code else PASSWORD_FIELD)
    if answer is not None:
        is_right = factor_used(email, answer) is not None if asks_code else _is_right(answer)
        if is_right:
            renew_session()
            return None
    repeated = [
        (name, value) for name, value in request.form.items(multi=True) if name not in _NOT_REPEATED
    ]
    page = view.render(
        "backoffice/step_up.html",
        repeated=repeated,
        asks_code=asks_code,
        field=CODE_FIELD if asks_code else PASSWORD_FIELD,
        is_wrong=answer is not None,
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
