"""One id and one log line for every request.

A line never holds a body, a query string or a token: the path is the route's template, because
`/orders/<token>` with the token filled in would open a customer's page to whoever reads logs.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

import structlog
from flask import g, has_request_context, request
from structlog.contextvars import bind_contextvars, clear_contextvars

if TYPE_CHECKING:
    from flask import Flask, Response

REQUEST_ID_HEADER = "X-Request-Id"

_QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/static/<path:filename>"})
"""Probes and files, logged at debug only: they would drown the payments."""

_log = structlog.get_logger("payorch.access")


def init_app(app: Flask) -> None:
    """Register before everything else, so that the line also covers the others' hooks."""
    app.before_request(_begin)
    app.after_request(_write_line)
    app.teardown_request(_end)


def request_id() -> str:
    """This request's id, which is also the incident id that an error page shows.

    It is ours, never the client's: an id that somebody else chose could point at another
    incident, or carry a card number into the log.
    """
    if not has_request_context():
        return _new_id()
    if "request_id" not in g:
        g.request_id = _new_id()
    return str(g.request_id)


def note_problem(code: str) -> None:
    """Let this request's line say which problem was answered."""
    g.problem_code = code


def _new_id() -> str:
    return f"req_{secrets.token_hex(8)}"


def _begin() -> None:
    g.started = time.perf_counter()
    clear_contextvars()
    bind_contextvars(request_id=request_id())


def _end(_error: BaseException | None) -> None:
    """What this thread logs from now on belongs to no request."""
    clear_contextvars()


def _write_line(response: Response) -> Response:
    response.headers[REQUEST_ID_HEADER] = request_id()
    route = _route()
    fields = {
        "method": request.method,
        "route": route,
        "status": response.status_code,
        "duration_ms": _duration_ms(),
    }
    if problem := g.get("problem_code"):
        fields["problem"] = problem
    write = _log.debug if route in _QUIET_ROUTES else _log.info
    write("request", **fields)
    return response


def _route() -> str:
    """The route's template. What matched no route is not logged: it may be a mistyped token."""
    return request.url_rule.rule if request.url_rule is not None else "(no route)"


def _duration_ms() -> float | None:
    started = g.get("started")
    return None if started is None else round((time.perf_counter() - started) * 1000, 1)
