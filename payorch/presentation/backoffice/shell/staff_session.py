"""The session of a request: its key comes from the cookie, all else from the database.

The cookie stays Flask's own. What it says about who is logged in counts only as long as the
session that its key names is open; else the person of the request is nobody.
"""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, g, request, session

from payorch.application.staff_sessions import SessionEnd, StaffSession
from payorch.presentation.backoffice.shell.device_names import device_name
from payorch.presentation.services import services

KEY = "staff_session"
"""The session's key in the cookie."""

_ACCOUNT_KEY = "_user_id"
"""Where Flask-Login keeps in the cookie whose session it is."""

_LOOKED_UP = "staff_session"
_NOT_LOOKED_UP = object()

BACKGROUND_ENDPOINTS = frozenset({"dashboard.figures", "dashboard.table", "circuits.index"})
"""What pages ask for by themselves: it keeps nobody logged in who has left."""

ENDED_TEXTS: Mapping[SessionEnd, str] = {
    SessionEnd.LOGGED_OUT: "You have logged out.",
    SessionEnd.IDLE: "You were logged out because you did nothing for a while.",
    SessionEnd.TOO_OLD: "You were logged out because your last login is too long ago.",
    SessionEnd.ENDED_BY_OWNER: "You were logged out from your account's page.",
    SessionEnd.ENDED_BY_STAFF: "You were logged out by an administrator.",
    SessionEnd.ACCOUNT_CLOSED: "You were logged out because your account was closed.",
    SessionEnd.PASSWORD_CHANGED: "You were logged out because your password was changed.",
    SessionEnd.ROLE_REMOVED: "You were logged out because your role was changed.",
    SessionEnd.FACTOR_CHANGED: "You were logged out because your second factor was changed.",
    SessionEnd.FACTOR_REQUIRED: "You were logged out because a second factor is needed now.",
}


def init_app(app: Flask, login_manager: Any) -> None:
    """Let only open sessions say who somebody is. Call it when the login is on `app`."""
    # The only way to ask Flask-Security's own loader.
    account_of: Any = login_manager._user_callback  # noqa: SLF001 - see above

    def staff_of(account_key: str) -> Any:
        found = current_session()
        if found is None or found.end is not None or found.account_key != account_key:
            return None
        if request.endpoint not in BACKGROUND_ENDPOINTS:
            services().staff_sessions.note_activity(found)
        return account_of(account_key)

    login_manager.user_loader(staff_of)
    app.jinja_env.globals["staff_session_end"] = ended_text


def current_session() -> StaffSession | None:
    """The session that the cookie names, open or not; looked up once for each request."""
    found = g.get(_LOOKED_UP, _NOT_LOOKED_UP)
    if found is _NOT_LOOKED_UP:
        key = session.get(KEY)
        found = services().staff_sessions.look(key) if isinstance(key, str) else None
        setattr(g, _LOOKED_UP, found)
    return found if isinstance(found, StaffSession) else None


def ended_text() -> str:
    """Why somebody is not logged in any more; empty when they never were."""
    found = current_session()
    if found is not None and found.end is not None:
        return ENDED_TEXTS[found.end]
    return ""


def new_session(staff: str, *, address: str, has_second_factor: bool) -> Callable[[], None]:
    """Put a new key into the cookie. The session is open when the answer has been called."""
    sessions = services().staff_sessions
    key, device = sessions.new_key(), device_name(request.headers.get("User-Agent", ""))
    session[KEY] = key
    forget_looked_up()

    def write() -> None:
        sessions.open(
            key, staff, address=address, device=device, has_second_factor=has_second_factor
        )

    return write


def renew_session(*, with_factor: bool = False) -> None:
    """The owner has just proved who they are: they get another key, the former one ends."""
    found = current_session()
    if found is not None:
        session[KEY] = services().staff_sessions.renew(found, with_factor=with_factor)
        forget_looked_up()


def follow_account_key(account_key: str) -> None:
    """The owner has changed what the account is known by: their own session still knows it."""
    session[_ACCOUNT_KEY] = account_key
    forget_looked_up()


def forget_looked_up() -> None:
    g.pop(_LOOKED_UP, None)
