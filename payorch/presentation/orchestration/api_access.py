"""Who may call the API, and what: the holder of a key with the operation's scope.

Cookies are taken off before anything sees them: a staff member's session must neither open the
API to another site's form nor cost a look-up on the way of a payment.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import structlog
from flask import g, request

from payorch.application.admit_api_caller import TOKEN_ACTOR, Admitted, Refusal
from payorch.application.request_limits import Limited
from payorch.domain.errors import LedgerUnavailable
from payorch.presentation.orchestration.blueprint import MAX_BODY_BYTES, blueprint
from payorch.presentation.orchestration.scopes import OPEN_ENDPOINTS, SCOPE_OF_ENDPOINT
from payorch.presentation.problem_details import problem
from payorch.presentation.services import services, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Flask, Response

API_PATHS = ("/api/", "/webhooks/")
"""What machines call. A cookie there is a browser's, sent by somebody else's page."""

_KEY_IN_TEXT = re.compile(r"po_(live|test)_[0-9A-Za-z]{8}_")
_NAMES_OF_KEYS = frozenset({"access_token", "api_key", "apikey", "api_token"})

_REALM = 'Bearer realm="payorch"'
_INVALID = f'{_REALM}, error="invalid_token"'
"""As RFC 6750 says: who sent no key at all is told no error."""

_REFUSALS = {
    Refusal.MISSING: ("unauthorized", "Send an API key as 'Authorization: Bearer ...'."),
    Refusal.UNKNOWN: ("unauthorized", "This is not a valid API key."),
    Refusal.MISTYPED: ("api_key_mistyped", "A part of this API key is missing or mistyped."),
    Refusal.REVOKED: ("api_key_revoked", "This API key was revoked."),
    Refusal.EXPIRED: ("api_key_expired", "This API key has expired."),
}

_log = structlog.get_logger("payorch.api")


@blueprint.before_request
def _admit() -> Response | None:
    request.max_content_length = MAX_BODY_BYTES
    if _has_key_in_url():
        return problem(
            400,
            "api_key_in_url",
            "Never put a key into an address: addresses are logged on their way. "
            "Send it as 'Authorization: Bearer ...', and revoke the one that you sent.",
        )
    if request.endpoint in OPEN_ENDPOINTS:
        return None
    admitted = services().admit_api_caller.execute(_bearer(), address=request.remote_addr or "")
    if isinstance(admitted, Refusal):
        return _refused(admitted)
    g.api_caller = admitted
    services().limit_requests.count(Limited.API_KEY, admitted.actor)
    return _without_scope(admitted)


@blueprint.after_request
def _note_use(response: Response) -> Response:
    """When the answer has been sent: writing it down must neither delay nor fail a payment."""
    caller: Admitted | None = g.get("api_caller")
    if caller is not None and caller.noted_key_id is not None:
        note = partial(_write_use, services().admit_api_caller.note_use, caller.noted_key_id)
        response.call_on_close(note)
    return response


def actor() -> str:
    """Who asks, in the journal."""
    caller: Admitted | None = g.get("api_caller")
    return TOKEN_ACTOR if caller is None else caller.actor


class WithoutCookies:
    """WSGI middleware: requests of machines arrive without their cookies."""

    def __init__(self, wsgi_app: WSGIApplication) -> None:
        self._wsgi_app = wsgi_app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith(API_PATHS):
            environ.pop("HTTP_COOKIE", None)
        return self._wsgi_app(environ, start_response)


def warn_without_token(app: Flask) -> None:
    """Say at start what is true until there is a key. Keys are not looked for: the database may
    not be there yet.
    """
    with app.app_context():
        if settings().api_token is not None:
            return
        advice = "Create an API key: payorch api-keys create. Or set PAYORCH_API_TOKEN."
        if settings().is_production:
            _log.info("api_is_closed_without_keys", advice=advice)
        else:
            _log.warning("api_is_open_without_keys", advice=advice)


def _bearer() -> str | None:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else None


def _has_key_in_url() -> bool:
    return any(
        name.lower() in _NAMES_OF_KEYS or _KEY_IN_TEXT.search(name) or _KEY_IN_TEXT.search(value)
        for name, value in request.args.items(multi=True)
    )


def _refused(refusal: Refusal) -> Response:
    if refusal is Refusal.ADDRESS:
        return problem(
            403, "address_not_allowed", "This API key may not be used from your network address."
        )
    if refusal is Refusal.OTHER_MODE:
        code, detail = "api_key_of_other_mode", _wrong_mode()
    else:
        code, detail = _REFUSALS[refusal]
    challenge = _REALM if refusal is Refusal.MISSING else _INVALID
    return problem(401, code, detail, headers={"WWW-Authenticate": challenge})


def _wrong_mode() -> str:
    if settings().is_production:
        return "This is a test key, and this installation runs in production. Use a live key."
    return "This is a live key, and this installation does not run in production. Use a test key."


def _without_scope(caller: Admitted) -> Response | None:
    scope = SCOPE_OF_ENDPOINT.get(request.endpoint or "")
    if scope is not None and scope in caller.scopes:
        return None
    needed = "a scope that no key has" if scope is None else f"the scope {scope}"
    return problem(
        403,
        "insufficient_scope",
        f"This needs {needed}, which this API key does not have.",
        headers={
            "WWW-Authenticate": f'{_REALM}, error="insufficient_scope"'
            + ("" if scope is None else f', scope="{scope}"')
        },
        scope=scope,
    )


def _write_use(note_use: Callable[[str], None], key_id: str) -> None:
    try:
        note_use(key_id)
    except LedgerUnavailable:
        _log.warning("api_key_use_not_noted", key_id=key_id)
