"""What comes after a right password: the code of the second factor, or setting one up.

Until then nobody is logged in: the cookie only says whose password was right, and when. So every
other page treats the person as a visitor, and none can forget to ask for the second step.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Flask,
    current_app,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_security import login_user
from flask_security.tf_plugin import TfPlugin

from payorch.application.second_factor import Draft, NextStep
from payorch.domain.errors import SecondFactorRefused, SecretUnreadable
from payorch.presentation.backoffice import access_records
from payorch.presentation.backoffice.people.enrolment_page import shown_secret
from payorch.presentation.backoffice.shell.access import LOGIN_ENDPOINT
from payorch.presentation.backoffice.shell.appearance import local_path
from payorch.presentation.backoffice.shell.code_check import factor_used
from payorch.presentation.services import services

HALF_LOGIN = "half_login"
HALF_LOGIN_LIVES = timedelta(minutes=10)
"""Time enough to install an app; then the password is asked again."""

_PAGES = {NextStep.CODE: "login_steps.code", NextStep.ENROL: "login_steps.enrol"}

steps = Blueprint("login_steps", __name__, url_prefix="/admin/login")


@dataclass(frozen=True, slots=True)
class HalfLogin:
    """Whose password was right, and the page they came for."""

    account: Any
    email: str
    came_for: str


class SecondStep(TfPlugin):
    """Flask-Security's login asks it before it lets anybody in whose password was right."""

    def tf_enter(
        self,
        user: Any,
        remember_me: bool | None,  # noqa: ARG002, FBT001 - Flask-Security's signature
        primary_authn_via: str,  # noqa: ARG002 - Flask-Security's signature
        next_loc: str | None,
    ) -> Any:
        step = services().second_factors.next_step(str(user.email))
        if step is NextStep.COME_IN:
            return None
        session[HALF_LOGIN] = {
            "account": user.fs_uniquifier,
            "at": services().clock.now().timestamp(),
            "came_for": _came_for(next_loc),
        }
        access_records.expect_second_step()
        return redirect(url_for(_PAGES[step]), code=303)


def init_app(app: Flask, security: Any) -> None:
    app.register_blueprint(steps)
    security.two_factor_plugins = SecondStep()


@steps.route("/code", methods=["GET", "POST"])
def code() -> ResponseReturnValue:
    half = _half_login()
    if not isinstance(half, HalfLogin):
        return half
    is_wrong = False
    if request.method == "POST":
        used = factor_used(half.email, request.form.get("code", ""))
        if used is not None:
            _let_in(half, used.value)
            return redirect(half.came_for, code=303)
        is_wrong = True
    return render_template("security/login_code.html", email=half.email, is_wrong=is_wrong)


@steps.route("/enrol", methods=["GET", "POST"])
def enrol() -> ResponseReturnValue:
    half = _half_login()
    if not isinstance(half, HalfLogin):
        return half
    if request.method == "GET":
        return _enrol_page(half, services().second_factors.draft(half.email))
    factors = services().second_factors
    try:
        draft = factors.draft_again(half.email, request.form.get("draft", ""))
    except SecretUnreadable as error:
        return _enrol_page(half, factors.draft(half.email), error.message), 422
    try:
        recovery_codes = factors.enrol(
            half.email, draft, request.form.get("code", ""), keep_session=None, replaces=False
        )
    except SecondFactorRefused as error:
        return _enrol_page(half, draft, error.message), 422
    _let_in(half, "code")
    return render_template(
        "security/recovery_codes.html", codes=recovery_codes, came_for=half.came_for
    )


def _half_login() -> HalfLogin | ResponseReturnValue:
    """Whose password was right a moment ago; else, or on the wrong page, where to go."""
    to_login = redirect(url_for(LOGIN_ENDPOINT), code=303)
    stored = session.get(HALF_LOGIN)
    if not isinstance(stored, dict):
        return to_login
    age_s = services().clock.now().timestamp() - float(stored["at"])
    if not 0 <= age_s < HALF_LOGIN_LIVES.total_seconds():
        session.pop(HALF_LOGIN)
        return to_login
    datastore = current_app.extensions["security"].datastore
    account = datastore.find_user(fs_uniquifier=str(stored["account"]))
    if account is None or not account.active:
        return to_login
    email = str(account.email)
    page = _PAGES.get(services().second_factors.next_step(email))
    if page is None:
        # A second factor was removed meanwhile, and is not required: the password is enough.
        return to_login
    if page != request.endpoint:
        return redirect(url_for(page), code=303)
    return HalfLogin(account, email, str(stored["came_for"]))


def _let_in(half: HalfLogin, factor: str) -> None:
    session.pop(HALF_LOGIN, None)
    login_user(half.account, remember=False, authn_via=["password", factor])


def _enrol_page(half: HalfLogin, draft: Draft, problem: str = "") -> str:
    return render_template(
        "security/login_enrol.html",
        email=half.email,
        secret=shown_secret(half.email, draft),
        problem=problem,
    )


def _came_for(next_loc: str | None) -> str:
    """A page of the back office. Without one, Flask-Security names the login itself."""
    asked = urlsplit(next_loc or "")
    if asked.path == url_for(LOGIN_ENDPOINT):
        return url_for("admin.index")
    return local_path(f"{asked.path}?{asked.query}" if asked.query else asked.path)
