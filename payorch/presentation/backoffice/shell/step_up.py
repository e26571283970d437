"""Who is it, once more, before money moves, the routing changes or the journal leaves?

Who finds a screen unlocked may look around, but not act (security.md, S17). What was posted is
posted again with the answer, so nothing typed is lost, and it works without a script.
"""

from datetime import timedelta
from typing import Any, Protocol

from flask import current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from payorch.application.second_factor import FactorState
from payorch.presentation.backoffice.shell.access import current_staff
from payorch.presentation.backoffice.shell.code_check import factor_used, passkey_used
from payorch.presentation.backoffice.shell.staff_session import current_session, renew_session
from payorch.presentation.backoffice.staff_login import StaffVerifyForm
from payorch.presentation.services import services

FRESH_FOR = timedelta(minutes=5)
"""How long an answer counts, and a login."""

PASSWORD_FIELD = "step_up_password"  # noqa: S105 - the name of a field
CODE_FIELD = "step_up_code"
PASSKEY_FIELD = "step_up_passkey"

_NOT_REPEATED = frozenset({PASSWORD_FIELD, CODE_FIELD, PASSKEY_FIELD, "csrf_token"})


class _Page(Protocol):
    def render(self, template: str, **context: Any) -> Any: ...


def identity_question(
    view: _Page, *, never_repeated: frozenset[str] = frozenset()
) -> ResponseReturnValue | None:
    """The page that asks who it is; None when the posted request may go on.

    Who has a second factor is asked for it, others for the password. Fields that are
    `never_repeated` must be in no page: they are typed again after the answer.

    Call it once it is certain that this person may do what was posted. Raises TooManyLogins when
    too many answers were tried.
    """
    if _is_fresh():
        return None
    factor = services().second_factors.state(current_staff().email)
    is_right = _is_right(factor)
    if is_right:
        renew_session()
        return None
    repeated = [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in _NOT_REPEATED | never_repeated
    ]
    page = view.render(
        "backoffice/step_up.html",
        repeated=repeated,
        factor=factor,
        field=CODE_FIELD if factor else PASSWORD_FIELD,
        passkey_field=PASSKEY_FIELD,
        is_wrong=is_right is False,
        minutes=int(FRESH_FOR.total_seconds() // 60),
    )
    return page, 403


def _is_fresh() -> bool:
    found = current_session()
    return found is not None and services().staff_sessions.is_verified_within(found, FRESH_FOR)


def _is_right(factor: FactorState | None) -> bool | None:
    """None: nothing was answered yet."""
    email, form = current_staff().email, request.form
    if factor is None:
        password = form.get(PASSWORD_FIELD)
        return None if password is None else is_own_password(password)
    if answer := form.get(PASSKEY_FIELD):
        found = current_session()
        return found is not None and passkey_used(email, answer, session=found.public_id)
    code = form.get(CODE_FIELD)
    return None if code is None else factor_used(email, code) is not None


def is_own_password(password: str) -> bool:
    """Counted like a login, so that it cannot be guessed here either."""
    form = StaffVerifyForm(
        formdata=MultiDict({"password": password}), user=current_staff(), meta={"csrf": False}
    )
    is_right = bool(form.validate())
    # A password that is to be hashed anew waits for the next login: written here, it would hold
    # up the write that comes next.
    current_app.extensions["security"].datastore.db.session.rollback()
    return is_right
