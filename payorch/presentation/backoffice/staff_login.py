"""Staff login by Flask-Security: one page under /admin, sessions only, no way to register.

Flask-Security offers much more than a login page; whatever is not needed yet is switched off
here, because each of its doors (JSON login, auth tokens, "remember me") would need guarding.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, Request, current_app
from flask_security import (
    EmailValidateException,
    LoginForm,
    Security,
    SQLAlchemyUserDatastore,
    VerifyForm,
)
from flask_security.utils import get_message
from flask_sqlalchemy import SQLAlchemy

from payorch.application.login_limits import LoginTry
from payorch.infrastructure.persistence.tables.staff import RoleRow, StaffRow
from payorch.presentation.backoffice import access_records, login_steps
from payorch.presentation.backoffice.shell import staff_session
from payorch.presentation.services import services

# How a password is hashed stands in infrastructure/security/password_hashes.py as well: the
# command line makes accounts without this extension. A test logs in with such an account.
_SETTINGS: dict[str, Any] = {
    "SECURITY_URL_PREFIX": "/admin",
    "SECURITY_POST_LOGIN_VIEW": "/admin/",
    "SECURITY_POST_LOGOUT_VIEW": "/admin/login",
    "SECURITY_STATIC_FOLDER": None,
    "SECURITY_PASSWORD_HASH": "argon2",
    "SECURITY_PASSWORD_SCHEMES": ["argon2"],
    "SECURITY_DEPRECATED_PASSWORD_SCHEMES": [],
    "SECURITY_PASSWORD_SINGLE_HASH": True,
    "SECURITY_PASSWORD_LENGTH_MIN": 12,
    "SECURITY_PASSWORD_CONFIRM_REQUIRED": True,
    # The same words and the same hashing time for a wrong password and an unknown address.
    "SECURITY_RETURN_GENERIC_RESPONSES": True,
    "SECURITY_FRESHNESS": timedelta(minutes=15),
    "SECURITY_FLASH_MESSAGES": False,
    "SECURITY_LOGOUT_METHODS": ["POST"],
    # CSRFProtect checks every form of the site already; turning Flask-Security's own handling
    # on would switch that check off elsewhere.
    "SECURITY_CSRF_COOKIE_NAME": None,
    "SECURITY_API_ENABLED_METHODS": ["session"],
    # A joined load of the roles would double each account's row; `roles` has its own select.
    "SECURITY_JOIN_USER_ROLES": False,
    "SECURITY_DATETIME_FACTORY": lambda: datetime.now(UTC),
    "SECURITY_REGISTERABLE": False,
    "SECURITY_RECOVERABLE": False,
    "SECURITY_CHANGEABLE": False,
}


class StaffLoginForm(LoginForm):
    """E-mail and password only: the cookie ends with the browser, the session much earlier."""

    remember = None  # type: ignore[assignment]  # how WTForms takes an inherited field away

    def validate(self, extra_validators: Any = None, **kwargs: Any) -> bool:
        # Counted and looked up in one spelling: else each spelling would have tries of its own.
        self.email.data = _spelling(self.email.data or "")
        # The place comes first: who is sent away as the house is full has used up no try.
        with services().hashing_places.place():
            attempt = access_records.count_login(self.email.data)
            # A locked account takes the same way, so that it takes the same time.
            is_right = bool(super().validate(extra_validators=extra_validators, **kwargs))
        return _conclude(self, attempt, is_right=is_right)


class StaffVerifyForm(VerifyForm):
    """The password once more: who found an open session must not guess it here without end."""

    def validate(self, extra_validators: Any = None, **kwargs: Any) -> bool:
        with services().hashing_places.place():
            attempt = access_records.count_login(_spelling(str(self.user.email)))
            is_right = bool(super().validate(extra_validators=extra_validators, **kwargs))
        return _conclude(self, attempt, is_right=is_right)


def _conclude(form: LoginForm | VerifyForm, attempt: LoginTry, *, is_right: bool) -> bool:
    if is_right and attempt.is_open:
        access_records.note_right_password(attempt)
        return True
    access_records.note_failed_login(attempt, form.user)
    if is_right:
        # What a wrong password leaves behind.
        form.password.errors = (get_message("INVALID_PASSWORD")[0],)
    return False


def _spelling(typed: str) -> str:
    """As accounts are stored and Flask-Security looks them up."""
    try:
        return str(current_app.extensions["security"].mail_util.normalize(typed.strip())).lower()
    except EmailValidateException:
        return typed.strip().lower()


def init_app(app: Flask, db: SQLAlchemy, *, uses_https: bool) -> None:
    """Flask-Babel and CSRFProtect must be initialized on `app` before."""
    access_records.init_app(app)
    app.config.update(_SETTINGS)
    app.config.update(_cookie_settings(uses_https=uses_https))
    security = Security(
        app,
        SQLAlchemyUserDatastore(db, StaffRow, RoleRow),
        login_form=StaffLoginForm,
        verify_form=StaffVerifyForm,
    )
    security.want_json(_never)
    # It would look for an account before every request, payments included (about 40 us each).
    # Pages ask AccessGuard; Flask-Security's own role decorators now refuse everybody.
    security.principal.identity_loaders.clear()
    # Its loader would take an auth token from a header, and even from the URL, on every page.
    login_manager = app.login_manager  # type: ignore[attr-defined]  # set by Flask-Login
    login_manager.request_loader(_nobody)
    staff_session.init_app(app, login_manager)
    login_steps.init_app(app, security)


def _cookie_settings(*, uses_https: bool) -> dict[str, Any]:
    """The prefix makes browsers refuse the cookie from another host or without TLS."""
    return {
        "SESSION_COOKIE_NAME": "__Host-payorch" if uses_https else "payorch",
        "SESSION_COOKIE_SECURE": uses_https,
        "SESSION_COOKIE_HTTPONLY": True,
        # Lax, not Strict: customers come back from a provider's page with their session.
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_PATH": "/",
    }


def _never(_request: Request) -> bool:
    return False


def _nobody(_request: Request) -> None:
    return None
