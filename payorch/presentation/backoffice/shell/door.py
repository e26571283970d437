"""The door of the back office: every request passes it before any page.

What no table declares is closed for everybody, so that a page whose author forgot to say who may
see it is seen by nobody.
"""

from flask import Flask, abort, request
from flask.typing import ResponseReturnValue

from payorch.application.request_limits import Limited
from payorch.presentation.backoffice.endpoint_permissions import (
    EXPORTS,
    OPEN_ENDPOINTS,
    PERMISSION_OF_ENDPOINT,
    STAFF_ENDPOINTS,
)
from payorch.presentation.backoffice.shell.access import (
    current_staff,
    is_active_staff,
    staff_may,
    turned_away,
)
from payorch.presentation.services import services

_PATH = "/admin"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_PAGES = frozenset({"same-origin", "none"})


def init_app(app: Flask) -> None:
    app.before_request(_refuse_other_sites)
    app.before_request(_refuse_without_permission)


def is_behind(path: str) -> bool:
    """Whether an address, or the rule of one, belongs to the back office."""
    return path == _PATH or path.startswith(f"{_PATH}/")


def _refuse_other_sites() -> None:
    """A form of another site, or of another host of ours, whatever token it holds.

    Browsers say where a form came from, and no page can make them lie (Fetch Metadata). A client
    that says nothing needs the token as ever.
    """
    if request.method in _SAFE_METHODS or not is_behind(request.path):
        return
    if request.headers.get("Sec-Fetch-Site", "none") not in _OWN_PAGES:
        abort(403)


def _refuse_without_permission() -> ResponseReturnValue | None:
    rule, endpoint = request.url_rule, request.endpoint
    if rule is None or endpoint is None or not is_behind(rule.rule):
        return None
    if endpoint not in OPEN_ENDPOINTS and not _may_enter(endpoint):
        return turned_away()
    if endpoint in EXPORTS:
        services().limit_requests.count(Limited.EXPORT_STAFF, current_staff().email)
    return None


def _may_enter(endpoint: str) -> bool:
    if endpoint in STAFF_ENDPOINTS:
        return is_active_staff()
    permission = PERMISSION_OF_ENDPOINT.get(endpoint)
    return permission is not None and staff_may(permission)
