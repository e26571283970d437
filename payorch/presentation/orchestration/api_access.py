"""Who may call the API: the holder of the configured token, by `Authorization: Bearer`.

Cookies are taken off before anything sees them: a staff member's session must neither open the
API to another site's form nor cost a look-up on the way of a payment.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

import structlog
from flask import request

from payorch.presentation.orchestration.blueprint import MAX_BODY_BYTES, blueprint
from payorch.presentation.problem_details import problem
from payorch.presentation.services import settings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Flask, Response

API_PATHS = ("/api/", "/webhooks/")
"""What machines call. A cookie there is a browser's, sent by somebody else's page."""

OPEN_ENDPOINTS = frozenset({"orchestration.openapi_json", "orchestration.docs"})
"""The documentation names no order and no customer."""

_log = structlog.get_logger("payorch.api")


@blueprint.before_request
def _admit() -> Response | None:
    request.max_content_length = MAX_BODY_BYTES
    token = settings().api_token
    if token is None or request.endpoint in OPEN_ENDPOINTS or _bears(token):
        return None
    return problem(
        401,
        "unauthorized",
        "Send the API token as 'Authorization: Bearer ...'.",
        headers={"WWW-Authenticate": 'Bearer realm="payorch"'},
    )


class WithoutCookies:
    """WSGI middleware: requests of machines arrive without their cookies."""

    def __init__(self, wsgi_app: WSGIApplication) -> None:
        self._wsgi_app = wsgi_app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith(API_PATHS):
            environ.pop("HTTP_COOKIE", None)
        return self._wsgi_app(environ, start_response)


def warn_when_open(app: Flask) -> None:
    """Say at start that anybody may call the API; production refuses to start like that."""
    with app.app_context():
        if settings().api_token is None:
            _log.warning("api_is_open", advice="Set PAYORCH_API_TOKEN.")


def _bears(token: str) -> bool:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    # Compared as bytes: compare_digest refuses text beyond ASCII.
    return scheme.lower() == "bearer" and hmac.compare_digest(
        credentials.strip().encode(), token.encode()
    )
