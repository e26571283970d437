"""Journals who logged in, who could not, who logged out, and what staff were refused.

Views only note what happened; it is written when the answer is ready. The login's own work at
the database is over by then - on SQLite, both at once would wait for each other - and a session
whose login cannot be journalled is not handed out.
"""

from collections.abc import Callable, Sequence
from typing import Any

from flask import Flask, Response, current_app, g, request, session
from flask_login import user_logged_out
from flask_security.signals import user_authenticated

from payorch.application.login_limits import LoginTry
from payorch.presentation.backoffice.shell import staff_session
from payorch.presentation.backoffice.shell.access import current_staff
from payorch.presentation.services import services

_NOTES = "access_notes"
_HALF_WAY = "login_half_way"
_BACK_OFFICE = "/admin/"


def init_app(app: Flask) -> None:
    """Call it before the login is put on `app`: what is registered first runs last."""
    app.after_request(_write_notes)
    user_authenticated.connect(_came_in, app)
    user_logged_out.connect(_went_out, app)


def count_login(email: str) -> LoginTry:
    """Before anything is checked: what cannot be counted is not tried. See `begin`."""
    # What was read for this request so far is older than the count. SQLite would not let a
    # transaction that began before it write, as a new way to hash passwords makes it do.
    current_app.extensions["security"].datastore.db.session.rollback()
    return services().limit_logins.begin(email, address=_address())


def note_failed_login(attempt: LoginTry, account: Any) -> None:
    """`account` None: there is none with the address that was typed."""
    email = None if account is None else str(account.email)
    _note(lambda: services().limit_logins.failed(attempt, email, address=_address()))


def note_wrong_code(attempt: LoginTry, email: str) -> None:
    _note(lambda: services().limit_logins.failed(attempt, email, address=_address(), of_code=True))


def note_right_password(attempt: LoginTry) -> None:
    _note(lambda: _was_right(attempt))


def expect_second_step() -> None:
    """A right password is half a login: it gives nobody new tries at the code."""
    setattr(g, _HALF_WAY, True)


def _was_right(attempt: LoginTry) -> None:
    if g.get(_HALF_WAY):
        services().limit_logins.half_way(attempt)
    else:
        services().limit_logins.came_in(attempt)


def _came_in(
    _app: Flask, user: Any, authn_via: Sequence[str] | None = None, **_facts: object
) -> None:
    """`authn_via` is "password", and then the second factor if one was used."""
    email, factor = str(user.email), next(iter((authn_via or ())[1:]), None)
    address = _address()
    _note(staff_session.new_session(email, address=address, has_second_factor=factor is not None))
    _note(lambda: services().record_access.logged_in(email, address=address, factor=factor))


def _went_out(_app: Flask, user: Any, **_facts: object) -> None:
    email = getattr(user, "email", None)
    # Flask-Login also tells of visitors who were never logged in.
    if email is not None:
        ended = staff_session.current_session()
        if ended is not None:
            _note(lambda: services().staff_sessions.log_out(ended))
            session.pop(staff_session.KEY, None)
        _note(lambda: services().record_access.logged_out(str(email), address=_address()))


def _note(write: Callable[[], None]) -> None:
    g.setdefault(_NOTES, []).append(write)


def _write_notes(response: Response) -> Response:
    notes: list[Callable[[], None]] = g.pop(_NOTES, [])
    for write in notes:
        write()
    if response.status_code == 403 and request.path.startswith(_BACK_OFFICE):
        staff = current_staff()
        if staff.is_authenticated:
            services().record_access.refused(
                staff.email, method=request.method, page=request.path, address=_address()
            )
    return response


def _address() -> str:
    return request.remote_addr or ""
