"""What comes after a right password: a code or a passkey, or setting a second factor up.

Until then nobody is logged in: the cookie only says whose password was right, and when. So every
other page treats the person as a visitor, and none can forget to ask for the second step.
"""

import secrets
from collections.abc import Sequence
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

from payorch.application.passkeys import Purpose
from payorch.application.second_factor import Draft, FactorUsed, NextStep
from payorch.domain.errors import SecondFactorRefused, SecretUnreadable
from payorch.domain.login_errors import PasskeyRefused
from payorch.presentation.backoffice import access_records
from payorch.presentation.backoffice.people.enrolment_page import shown_secret
from payorch.presentation.backoffice.shell.access import LOGIN_ENDPOINT
from payorch.presentation.backoffice.shell.appearance import local_path
from payorch.presentation.backoffice.shell.code_check import factor_used, passkey_used
from payorch.presentation.backoffice.shell.passkey_answers import challenge_answer
from payorch.presentation.services import services

HALF_LOGIN = "half_login"
HALF_LOGIN_LIVES = timedelta(minutes=10)
"""Time enough to install an app; then the password is asked again."""

_PAGES = {NextStep.CODE: "login_steps.code", NextStep.ENROL: "login_steps.enrol"}

_ALSO = {
    NextStep.CODE: frozenset({"login_steps.passkey_challenge"}),
    NextStep.ENROL: frozenset({"login_steps.passkey_challenge", "login_steps.enrol_passkey"}),
}
"""What the page of a step posts to, besides itself."""

steps = Blueprint("login_steps", __name__, url_prefix="/admin/login")


@dataclass(frozen=True, slots=True)
class HalfLogin:
    """Whose password was right, and the page they came for.

    `session` is another text for each login, which challenges are bound to.
    """

    account: Any
    email: str
    came_for: str
    session: str
    step: NextStep


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
            "session": secrets.token_hex(16),
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
        used = _used(half)
        if used is not None:
            _let_in(half, used)
            return redirect(half.came_for, code=303)
        is_wrong = True
    return render_template(
        "security/login_code.html",
        email=half.email,
        factor=services().second_factors.state(half.email),
        is_wrong=is_wrong,
    )


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
    return _in_with_codes(half, FactorUsed.CODE, recovery_codes)


@steps.post("/enrol/passkey")
def enrol_passkey() -> ResponseReturnValue:
    """The first factor is a passkey. Whoever has another one is not asked for this."""
    half = _half_login()
    if not isinstance(half, HalfLogin):
        return half
    try:
        recovery_codes = services().passkeys.register(
            half.email,
            request.form.get("name", ""),
            request.form.get("passkey", ""),
            session=half.session,
            keep_session=None,
            must_be_first=True,
        )
    except PasskeyRefused as error:
        draft = services().second_factors.draft(half.email)
        return _enrol_page(half, draft, error.message), 422
    return _in_with_codes(half, FactorUsed.PASSKEY, recovery_codes)


@steps.post("/passkey/challenge")
def passkey_challenge() -> ResponseReturnValue:
    half = _half_login()
    if not isinstance(half, HalfLogin):
        return half
    purpose = Purpose.USE if half.step is NextStep.CODE else Purpose.REGISTER
    return challenge_answer(half.email, purpose, session=half.session)


def _used(half: HalfLogin) -> FactorUsed | None:
    if answer := request.form.get("passkey"):
        is_right = passkey_used(half.email, answer, session=half.session)
        return FactorUsed.PASSKEY if is_right else None
    return factor_used(half.email, request.form.get("code", ""))


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
    step = services().second_factors.next_step(email)
    page = _PAGES.get(step)
    if page is None:
        # A second factor was removed meanwhile, and is not required: the password is enough.
        return to_login
    if request.endpoint != page and request.endpoint not in _ALSO[step]:
        return redirect(url_for(page), code=303)
    # A login from before an upgrade has no text of its own: its page asks for no passkey.
    bound = f"login:{stored.get('session', secrets.token_hex(16))}"
    return HalfLogin(account, email, str(stored["came_for"]), bound, step)


def _let_in(half: HalfLogin, factor: FactorUsed) -> None:
    session.pop(HALF_LOGIN, None)
    login_user(half.account, remember=False, authn_via=["password", factor.value])


def _in_with_codes(half: HalfLogin, factor: FactorUsed, codes: Sequence[str]) -> str:
    _let_in(half, factor)
    return render_template("security/recovery_codes.html", codes=codes, came_for=half.came_for)


def _enrol_page(half: HalfLogin, draft: Draft, problem: str = "") -> str:
    return render_template(
        "security/login_enrol.html",
        email=half.email,
        secret=shown_secret(half.email, draft),
        problem=problem,
        takes_passkeys=not services().passkeys.problem,
    )


def _came_for(next_loc: str | None) -> str:
    """A page of the back office. Without one, Flask-Security names the login itself."""
    asked = urlsplit(next_loc or "")
    if asked.path == url_for(LOGIN_ENDPOINT):
        return url_for("admin.index")
    return local_path(f"{asked.path}?{asked.query}" if asked.query else asked.path)
